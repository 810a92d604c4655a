"""Targets that ask for a password of their own: what they ask is put to the user while the client signs in, and kept nowhere."""
import os
import re
import subprocess
import sys
from pathlib import Path

import paramiko
import pytest
from asking_server import CODE, NEW, SECRET
from processes import Daemon, free_port, run, wait_until
from targets import NSS_WRAPPER, Doorway, OpenSshTarget, make_key

PASSWORD = "kept-nowhere-4711"


class PasswordTarget(OpenSshTarget):
    """An sshd that knows one account with a password, and no key. It offers keyboard-interactive too, and asks nothing there."""

    def __init__(self, folder):
        super().__init__(folder, options=[])
        self.login = "tester"
        config = (self.folder / "sshd_config").read_text()
        config = config.replace("PasswordAuthentication no", "PasswordAuthentication yes").replace(
            "KbdInteractiveAuthentication no", "KbdInteractiveAuthentication yes")
        (self.folder / "sshd_config").write_text(config + "PubkeyAuthentication no\nMaxAuthTries 10\n")
        hashed = run(["openssl", "passwd", "-6", PASSWORD]).ok().text.strip()
        (self.folder / "passwd").write_text(f"tester:{hashed}:{os.getuid()}:{os.getgid()}::{self.folder}/home:/bin/sh\n"
                                            "sshd:x:65534:65534::/run/sshd:/usr/sbin/nologin\n")
        (self.folder / "group").write_text(f"tester:x:{os.getgid()}:\n")

    def start(self):
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        env = {**os.environ, "LD_PRELOAD": NSS_WRAPPER, "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
               "NSS_WRAPPER_GROUP": str(self.folder / "group")}
        self.daemon = Daemon(["/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"], self.folder / "sshd.log", env=env)
        self.daemon.wait_for_port(self.port)
        return self


class AskingTarget:
    login = "admin"

    def __init__(self, folder, how):
        self.folder, self.how, self.port = Path(folder), how, free_port()
        self.host_key = " ".join(make_key(self.folder / "asking_key").split()[:2])

    def start(self):
        script = Path(__file__).resolve().parents[1] / "support/asking_server.py"
        self.daemon = Daemon([sys.executable, script, str(self.port), self.folder / "asking_key", self.how], self.folder / "asking.log")
        self.daemon.wait_for_port(self.port)
        return self

    def stop(self):
        self.daemon.stop()


@pytest.fixture
def switch(world, folder):
    """switch(target): it becomes the passthrough target `switch`; how alice names it."""
    started = []

    def put(target, port=None):
        started.append(target.start())
        access = world.access()
        access["target"].append({"name": "switch", "address": f"127.0.0.1:{port or target.port}", "logins": [target.login],
                                 "auth": "passthrough", "host_keys": [target.host_key]})
        world.gateway.apply(access, "--prune")
        return f"{target.login}@switch@gw"
    yield put
    for target in started:
        target.stop()
    world.apply()


