"""Host keys and host certificates: what targets show the gateway, what the gateway shows clients, and how both change them."""
import re
import time

import pytest
from clients import Clients
from processes import run, wait_until
from targets import LOGIN, OpenSshTarget, make_key


@pytest.fixture(scope="module")
def place_of():
    """place_of(world, target, trust…): the target under the name `other`; how alice names it."""
    def apply(world, target, **trust):
        access = world.access()
        access["target"].append({"name": "other", "address": f"127.0.0.1:{target.port}", "logins": [LOGIN], "auth": "certificate", **trust})
        world.gateway.apply(access, "--prune")
        return f"{LOGIN}@other@gw"
    return apply


def certify(folder, target, *options, ca="host_ca", names="127.0.0.1", kind="ed25519"):
    """A certificate for a host key of the target."""
    principals = ["-n", names] if names else []
    run(["ssh-keygen", "-q", "-s", folder / ca, "-h", "-I", "host", *principals, *options, target.folder / f"host_{kind}.pub"]).ok()


def refused(world, place, text):
    done = world.alice.ssh(place, "echo in")
    assert done.status != 0 and done.out == b"" and re.search(text, done.err), done

    def recorded():
        return [record for record in world.gateway.audit() if record["kind"] == "target.refused" and re.search(text, record["reason"])]
    try:
        wait_until(recorded, f"an audit record about {text!r}", 5)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{done}\n{world.gateway.audit()[-4:]}") from None


class CertifiedTarget(OpenSshTarget):
    """An sshd that shows a host certificate, of a key of any kind."""

    def __init__(self, folder, world, kind="ed25519"):
        super().__init__(folder / "sshd", ca_lines=[world.gateway.user_ca])
        if kind != "ed25519":
            make_key(self.folder / f"host_{kind}", kind)
        for name in ("host_ca", "foreign_ca"):
            make_key(folder / name)
        config = (self.folder / "sshd_config").read_text().replace("host_ed25519", f"host_{kind}")
        (self.folder / "sshd_config").write_text(config + f"HostCertificate {self.folder}/host_{kind}-cert.pub\n")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_targets_host_certificate(own_world, folder, place_of, kind):
    world = own_world
    target = CertifiedTarget(folder, world, kind)
    host_ca = (folder / "host_ca.pub").read_text().strip()

    def shown(*options, **more):
        certify(folder, target, *options, kind=kind, **more)
        target.start()
        return place_of(world, target, host_ca=[host_ca])

    place = shown("-V", "-5m:+10m")
    try:
        assert world.alice.ssh(place, "exit 7").status == 7
        target.stop()
        place = shown(names="other,elsewhere")  # the name under which the access file knows it
        assert world.alice.ssh(place, "exit 7").status == 7
        if kind != "ed25519":
            return
        for options, more, text in ((["-V", "20200101:20200102"], {}, "expired"), (["-V", "+1h:+2h"], {}, "not valid yet"),
                                    ([], {"names": "elsewhere"}, "does not name the principal"),
                                    ([], {"names": ""}, "names no principal"),
                                    ([], {"ca": "foreign_ca"}, "authority .* is not known"),
                                    (["-O", "critical:foo@example.com=x"], {}, "unknown critical option")):
            target.stop()
            refused(world, shown(*options, **more), text)
        # Revoked by serial.
        target.stop()
        place = shown("-z", "5")
        (folder / "spec").write_text("serial: 5\n")
        run(["ssh-keygen", "-q", "-k", "-f", world.gateway.data_dir / "hosts.krl", "-s", folder / "host_ca.pub", folder / "spec"]).ok()
        assert world.alice.ssh(place, "exit 7").status == 7
        world.gateway.configure(target={"revoked_host_keys": ["hosts.krl"]})
        world.gateway.reload()
        refused(world, place, "revoked")
        # A plain key is no certificate.
        target.stop()
        (target.folder / "host_ed25519-cert.pub").unlink()
        refused(world, shown_plain(target, world, place_of, host_ca), "plain key, not a certificate")
    finally:
        target.stop()


def shown_plain(target, world, place_of, host_ca):
    config = target.folder / "sshd_config"
    config.write_text("".join(line + "\n" for line in config.read_text().splitlines() if not line.startswith("HostCertificate")))
    target.start()
    return place_of(world, target, host_ca=[host_ca])


