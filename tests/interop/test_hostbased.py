"""Hostbased sign-in (RFC 4252 §9): OpenSSH's client with its setuid ssh-keysign, on a machine of its own that consists of a mount
namespace with another /etc/ssh, accounts and name."""
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from processes import run, wait_until
from targets import LOGIN, make_key

NAME = "build1.example.net"
KEYSIGN = Path("/usr/lib/openssh/ssh-keysign")
ACCOUNT = "alice"
NUMBER = 4711


def why_not():
    if os.getuid() != 0:
        return "needs root, for a mount namespace"
    if not KEYSIGN.exists() or not KEYSIGN.stat().st_mode & 0o4000:
        return "ssh-keysign is not setuid here"
    missing = [program for program in ("unshare", "setpriv", "mount", "hostname", "socat") if not shutil.which(program)]
    if missing:
        return f"not installed: {missing}"
    probe = subprocess.run(["unshare", "-m", "-u", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    return None if probe.returncode == 0 else "no mount namespace can be made here: " + probe.stderr.decode()


pytestmark = [pytest.mark.skipif(why_not() is not None, reason=str(why_not())), pytest.mark.row("C9")]


class Machine:
    """A client host: its own /etc/ssh with host keys, /etc/hosts, /etc/passwd and host name."""

    def __init__(self, folder, gateway, name=NAME):
        self.folder, self.gateway, self.name = folder, gateway, name
        os.chmod(folder, 0o755)
        etc = folder / "ssh"
        etc.mkdir()
        home = folder / "home"
        home.mkdir()
        os.chown(home, NUMBER, NUMBER)
        self.key = make_key(etc / "ssh_host_ed25519_key", comment=f"root@{name}")
        (etc / "ssh_config").write_text("Host *\n    EnableSSHKeysign yes\n")
        (folder / "hosts").write_text(f"127.0.0.1 {name}\n")
        accounts = Path("/etc/passwd").read_text() + "".join(
            f"{account}:x:{number}:{NUMBER}::{home}:/bin/sh\n" for account, number in ((ACCOUNT, NUMBER), ("jenkins", NUMBER + 1)))
        (folder / "passwd").write_text(accounts)
        (folder / "config").write_text(f"""Host *
    Port {gateway.port}
    HostName 127.0.0.1
    HostKeyAlias gw
    UserKnownHostsFile {folder}/known_hosts
    StrictHostKeyChecking yes
    UpdateHostKeys no
    BatchMode yes
    HostbasedAuthentication yes
    PreferredAuthentications hostbased
""")
        (folder / "known_hosts").write_text(f"gw,[127.0.0.1]:{gateway.port} {gateway.host_key}\n")

    def ssh(self, *arguments, number=NUMBER):
        mounts = "".join(f"mount --bind {shlex.quote(str(self.folder / ours))} {theirs}; "
                         for ours, theirs in (("ssh", "/etc/ssh"), ("hosts", "/etc/hosts"), ("passwd", "/etc/passwd")))
        words = " ".join(shlex.quote(str(word)) for word in ("ssh", "-F", self.folder / "config", *arguments))
        script = (f"set -e; {mounts} hostname {self.name}; cd /; export HOME={self.folder}/home; "
                  f"exec setpriv --reuid {number} --regid {NUMBER} --clear-groups {words}")
        return run(["unshare", "-m", "-u", "sh", "-c", script])


@pytest.fixture
def host(own_world, folder):
    """A machine whose key is registered under its name for alice; `register` says otherwise."""
    machine = Machine(folder, own_world.gateway)
    machine.world = own_world

    def register(**changes):
        access = own_world.access()
        access["client_host"] = [{"name": NAME, "keys": [machine.key], "users": ["alice"], **changes}]
        own_world.gateway.apply(access, "--prune")
    machine.register = register
    register()
    return machine


PLACE = f"alice@{LOGIN}@web@gw"


def check_refused(host, reason, *arguments, place=PLACE, **more):
    """Refused, with the same words whatever the reason is, which the audit has."""
    done = host.ssh("-v", *arguments, place, "true", **more)
    assert done.status == 255 and "Permission denied (publickey,hostbased)" in done.err, done.err[-2000:]
    assert "did not take your host's word" in done.err, done.err[-2000:]
    assert not re.search(reason, done.err), "the client is told the reason"

    def recorded():
        return [record for record in host.world.gateway.audit() if record["kind"] == "auth.refused" and re.search(reason, record["reason"])]
    record = wait_until(recorded, f"an audit record about {reason!r}")[-1]
    assert record["source"] == "127.0.0.1" and record["subject"] == place.removesuffix("@gw"), record
    return done


def signed_in(host, *arguments, place=PLACE, **more):
    assert host.ssh(*arguments, place, "echo in", **more).ok().out == b"in\n"


def test_the_hosts_word_is_enough_directly(host):
    signed_in(host)
    session = host.world.gateway.sessions()[0]
    assert session["user"] == "alice" and session["key_fingerprint"].startswith("SHA256:")
    records = [record for record in host.world.gateway.audit() if record["kind"] == "auth.hostbased"]
    assert [(record["user"], record["outcome"], record["reason"]) for record in records] == [("alice", "ok", f"alice@{NAME}")], records
    listed = host.world.gateway.listing("client-host", "ls")
    assert [(one["name"], one["users"]) for one in listed] == [(NAME, ["alice"])]


def test_through_a_proxy_command(host):
    """The client has no socket whose name it could look up, and says what the machine calls itself."""
    signed_in(host, "-o", f"ProxyCommand=socat - TCP4:127.0.0.1:{host.gateway.port},bind=127.0.0.77")
    assert host.world.gateway.sessions()[0]["source"] == "127.0.0.77"


def test_an_address_that_does_not_fit(host):
    host.register(addresses=["127.0.0.1", "192.0.2.0/24"])
    signed_in(host)
    host.register(addresses=["192.0.2.0/24"])
    check_refused(host, r"may not come from 127\.0\.0\.1")


def test_a_key_that_is_not_registered(host, tmp_path):
    other = make_key(tmp_path / "other")
    host.register(keys=[other])
    check_refused(host, "not one of its registered keys")
    host.register(keys=[other, host.key])
    signed_in(host)


def test_a_name_that_is_not_registered(host):
    host.register(name="build2.example.net")
    check_refused(host, rf"no client host is called {NAME}")


def test_a_user_who_is_not_listed(host):
    host.register(users=["guest"])
    check_refused(host, "user alice may not come from it")
    host.register(users=["@test"])
    signed_in(host)


def test_an_account_is_the_user_of_its_name_unless_it_is_mapped(host):
    host.register(users=["alice", "guest"])
    check_refused(host, "account alice is another user than guest", place=f"guest@{LOGIN}@web@gw")
    check_refused(host, "account jenkins is another user than alice", number=NUMBER + 1)
    host.register(accounts={"jenkins": "alice"})
    signed_in(host, number=NUMBER + 1)
    check_refused(host, "account alice is no user's")


def test_the_user_has_to_be_said(host):
    check_refused(host, "no user is named", place=f"{LOGIN}@web@gw")


def test_a_revoked_host_key(host):
    gateway = host.world.gateway
    (gateway.data_dir / "revoked").write_text(host.key + "\n")
    gateway.configure(ssh={"listen": [f"127.0.0.1:{gateway.port}"], "revoked_keys": ["revoked"]})
    gateway.reload()
    check_refused(host, "the key is revoked")


def test_hostbased_is_offered_only_where_a_host_is_registered(host):
    host.world.gateway.apply(host.world.access(), "--prune")
    done = host.ssh(PLACE, "true")
    assert done.status == 255 and "Permission denied (publickey)" in done.err, done.err
