"""Other implementations as targets, and the ways of signing in to them: our certificate, or the user's own agent."""
import datetime
import hashlib
import os
import re

import pytest
from processes import end_client, run, wait_until
from targets import OpenSshTarget

pytestmark = pytest.mark.row("C10")


@pytest.fixture
def agent(world):
    world.alice.start_agent()
    yield world.alice
    world.alice.stop_agent()


@pytest.mark.row("B6")
@pytest.mark.parametrize("target", ["key", "drop", "tiny"], ids=["OpenSSH", "Dropbear", "TinySSH"])
def test_through_the_agent(world, agent, target):
    done = agent.ssh("-A", world.place(target), "echo out; echo err >&2; exit 7")
    assert (done.status, done.out) == (7, b"out\n"), done
    assert "err" in done.err
    payload = os.urandom(1 << 20)
    assert agent.ssh("-A", world.place(target), "cat", given=payload).ok().out == payload
    with agent.start("-A", "-tt", world.place(target), "tty") as client:  # stdin stays open: TinySSH hangs up a terminal at its EOF
        assert b"/dev/pts/" in client.stdout.read()


@pytest.mark.row("B6")
@pytest.mark.parametrize("target", ["key", "drop"], ids=["OpenSSH", "Dropbear"])
def test_the_agent_reaches_the_target(world, agent, target):
    """What the user forwards is there for the session, and three questions at once do not hang it."""
    done = agent.ssh("-A", world.place(target), "ssh-add -l & ssh-add -l & ssh-add -l & wait").ok()
    assert done.text.count("alice@test") == 3, done


@pytest.mark.row("B6")
def test_agent_channels_come_and_go(world, agent):
    """Channels that end while others open: a number used again too early once left a question without an answer."""
    rounds = 10 if os.environ.get("SEKISHO_SANITIZED") else 60
    done = agent.ssh("-A", world.place("drop"), f"for i in $(seq {rounds}); do ssh-add -l & ssh-add -l & ssh-add -l & wait; done").ok()
    assert done.text.count("alice@test") == 3 * rounds


@pytest.mark.row("B6")
def test_the_agent_is_out_of_reach_after_its_session(world, agent):
    """The target's end of the agent stays as long as the connection; whoever asks there is answered while a session with -A lives."""
    master = agent.folder / "agent-cm"
    keeper = agent.start("-A", "-M", "-N", "-S", master, world.place())
    try:
        wait_until(lambda: master.exists() or keeper.poll() is not None, "the control socket")
        path, listed = agent.ssh("-A", "-S", master, world.place(), "echo $SSH_AUTH_SOCK; ssh-add -l").ok().text.splitlines()
        assert "alice@test" in listed
        ask = f"test -S {path} && echo there; SSH_AUTH_SOCK={path} ssh-add -l; true"
        later = agent.ssh("-a", "-S", master, world.place(), ask).ok()
        assert "there" in later.text and "alice@test" not in later.text, later
        assert "alice@test" in agent.ssh("-A", "-S", master, world.place(), ask).ok().text
    finally:
        end_client(keeper)


@pytest.mark.row("B6")
def test_without_an_agent_the_user_hears_why(world):
    done = world.alice.ssh(world.place("key"), "true")
    assert done.status != 0
    assert "agent" in (done.err + done.text).lower(), done


@pytest.mark.row("E2")
def test_certificate_of_a_minute(world):
    """The target sees a certificate of our CA, made for this session: serial or id names it, principal is the login."""
    target = world.target("web")
    before = len(target.daemon.said())
    world.alice.ssh(world.place(), "true").ok()
    said = target.daemon.said()[before:]
    assert "Accepted publickey" in said and "CERT" in said, said
    assert "alice" in said.split("Accepted publickey")[1].splitlines()[0], "the certificate's id does not name the user"


def test_old_algorithms_for_a_legacy_target_only(world, folder):
    """A device that has nothing newer is reached when its target says `legacy`, and refused with a readable reason when not."""
    target = OpenSshTarget(folder / "old", ca_lines=[world.gateway.user_ca],
                           options=["KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes128-cbc,3des-cbc", "MACs hmac-sha1"])
    target.start()
    try:
        for legacy in (False, True):
            access = world.access()
            access["target"].append({"name": "old", "address": f"127.0.0.1:{target.port}", "logins": [target.login],
                                     "auth": "certificate", "host_keys": [target.host_key], "legacy": legacy})
            world.gateway.apply(access, "--prune")
            done = world.alice.ssh(f"{target.login}@old@gw", "head -c 3000000 /dev/zero | sha256sum; exit 7")
            if legacy:
                assert done.status == 7 and done.text.split()[0] == hashlib.sha256(bytes(3_000_000)).hexdigest(), done
            else:
                assert done.status not in (0, 7) and "key exchange" in done.err, done
    finally:
        world.apply()
        target.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="AuthorizedPrincipalsCommand needs an sshd of root")
@pytest.mark.row("E2")
def test_certificates_are_short(world, folder):
    """At most 60 s ahead and 5 s back, and never the same key twice: asked of what the target was shown."""
    os.chmod(folder, 0o755)
    show = folder / "show"
    show.write_text(f"#!/bin/sh\nprintf '%s %s\\n' \"$2\" \"$1\" >> {folder}/seen\nexec printf '%s\\n' \"$3\"\n")
    show.chmod(0o755)
    target = OpenSshTarget(folder / "sshd", ca_lines=[world.gateway.user_ca],
                           options=[f"AuthorizedPrincipalsCommand /bin/sh {show} %k %t %u", "AuthorizedPrincipalsCommandUser root"])
    target.start()
    try:
        access = world.access()
        access["target"].append({"name": "shown", "address": f"127.0.0.1:{target.port}", "logins": [target.login], "auth": "certificate",
                                 "host_keys": [target.host_key]})
        world.gateway.apply(access, "--prune")
        keys = set()
        for _ in range(2):
            world.alice.ssh(f"{target.login}@shown@gw", "true").ok()
        for line in set((folder / "seen").read_text().splitlines()):
            (folder / "cert.pub").write_text(line + "\n")
            text = run(["ssh-keygen", "-L", "-f", folder / "cert.pub"]).ok().text
            begin, end = [datetime.datetime.fromisoformat(word) for word in re.search(r"Valid: from (\S+) to (\S+)", text).groups()]
            assert (end - begin).total_seconds() <= 65, text
            assert re.search(r"Principals: *\n *" + re.escape(target.login) + r" *\n", text), text
            keys.add(re.search(r"Public key: (.*)", text)[1])
        assert len(keys) == 2, f"two sessions showed {len(keys)} different keys"
    finally:
        world.apply()
        target.stop()
