"""Users whose key lives in a security key: OpenSSH's client with the software device of its own test suite."""
from pathlib import Path

import pytest
from clients import Clients
from processes import run, wait_until
from targets import make_key

DEVICE = Path("/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so")
pytestmark = pytest.mark.skipif(not DEVICE.exists(), reason="no software security key: openssh-tests is not installed")


def user_with(folder, world, kind, *options):
    key = folder / "id_sk"
    run(["ssh-keygen", "-q", "-t", kind, "-w", DEVICE, "-N", "", *options, "-f", key]).ok()
    return Clients(folder / "client", "alice", world.gateway.port, world.gateway.host_key, key=key,
                   options=[f"SecurityKeyProvider {DEVICE}"])


@pytest.mark.parametrize("kind", ["ed25519-sk", "ecdsa-sk"])
def test_touch_is_wanted_unless_the_key_says_not(world, folder, kind):
    touched = user_with(folder, world, kind)
    try:
        access = world.access()
        access["user"][0]["keys"].append(touched.public_key)
        world.gateway.apply(access)
        done = touched.ssh(world.place(), "echo in; exit 7")
        assert (done.status, done.out) == (7, b"in\n"), done

        # The same device, asked to sign without a touch.
        (folder / "untouched").mkdir()
        untouched = user_with(folder / "untouched", world, kind, "-O", "no-touch-required")
        access["user"][0]["keys"].append(untouched.public_key)
        world.gateway.apply(access)
        refused = untouched.ssh(world.place(), "true")
        assert refused.status == 255, refused
        wait_until(lambda: any("was not touched" in record["reason"] for record in world.gateway.audit()), "an audit record", 5)

        access["user"][0]["keys"][-1] = "no-touch-required " + untouched.public_key
        world.gateway.apply(access)
        assert untouched.ssh(world.place(), "exit 7").status == 7
    finally:
        world.apply()


@pytest.mark.row("D2")
def test_a_rule_that_wants_a_touch(world, folder):
    """`when = { touch = true }`: whoever signs in with another key, or does not touch, finds no rule."""
    touched = user_with(folder, world, "ed25519-sk")
    (folder / "untouched").mkdir()
    untouched = user_with(folder / "untouched", world, "ed25519-sk", "-O", "no-touch-required")
    try:
        access = world.access()
        access["user"][0]["keys"] += [touched.public_key, "no-touch-required " + untouched.public_key]
        everything = next(rule for rule in access["rule"] if rule["name"] == "alice works everywhere")
        everything["when"] = {"touch": True}
        world.gateway.apply(access)
        assert touched.ssh(world.place(), "exit 7").status == 7
        for other in (untouched, world.alice):
            refused = other.ssh(world.place(), "exit 7")
            assert refused.status not in (0, 7) and "who signs in with a security key and touches it" in refused.err, refused
        shown = world.gateway.command("explain", "alice", world.place().removesuffix("@gw"), "--as", "exec")
        assert shown.status == 1 and "security key" in shown.text, shown
        world.gateway.command("explain", "alice", world.place().removesuffix("@gw"), "--as", "exec", "--touched").ok()
    finally:
        world.apply()


@pytest.mark.row("E1")
@pytest.mark.parametrize("kind", ["ed25519-sk", "ecdsa-sk"])
def test_certificate_of_a_security_key(own_world, folder, kind):
    """A touch is wanted unless the authority says no-touch-required; this device never asks for a PIN."""
    world = own_world
    make_key(folder / "ca")
    world.gateway.configure(ssh={"user_ca": [(folder / "ca.pub").read_text().strip()]})
    world.gateway.reload()

    def status(name, device_options, options):
        (folder / name).mkdir()
        client = user_with(folder / name, world, kind, *device_options)
        run(["ssh-keygen", "-q", "-s", folder / "ca", "-I", name, "-n", "alice", *options, folder / name / "id_sk.pub"]).ok()
        return client.ssh(world.place(), "exit 7").status
    no_touch = ["-O", "no-touch-required"]
    assert status("touched", [], []) == 7
    assert status("untouched", no_touch, []) == 255
    assert status("permitted", no_touch, no_touch) == 7
    assert status("pin", [], ["-O", "verify-required"]) == 255
    reasons = [record["reason"] for record in world.gateway.audit() if record["kind"] == "auth.refused"]
    assert any("was not touched" in reason for reason in reasons) and any("PIN" in reason for reason in reasons), reasons
