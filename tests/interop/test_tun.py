"""Tunnels of layer 3 and 2 (ssh -w): packets between two network namespaces, through the gateway, to the target's sshd."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import evidence
import pytest
from processes import Daemon, run, wait_until
from targets import LOGIN, OpenSshTarget
from world import World


def why_not():
    if os.getuid() != 0:
        return "needs root, for network devices"
    if not Path("/dev/net/tun").exists():
        return "/dev/net/tun is not there"
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "iproute2 or unshare is not installed"
    probe = subprocess.run(["unshare", "-n", "ip", "tuntap", "add", "dev", "tun0", "mode", "tun"], capture_output=True)
    return None if probe.returncode == 0 else "no tunnel device can be made here: " + probe.stderr.decode()


pytestmark = [pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


class TunnelWorld(World):
    def target(self, name):
        if name == "web" and name not in self._targets:
            self._targets[name] = OpenSshTarget(self.folder / "targets/web", ca_lines=[self.gateway.user_ca],
                                                options=["PermitTunnel yes"])
            self._targets[name].start()
        return super().target(name)

    def permit(self, *capabilities, users=("alice",)):
        access = self.access()
        access["rule"].append({"name": "tunnels", "users": list(users), "targets": ["web"], "allow": list(capabilities),
                               "record": "metadata"})
        self.gateway.apply(access, "--prune")


@pytest.fixture
def tunnels():
    world = TunnelWorld().start()
    try:
        world.permit("vpn")
        yield world
    finally:
        world.stop()


def devices(kind):
    return {name for name in os.listdir("/sys/class/net") if name.startswith(kind)}


class Away:
    """Network namespaces of the test; each is held by a process of its own."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "the namespace")

    def run(self, *words):
        return run(["nsenter", "-t", self.holder.pid, "-n", *words])

    def take(self, device):
        run(["ip", "link", "set", device, "netns", self.holder.pid]).ok()

    def close(self):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture
def ends():
    ends = Away(), Away()
    yield ends
    for end in ends:
        end.close()


@pytest.mark.row("C8")
@pytest.mark.parametrize("mode, kind", [("point-to-point", "tun"), ("ethernet", "tap")])
def test_packets_pass(tunnels, ends, folder, mode, kind):
    world = tunnels
    before = devices(kind)
    number = 40 + os.getpid() % 100
    client = Daemon(["ssh", "-v", "-F", world.alice.config, "-N", "-o", f"Tunnel={mode}", "-o", "ExitOnForwardFailure=yes",
                     "-w", f"{number}:{number + 1}", world.place()], folder / "ssh.log", env=world.alice.environment())
    try:
        made = wait_until(lambda: (new := devices(kind) - before) and len(new) == 2 and new, f"two new devices\n{client.said()[-2000:]}")
        assert made == {f"{kind}{number}", f"{kind}{number + 1}"}
        for end, device, address, other in zip(ends, sorted(made), ("10.77.0.1", "10.77.0.2"), ("10.77.0.2", "10.77.0.1")):
            end.take(device)
            end.run("ip", "addr", "add", *([address, "peer", other] if kind == "tun" else [address + "/24"]), "dev", device).ok()
            end.run("ip", "link", "set", device, "up").ok()
        probe = ("import socket,sys; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(1);"
                 "s.connect(('10.77.0.2',7777)); \nimport time\n"
                 "for _ in range(20):\n s.send(b'x'*1200)\n try:\n  print(len(s.recv(2000))); break\n except OSError: time.sleep(0.1)")
        serve = ("import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('10.77.0.2',7777))\n"
                 "while True:\n d,a=s.recvfrom(2000); s.sendto(d,a)")
        server = subprocess.Popen(["nsenter", "-t", str(ends[1].holder.pid), "-n", "/usr/bin/python3", "-c", serve])
        try:
            assert ends[0].run("/usr/bin/python3", "-c", probe).ok().text == "1200\n"
        finally:
            server.kill()
            server.wait()
    finally:
        client.stop()
    (channel,) = world.gateway.channels(evidence.newest(world, world.alice)["audit_key"])
    assert channel["type"] == "tun@openssh.com" and channel["target"] == f"{LOGIN}@web"
    assert channel["destination"].startswith("layer 3" if kind == "tun" else "layer 2")


def test_default_deny(tunnels):
    world = tunnels
    world.permit("shell", "remote-forward")
    number = 41 + os.getpid() % 100
    done = world.alice.ssh("-v", "-N", "-o", "ExitOnForwardFailure=yes", "-w", f"{number}:any", world.place())
    assert done.status != 0 and re.search("administratively prohibited: no rule lets alice use vpn", done.err), done.err
    (refused,) = [record for record in world.gateway.audit() if record["kind"] == "access.refused"]
    assert "tunnel" in refused["subject"], refused
    world.permit("vpn")
    done = world.alice.ssh("-v", "-N", "-o", "ExitOnForwardFailure=yes", "-w", f"{number}:any", "alice@gw")
    assert done.status != 0 and "with a target only" in done.err, done.err