def askpass(folder, *answers):
    """What types for the stock client: the answers in order; what it was asked is kept."""
    (folder / "answers").write_text("".join(answer + "\n" for answer in answers))
    (folder / "asked").write_text("")
    script = folder / "askpass"
    script.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >> {folder}/asked\nhead -n 1 {folder}/answers\nsed -i 1d {folder}/answers\n")
    script.chmod(0o755)
    return {"SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}


def ssh(world, folder, place, answers, *more):
    return world.alice.ssh("-o", "BatchMode=no", *more, place, "echo in; exit 7", **askpass(folder, *answers))


def refusals(world, text):
    wait_until(lambda: any(re.search(text, record["reason"]) for record in world.gateway.audit()), f"an audit record about {text!r}", 5)


@pytest.mark.skipif(os.getuid() != 0, reason="an sshd that checks passwords is root's")
@pytest.mark.row("A1", "C10")
def test_password_of_a_target(world, folder, switch):
    place = switch(PasswordTarget(folder / "sshd"))
    done = ssh(world, folder, place, [PASSWORD])
    assert (done.status, done.out) == (7, b"in\n"), done
    assert "tester@switch's password:" in (folder / "asked").read_text()
    # Wrong first: the client asks again, on the same connection to the target.
    done = ssh(world, folder, place, ["wrong", PASSWORD])
    assert (done.status, done.out) == (7, b"in\n"), done
    # The other clients that people have.
    client = world.alice
    done = client.run("plink", "-batch", "-ssh", "-P", str(client.port), "-hostkey", client.host_fingerprint, "-i", client.putty_key(),
                      "-l", "tester@switch", "-pw", PASSWORD, "127.0.0.1", "echo in; exit 7")
    assert (done.status, done.out) == (7, b"in\n"), done
    transport = paramiko.Transport(("127.0.0.1", client.port))
    try:
        transport.start_client()
        assert transport.auth_publickey("tester@switch", paramiko.Ed25519Key(filename=str(client.key))) == ["keyboard-interactive"]
        transport.auth_interactive("tester@switch", lambda title, instructions, prompts: [PASSWORD for _ in prompts])
        channel = transport.open_session()
        channel.exec_command("exit 7")
        assert channel.recv_exit_status() == 7
    finally:
        transport.close()
    # A second session of a connection asks nothing.
    control = folder / "control"
    master = subprocess.Popen(["ssh", "-F", client.config, "-o", "BatchMode=no", "-M", "-S", control, "-N", place],
                              env=client.environment(**askpass(folder, PASSWORD)), stdin=subprocess.DEVNULL)
    try:
        wait_until(control.exists, "the shared connection")
        for _ in range(2):
            assert client.ssh("-S", control, place, "exit 7").status == 7
    finally:
        client.ssh("-S", control, "-O", "exit", place)
        master.wait(20)
    # Neither the right nor the wrong password stands anywhere.
    for path in world.gateway.folder.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in str(world.gateway.audit())


@pytest.mark.skipif(os.getuid() != 0, reason="an sshd that checks passwords is root's")
def test_wrong_passwords_end(world, folder, switch):
    place = switch(PasswordTarget(folder / "sshd"))
    done = ssh(world, folder, place, ["wrong"] * 5)
    assert done.status == 255 and done.out == b"" and "Permission denied (keyboard-interactive)" in done.err, done
    refusals(world, "the target did not accept the answers")
    assert (folder / "asked").read_text().count("password") == 3  # NumberOfPasswordPrompts of the client


def test_questions_in_rounds(world, folder, switch):
    place = switch(AskingTarget(folder, "questions"))
    done = world.alice.ssh("-o", "BatchMode=no", place, "what", **askpass(folder, SECRET, "blue", CODE))
    assert (done.status, done.out) == (7, b"ran what\n"), done
    asked = (folder / "asked").read_text()
    assert re.search(r"Password:.*\n.*Colour:.*\n.*Code:", asked), asked
    # Who asks stands above the questions, and what it says reaches no terminal unfiltered.
    assert "admin@switch asks:" in done.err and "Two things?[2J are wanted" in done.err, done
    assert "Authorised staff ?[31monly" in done.err, done
    done = world.alice.ssh("-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1", place, "what", **askpass(folder, SECRET, "red"))
    assert done.status == 255 and done.out == b"", done


def test_an_expired_password_is_replaced(world, folder, switch):
    place = switch(AskingTarget(folder, "expired"))
    done = world.alice.ssh("-o", "BatchMode=no", place, "what", **askpass(folder, SECRET, NEW, "a slip", NEW, NEW))
    assert (done.status, done.out) == (7, b"ran what\n"), done
    assert "has expired" in done.err and "not the same twice" in done.err, done


def test_nobody_is_asked_in_vain(world, folder, switch):
    """A client that cannot answer, a user without a rule, a name without the target: no connection to the target."""
    target = AskingTarget(folder, "questions")
    door = Doorway(behind=target.port)
    place = switch(target, port=door.port)
    try:
        done = world.alice.ssh(place, "true")  # BatchMode
        assert done.status == 255 and "Permission denied (keyboard-interactive)" in done.err, done
        done = world.partner.ssh("-o", "BatchMode=no", place, "true", **askpass(folder, "x"))
        assert done.status not in (0, 255) and "switch" in done.err, done
        done = world.alice.ssh("-o", "BatchMode=no", "alice@gw", "admin@switch", "true", **askpass(folder, "x"))
        assert done.status != 0 and "ssh admin@switch@GATEWAY" in done.err, done
        assert (folder / "asked").read_text() == "" and door.knocks == 0
        refusals(world, "left before answering what follows the key")
    finally:
        door.close()


def test_what_the_key_may_not_stays_forbidden(world, folder, switch):
    """Restrictions of the key that signed survive the answers that follow it."""
    switch(AskingTarget(folder, "questions"))
    access = world.access()
    access["target"].append({"name": "switch", "address": "127.0.0.1:1", "logins": ["admin"], "auth": "passthrough", "trust": "first-use"})
    (folder / "access.toml").touch()
    live = AskingTarget(folder, "questions").start()
    try:
        access["target"][-1]["address"] = f"127.0.0.1:{live.port}"
        access["user"][0]["keys"] = ['no-pty,command="forced" ' + world.alice.public_key]
        world.gateway.apply(access, "--prune")
        done = world.alice.ssh("-o", "BatchMode=no", "admin@switch@gw", "wanted", **askpass(folder, SECRET, "blue", CODE))
        assert (done.status, done.out) == (7, b"ran forced\n"), done
        done = world.alice.ssh("-o", "BatchMode=no", "-tt", "admin@switch@gw", "wanted", **askpass(folder, SECRET, "blue", CODE))
        assert "PTY allocation request failed" in done.err, done
    finally:
        live.stop()


def test_a_target_that_goes_away_while_it_asks(world, folder, switch):
    place = switch(AskingTarget(folder, "questions"))
    typing = folder / "typing"
    environment = askpass(folder, SECRET)
    (folder / "askpass").write_text(f"#!/bin/sh\ntouch {typing}\nsleep 5\necho late\n")
    with subprocess.Popen(["ssh", "-F", world.alice.config, "-o", "BatchMode=no", place, "true"], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=world.alice.environment(**environment)) as client:
        wait_until(typing.exists, "the question")
        run(["kill", "-9", str(list_child(folder))])
        said = client.stderr.read().decode()
        assert client.wait(20) == 255 and "switch ended the connection before the sign-in was done" in said, said


def list_child(folder):
    """The asking server's process id."""
    return run(["pgrep", "-f", f"asking_server.py .*{folder}"]).ok().text.split()[0]
