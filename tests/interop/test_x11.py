"""X11: the display of the user's machine for commands on the target, while their session lives. The display is a small server of
ours that speaks the beginning of the protocol; the target's sshd makes the other end with xauth."""
import os
import re
import secrets
import shutil
import socket
import struct

import evidence
import pytest
from processes import run, wait_until
from serving import Serving
from targets import LOGIN, OpenSshTarget
from world import World

pytestmark = pytest.mark.skipif(not shutil.which("xauth"), reason="xauth is not installed; ./dev deps installs it")
COOKIE = secrets.token_bytes(16)

# What a program on the target does: reads its cookie with xauth as Xlib would, opens the display, and prints what it is told.
PROGRAM = r"""
import os, re, socket, struct, subprocess, sys
display = os.environ["DISPLAY"]
host, number = re.fullmatch(r"([^:]*):(\d+)(?:\.\d+)?", display).groups()
listed = subprocess.run(["xauth", "list", display], capture_output=True, text=True, check=True).stdout.split()
cookie = bytes.fromhex(listed[2])
for _ in range(int(sys.argv[1])):
    s = socket.create_connection(("127.0.0.1", 6000 + int(number)), timeout=20)
    name = b"MIT-MAGIC-COOKIE-1"
    s.sendall(struct.pack("<BxHHHHxx", 0x6c, 11, 0, len(name), len(cookie)) + name + b"\0\0" + cookie)
    answer = s.recv(8)
    print("setup", answer[0] if answer else "refused")
    if answer and answer[0] == 1:
        s.sendall(b"A" * 100000)
        got = b""  # no half-close: OpenSSH drops what is under way on a channel of X11 then
        while len(got) < 100000 and (data := s.recv(65536)):
            got += data
        print("echoed", len(got))
    s.close()
print(listed[2])
"""


class FakeDisplay(Serving):
    """Takes the real cookie only; then gives every byte back."""

    def __init__(self):
        self.seen, self.open = [], 0
        for self.number in range(70, 400):
            listener = socket.socket()
            try:
                listener.bind(("127.0.0.1", 6000 + self.number))
                break
            except OSError:
                listener.close()
        listener.listen(64)
        super().__init__(listener)

    @property
    def name(self):
        return f"127.0.0.1:{self.number}"

    def serve(self, connection):
        with connection:
            begin = b""
            while len(begin) < 12 + 20 + 16 and (data := connection.recv(48 - len(begin))):
                begin += data
            name, cookie = begin[12:30], begin[32:48]
            self.seen.append((name, cookie))
            if cookie != COOKIE:
                connection.sendall(struct.pack("<BBHHH", 0, 5, 11, 0, 2) + b"wrong\0\0\0")
                return
            connection.sendall(struct.pack("<BxHHH", 1, 11, 0, 0))
            self.open += 1
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass
            self.open -= 1


class X11World(World):
    def target(self, name):
        if name == "web" and name not in self._targets:
            ca = [self.gateway.user_ca]
            options = ["X11Forwarding yes", "X11DisplayOffset 500", "XAuthLocation /usr/bin/xauth"]
            self._targets[name] = OpenSshTarget(self.folder / "targets/web", ca_lines=ca, options=options)
            self._targets[name].start()
        return super().target(name)

    def permit(self, *capabilities):
        access = self.access()
        access["rule"].append({"name": "displays", "users": ["alice"], "targets": ["web"], "allow": list(capabilities)})
        self.gateway.apply(access, "--prune")


@pytest.fixture
def display():
    display = FakeDisplay()
    yield display
    display.close()


@pytest.fixture
def x11(display):
    world = X11World().start()
    try:
        world.permit("x11")
        world.display = display
        user = world.alice
        world.env = {"DISPLAY": display.name, "XAUTHORITY": str(user.folder / "Xauthority")}
        user.run("xauth", "add", display.name, "MIT-MAGIC-COOKIE-1", COOKIE.hex(), **world.env).ok()
        (world.folder / "program.py").write_text(PROGRAM)
        world.program = f"/usr/bin/python3 {world.folder}/program.py"
        yield world
    finally:
        world.stop()


def ssh(world, *arguments, timeout=60):
    return world.alice.ssh("-v", *arguments, timeout=timeout, **world.env)