def test_the_gateways_own_host_certificate(own_world, folder):
    """A client that trusts the authority asks no question, whatever the key is."""
    world = own_world
    make_key(folder / "host_ca")
    public_key = world.gateway.data_dir / "keys/host_ed25519.pub"
    run(["ssh-keygen", "-q", "-s", folder / "host_ca", "-h", "-I", "gateway", "-n", "gw", public_key]).ok()
    world.gateway.stop()
    world.gateway.start()
    client = world.alice
    (client.folder / "known_hosts").write_text("@cert-authority gw " + (folder / "host_ca.pub").read_text())
    done = client.ssh("-v", world.place(), "exit 7")
    assert done.status == 7, done
    assert "ssh-ed25519-cert-v01@openssh.com" in done.err
    # One of another name does not do.
    (client.folder / "known_hosts").write_text("@cert-authority other " + (folder / "host_ca.pub").read_text())
    assert client.ssh(world.place(), "exit 7").status == 255
    # A client that knows the plain key goes on with it.
    client.server(world.gateway.port, world.gateway.host_key)
    assert client.ssh(world.place(), "exit 7").status == 7


def test_clients_learn_all_host_keys(own_world):
    """UpdateHostKeys: the stock client takes those that the gateway proves to own."""
    world = own_world
    lines = [world.gateway.host_key]
    for kind in ("ecdsa", "rsa"):
        lines.append(" ".join(make_key(world.gateway.data_dir / f"keys/host_{kind}", kind).split()[:2]))
    world.gateway.stop()
    world.gateway.configure(ssh={"host_keys": ["keys/host_ed25519", "keys/host_ecdsa", "keys/host_rsa"]})
    world.gateway.start()
    client = Clients(world.folder / "users/updating", "alice", world.gateway.port, world.gateway.host_key, key=world.alice.key)
    config = client.config.read_text().replace("UpdateHostKeys no", "UpdateHostKeys yes")
    client.config.write_text(config)
    with client.start(world.place(), "cat") as session:
        known = client.folder / "known_hosts"
        wait_until(lambda: all(line in known.read_text() for line in lines), "all host keys in known_hosts", 20)
        session.stdin.close()
        assert session.wait(20) == 0
    # The next gateway has only the last of them.
    world.gateway.stop()
    world.gateway.configure(ssh={"host_keys": ["keys/host_rsa"]})
    world.gateway.start()
    assert client.ssh(world.place(), "exit 7").status == 7


def test_a_target_rotates_its_host_key(own_world, folder, place_of):
    """Trusted at first use: what the target announces and proves is learned, so that its next key is no surprise."""
    world = own_world
    target = OpenSshTarget(folder / "sshd", ca_lines=[world.gateway.user_ca], options=[f"HostKey {folder}/sshd/host_ecdsa"])
    ecdsa = " ".join(make_key(target.folder / "host_ecdsa", "ecdsa").split()[:2])
    target.start()
    place = place_of(world, target, trust="first-use")

    def learned():
        return [record["reason"] for record in world.gateway.audit() if record["kind"] == "hostkey.learned"]
    try:
        assert world.alice.ssh(place, "exit 7").status == 7
        wait_until(lambda: any(ecdsa in reason and "proven" in reason for reason in learned()), "the second key's audit record", 10)
        assert len(learned()) == 2
        assert world.alice.ssh(place, "exit 7").status == 7
        target.stop()
        config = target.folder / "sshd_config"
        config.write_text(config.read_text().replace(f"HostKey {target.folder}/host_ed25519\n", ""))
        target.start()
        assert world.alice.ssh(place, "exit 7").status == 7
        assert len(learned()) == 2
        # Another new key that no known one vouched for.
        target.stop()
        make_key(target.folder / "host_ecdsa", "ecdsa")
        target.start()
        refused(world, place, "host key")
    finally:
        target.stop()


def moduli(prime):
    return f"{time.strftime('%Y%m%d%H%M%S')} 2 6 100 2047 2 {prime}\n"


def test_groups_that_a_target_makes_up(own_world, folder, place_of):
    """Group exchange: a safe prime is taken, one that is merely prime is not."""
    world = own_world
    # Any safe prime would do; finding one takes minutes, so it comes from this machine's own file.
    lines = [line.split() for line in open("/etc/ssh/moduli") if not line.startswith("#")]
    safe = next(line[6] for line in lines if line[4] == "2047")
    prime = "0"
    while int(prime, 16) % 12 != 11:  # what can be seen without work
        prime = run(["openssl", "prime", "-generate", "-bits", "2048", "-hex"]).ok().text.strip()
    target = OpenSshTarget(folder / "sshd", ca_lines=[world.gateway.user_ca],
                           options=["KexAlgorithms diffie-hellman-group-exchange-sha256", f"ModuliFile {folder}/moduli"])
    (folder / "moduli").write_text(moduli(safe))
    target.start()
    place = place_of(world, target, host_keys=[target.host_key])
    try:
        assert world.alice.ssh(place, "exit 7").status == 7
        (folder / "moduli").write_text(moduli(prime))
        refused(world, place, "safe prime")
    finally:
        target.stop()
