"""Every refusal ends with a text that a person understands, a reason in the audit records, and no connection to a target."""
import json
import re
import subprocess

import pytest
from clients import Clients
from processes import run, wait_until
from targets import LOGIN, Doorway, OpenSshTarget, make_key


@pytest.fixture
def door(own_world):
    """The world's target behind a doorway that counts, under the name `web`; what the pinned key is can be changed."""
    world = own_world
    doorway = Doorway(behind=world.target("web").port)
    access = world.access()
    web = next(target for target in access["target"] if target["name"] == "web")
    web["address"] = f"127.0.0.1:{doorway.port}"
    web["logins"] = sorted({LOGIN, "ubuntu", "root"})
    world.gateway.apply(access, "--prune")
    doorway.world, doorway.access = world, access
    yield doorway
    doorway.close()


def check(door, done, user_text, reason, knocks=0):
    """What all refusals have in common."""
    assert done.status != 0
    assert re.search(user_text, done.err + done.text, re.I), f"the user reads nothing of {user_text!r}:\n{done.err}{done.text}"
    assert door.knocks == knocks, f"the target was dialled {door.knocks} times"

    def recorded():
        return [record for record in door.world.gateway.audit() if re.search(reason, json.dumps(record, ensure_ascii=False), re.I)
                and re.search("refused|failed", json.dumps(record))]
    try:
        wait_until(recorded, f"an audit record about {reason!r}", timeout=5)
    except AssertionError as error:
        raise AssertionError(f"{error}\n" + json.dumps(door.world.gateway.audit()[-5:], indent=1)) from None


def stranger(door, name="mallory"):
    world = door.world
    return Clients(world.folder / "users" / name, name, world.gateway.port, world.gateway.host_key)


@pytest.mark.row("A1")
def test_wrong_key(door):
    done = stranger(door).ssh(f"{LOGIN}@web@gw", "true")
    check(door, done, r"not known|no user|unknown|not registered|denied", r"key")
    assert "Permission denied (publickey)" in done.err, f"another method than public keys was offered: {done.err}"


@pytest.mark.row("A1")
def test_password_is_never_offered(door):
    done = stranger(door).ssh("-v", "-o", "PreferredAuthentications=password,keyboard-interactive", f"{LOGIN}@web@gw", "true")
    offered = re.findall(r"Authentications that can continue: (.*)", done.err)
    assert offered and all("password" not in line for line in offered), done.err[-1500:]
    assert door.knocks == 0


def signed(door, ca, *options):
    """A client whose unregistered key carries a user certificate."""
    client = stranger(door, "certified")
    run(["ssh-keygen", "-q", "-s", ca, "-I", "alice", "-n", "alice", *options, f"{client.key}.pub"]).ok()
    return client


def test_foreign_certificate(door):
    make_key(door.world.folder / "foreign-ca")
    done = signed(door, door.world.folder / "foreign-ca").ssh(f"{LOGIN}@web@gw", "true")
    check(door, done, r"certificate|denied|not known", r"certificate")


def test_expired_certificate(door):
    ca = door.world.gateway.data_dir / "keys/ca_ed25519"
    done = signed(door, ca, "-V", "20200101:20200102").ssh(f"{LOGIN}@web@gw", "true")
    check(door, done, r"expired|certificate|denied", r"expired|no longer valid|validity|certificate")


def test_expired_key(door):
    """expiry-time of authorized_keys is honoured."""
    door.access["user"][0]["keys"] = ['expiry-time="20200101" ' + door.world.alice.public_key]
    door.world.gateway.apply(door.access, "--prune")
    check(door, door.world.alice.ssh(f"{LOGIN}@web@gw", "true"), r"expired|denied", r"expire")


@pytest.mark.row("D8")
def test_key_from_another_network(door):
    door.access["user"][0]["keys"] = ['from="192.0.2.0/24" ' + door.world.alice.public_key]
    door.world.gateway.apply(door.access, "--prune")
    check(door, door.world.alice.ssh(f"{LOGIN}@web@gw", "true"), r"127\.0\.0\.1|from|denied", r"from|source|address|127\.0\.0\.1")


@pytest.mark.row("A2")
def test_user_root(door):
    for name in (f"root@{LOGIN}@web@gw", "root@gw"):
        check(door, door.world.alice.ssh(name, "true"), r"root", r"root")


def test_unknown_target(door):
    check(door, door.world.alice.ssh("ubuntu@nowhere@gw", "true"), r"nowhere", r"nowhere")


def test_unknown_login(door):
    check(door, door.world.alice.ssh("nobody-there@web@gw", "true"), r"nobody-there", r"nobody-there")


def test_target_without_a_rule(door):
    check(door, door.world.partner.ssh(f"{LOGIN}@web@gw", "true"), r"web", r"web")