@pytest.mark.row("C10")
def test_programs_on_the_target_reach_the_display(x11):
    world = x11
    done = ssh(world, "-Y", world.place(), f"{world.program} 3").ok()  # -X alone asks the display for its SECURITY extension
    assert done.text.count("setup 1") == 3 and done.text.count("echoed 100000") == 3, done
    assert world.display.seen == [(b"MIT-MAGIC-COOKIE-1", COOKIE)] * 3
    key = evidence.newest(world, world.alice)["audit_key"]
    types = sorted(channel["type"] for channel in world.gateway.channels(key))
    assert types == ["session", "x11", "x11", "x11"]


def test_cookies_are_written_nowhere(x11):
    """Neither the display's own nor the one that ssh makes up for the target stands in a recording or in the log."""
    world = x11
    done = ssh(world, "-Y", world.place(), f"{world.program} 1").ok()
    (spoofed,) = re.findall(r"(?m)^([0-9a-f]{32})$", done.text)
    assert spoofed != COOKIE.hex()
    key = evidence.newest(world, world.alice)["audit_key"]
    kept = world.gateway.daemon.said().encode()
    kept += str(world.gateway.audit()).encode() + str(world.gateway.channels(key)).encode()
    played = world.gateway.play(key)
    assert spoofed.encode() in played, "the program's own output is recorded as it is"
    for cookie in (spoofed, COOKIE.hex()):
        assert cookie.encode() not in kept and bytes.fromhex(cookie) not in kept
    raw = b"".join(path.read_bytes() for path in (world.gateway.data_dir / "recordings").rglob("*") if path.is_file())
    assert bytes.fromhex(spoofed) not in raw and COOKIE not in raw


def test_default_deny(x11):
    world = x11
    world.permit("shell")
    done = ssh(world, "-Y", world.place(), "echo display=$DISPLAY").ok()
    assert done.text == "display=\n"
    assert "X11 forwarding request failed" in done.err and re.search("Remote: .*no rule lets alice use x11", done.err), done.err
    (refused,) = [record for record in world.gateway.audit() if record["kind"] == "access.refused"]
    assert "x11" in refused["subject"], refused


def test_key_without_x11(x11):
    world = x11
    access = world.access()
    access["rule"].append({"name": "displays", "users": ["alice"], "targets": ["web"], "allow": ["x11"]})
    access["user"][0]["keys"] = ["no-X11-forwarding " + world.alice.public_key]
    world.gateway.apply(access, "--prune")
    assert ssh(world, "-Y", world.place(), "echo display=$DISPLAY").ok().text == "display=\n"


def test_the_display_closes_with_the_session(x11):
    """On a shared connection: the display of a session that is over is out of reach, another session's stays."""
    world = x11
    control = world.alice.folder / "cm-x11"
    environment = world.alice.environment
    world.alice.environment = lambda **more: environment(**{**world.env, **more})
    hold = "import socket,os,sys;n=int(os.environ['DISPLAY'].split(':')[1].split('.')[0]);print(n,flush=True);sys.stdin.read()"
    master = world.alice.start("-Y", "-M", "-S", control, world.place(), f"/usr/bin/python3 -c \"{hold}\"")
    number = int(master.stdout.readline())
    knock = ("import socket,time;s=socket.create_connection(('127.0.0.1',6000+%d));"
             "s.sendall(b'l\\0\\x0b\\0\\0\\0\\0\\0\\0\\0\\0\\0');print(s.recv(1))" % number)
    without = world.alice.ssh("-S", control, "-x", world.place(), f"/usr/bin/python3 -c \"{knock}\"")
    assert "Connection refused" not in without.err, without.err  # the first session's display listens: its owner may knock
    master.stdin.close()
    master.wait(20)
    done = world.alice.ssh(world.place(), f"/usr/bin/python3 -c \"{knock}\"")
    assert done.status != 0 and "refused" in done.err.lower(), done


def test_paramiko_asks_for_a_display(x11):
    import paramiko
    world = x11
    transport = paramiko.Transport(("127.0.0.1", world.gateway.port))
    try:
        transport.connect(username=f"{LOGIN}@web", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.alice.key)))
        session = transport.open_session()
        came = []
        cookie = secrets.token_hex(16)
        session.request_x11(auth_cookie=cookie, handler=lambda channel, origin: came.append((channel, origin)))
        session.exec_command(f"{world.program} 1")
        wait_until(lambda: came, "the X11 channel")
        channel, _ = came[0]
        begin = channel.recv(48)
        assert bytes.fromhex(cookie) in begin, "the target's program shows the cookie that the client made"
        channel.close()
        assert session.makefile().read().decode().startswith("setup")
    finally:
        transport.close()