def test_somebody_elses_name(door):
    """The key is alice's, the name says guest: nobody becomes another user by naming them."""
    check(door, door.world.alice.ssh(f"guest@{LOGIN}@web@gw", "true"), r"guest|denied", r"guest|key")


@pytest.mark.row("B2")
@pytest.mark.parametrize("what", ["exec", "sftp", "scp", "forward", "agent"])
def test_refused_capability(door, what, folder):
    guest, place = door.world.guest, f"{LOGIN}@web@gw"
    if what == "exec":
        done = guest.ssh(place, "true")
        assert done.status == 1, f"a refused exec ends with exit status 1, not {done.status}"
        check(door, done, r"exec.*web|web.*exec|exec", r"exec")
    elif what == "sftp":
        done = guest.ssh("-s", place, "sftp")
        check(door, done, r"sftp", r"sftp")
    elif what == "scp":
        done = guest.run("scp", "-O", "-F", guest.config, guest.key, f"{place}:{folder}/copied")
        check(door, done, r"scp|exec", r"scp|exec")
        assert not (folder / "copied").exists()
    elif what == "forward":
        done = guest.ssh("-W", f"127.0.0.1:{door.world.echo.port}", "guest@gw")
        check(door, done, str(door.world.echo.port), str(door.world.echo.port))
        assert door.world.echo.knocks == 0
    else:
        guest.start_agent()
        with guest.start("-A", "-tt", place) as client:
            out, _ = client.communicate(b"echo agent=${SSH_AUTH_SOCK:-none}; exit\n", timeout=30)
        assert b"agent=none" in out, "agent forwarding reached the target although no rule allows it"


def test_changed_host_key(door):
    door.world.target("web").new_host_key()
    done = door.world.alice.ssh(f"{LOGIN}@web@gw", "true")
    check(door, done, r"host key.*(web|changed)|web.*host key", r"host key", knocks=door.knocks)
    assert "Accepted" not in door.world.target("web").daemon.said(), "a server with the wrong host key was signed in to"


@pytest.mark.row("E4")
def test_first_use_learns_the_host_key_and_keeps_it(own_world, folder):
    world = own_world
    target = OpenSshTarget(folder / "sshd", ca_lines=[world.gateway.user_ca]).start()
    access = world.access()
    access["target"].append({"name": "fresh", "address": f"127.0.0.1:{target.port}", "logins": [LOGIN], "auth": "certificate",
                             "trust": "first-use"})
    world.gateway.apply(access, "--prune")
    try:
        assert world.alice.ssh(f"{LOGIN}@fresh@gw", "echo in").ok().out == b"in\n"
        assert world.alice.ssh(f"{LOGIN}@fresh@gw", "echo in").ok().out == b"in\n"
        target.new_host_key()
        done = world.alice.ssh(f"{LOGIN}@fresh@gw", "echo in")
        assert done.status != 0 and done.out == b""
        assert re.search(r"host key", done.err, re.I) and "fresh" in done.err, done.err
    finally:
        target.stop()


def test_a_target_without_any_known_key_is_not_trusted(own_world, folder):
    world = own_world
    access = world.access()
    access["target"].append({"name": "bare", "address": f"127.0.0.1:{world.target('web').port}", "logins": [LOGIN], "auth": "certificate"})
    if world.gateway.command("apply", _written(folder, access), "--prune").status != 0:
        return  # refused already here: also fine
    done = world.alice.ssh(f"{LOGIN}@bare@gw", "echo in")
    assert done.status != 0 and done.out == b"", done


def _written(folder, access):
    from toml_text import access_text
    path = folder / "access.toml"
    path.write_text(access_text(access))
    return path


@pytest.mark.row("A2")
def test_guessing_costs_nothing_and_locks_nobody_out(door):
    """A burst of wrong keys from one place: no target is dialled, and the right key still works beside it."""
    client = stranger(door)
    guesses = [subprocess.Popen(["ssh", "-F", str(client.config), "root@web@gw", "true"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) for _ in range(20)]
    assert door.world.alice.ssh(f"{LOGIN}@web@gw", "echo in").ok().out == b"in\n"
    assert all(guess.wait(60) != 0 for guess in guesses)
    assert door.knocks == 1


@pytest.mark.row("C11")
def test_explain_says_which_rule_decides(door):
    explained = door.world.gateway.command("explain", "alice", f"{LOGIN}@web", "--as", "exec").ok()
    assert "alice works everywhere" in explained.text
    refused = door.world.gateway.command("explain", "guest", f"{LOGIN}@web", "--as", "exec")
    assert refused.status == 1 and re.search("exec|refus|no rule", refused.text + refused.err, re.I), refused
