"""Routes: a target behind other targets and behind proxies, in network namespaces where no direct way exists."""
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from processes import Daemon, free_port, run, wait_until
from targets import LOGIN, OpenSshTarget
from toml_text import access_text
from world import World


def why_not():
    if os.getuid() != 0:
        return "needs root, for network namespaces"
    if not shutil.which("ip") or not shutil.which("unshare") or not shutil.which("nsenter"):
        return "iproute2, unshare or nsenter is not installed"
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True)
    return None if probe.returncode == 0 else "no network namespace can be made here: " + probe.stderr.decode()


pytestmark = [pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


class Place:
    """A network namespace, held by a process of its own."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "1000000"])
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own, "a network namespace")
        self.run("ip", "link", "set", "lo", "up")

    @property
    def enter(self):
        return ["nsenter", "-t", str(self.holder.pid), "-n"]

    def run(self, *command):
        return run([*self.enter, *command]).ok()

    def link(self, other, name, addresses):
        """A cable between this and `other` (a Place, or None for the gateway's own)."""
        mine, theirs = f"{name}a", f"{name}b"
        run(["ip", "link", "add", mine, "type", "veth", "peer", "name", theirs]).ok()
        for device, place, address in ((mine, self, addresses[0]), (theirs, other, addresses[1])):
            if place is not None:
                run(["ip", "link", "set", device, "netns", str(place.holder.pid)]).ok()
            enter = place.enter if place is not None else []
            run([*enter, "ip", "address", "add", f"{address}/24", "dev", device]).ok()
            run([*enter, "ip", "link", "set", device, "up"]).ok()

    def close(self):
        self.holder.kill()
        self.holder.wait()


class FarTarget(OpenSshTarget):
    """An sshd in another network namespace."""

    def __init__(self, folder, place, address, **more):
        super().__init__(folder, **more)
        self.place, self.address = place, address
        config = Path(folder) / "sshd_config"
        config.write_text(config.read_text().replace("ListenAddress 127.0.0.1", f"ListenAddress {address}"))

    def start(self):
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.daemon = Daemon([*self.place.enter, "/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"], self.folder / "sshd.log")
        wait_until(lambda: "Server listening" in self.daemon.said(), "the far sshd")
        return self


class Chain:
    """gateway — (SOCKS and HTTP proxy) — outer — middle — inner, each reached only from the one before it."""

    def __init__(self):
        self.world = World().start()
        self.stops = []
        try:
            self.build()
        except BaseException:
            self.stop()
            raise

    def build(self):
        folder = self.world.folder / "chain"
        self.proxy, self.outer_place, self.middle_place, self.inner_place = (self.keep(Place()) for _ in range(4))
        tag = f"sk{os.getpid() % 10000}"
        self.proxy.link(None, f"{tag}p", ("198.18.1.2", "198.18.1.1"))
        self.outer_place.link(self.proxy, f"{tag}o", ("198.18.2.2", "198.18.2.1"))
        self.middle_place.link(self.outer_place, f"{tag}m", ("198.18.3.2", "198.18.3.1"))
        self.inner_place.link(self.middle_place, f"{tag}i", ("198.18.4.2", "198.18.4.1"))
        ca = [self.world.gateway.user_ca]
        self.outer = self.far("outer", self.outer_place, "198.18.2.2", folder, ca)
        self.middle = self.far("middle", self.middle_place, "198.18.3.2", folder, ca)
        self.inner = self.far("inner", self.inner_place, "198.18.4.2", folder, ca)
        self.socks, self.http = free_port(), free_port()
        self.daemon([*self.proxy.enter, "microsocks", "-i", "198.18.1.2", "-p", str(self.socks)], folder / "microsocks.log")
        self.daemon([*self.proxy.enter, "ncat", "-l", "--proxy-type", "http", "198.18.1.2", str(self.http)], folder / "ncat.log")
        for port in (self.socks, self.http):
            wait_until(lambda port=port: self.reachable("198.18.1.2", port), "the proxy")

    @staticmethod
    def reachable(host, port):
        try:
            socket.create_connection((host, port), 1).close()
            return True
        except OSError:
            return False

    def far(self, name, place, address, folder, ca):
        target = FarTarget(folder / name, place, address, ca_lines=ca).start()
        return self.keep(target)

    def daemon(self, command, log):
        self.keep(Daemon(command, log))

    def keep(self, thing):
        self.stops.append(thing.close if isinstance(thing, Place) else thing.stop)
        return thing

    def apply(self, routes=(), **own):
        access = self.world.access()
        if routes:
            access["route"] = list(routes)
            access["rule"].append({"name": "far away", "users": ["alice"], "allow": ["local-forward"], "forward": ["198.18.0.0/16:*"]})
        for name, route in own.items():
            far = getattr(self, name.split("_")[0])
            access["target"].append({"name": name, "address": f"{far.address}:{far.port}", "logins": [LOGIN], "auth": "certificate",
                                     "host_keys": [far.host_key], **({"route": route} if route else {})})
        self.world.gateway.apply(access, "--prune")

    def ssh(self, target, *command, **more):
        return self.world.alice.ssh(f"{LOGIN}@{target}@gw", *command, **more)

    def stop(self):
        try:
            self.world.stop()
        finally:
            for stop in reversed(self.stops):
                stop()


@pytest.fixture(scope="module")
def chain():
    chain = Chain()
    try:
        yield chain
    finally:
        chain.stop()


@pytest.mark.row("C7")
def test_three_servers_in_a_row_behind_a_socks_proxy(chain):
    """Each hop has a sign-in and a host key check of its own; the direct way does not exist."""
    proxy = f"socks5://198.18.1.2:{chain.socks}"
    chain.apply(outer=[proxy], middle=["outer"], inner=[proxy, "outer", "middle"], inner_direct=[])
    assert chain.ssh("inner_direct", "true").status != 0
    before = {far: far.daemon.said().count("Accepted publickey") for far in (chain.outer, chain.middle, chain.inner)}
    done = chain.ssh("inner", "echo $SSH_CONNECTION; exit 5")
    assert done.status == 5 and done.text.split()[:3:2] == ["198.18.4.1", "198.18.4.2"], done
    for far in before:
        assert far.daemon.said().count("Accepted publickey") == before[far] + 1, far.daemon.said()[-2000:]
    # A route of its own takes the hop before it along.
    assert chain.ssh("middle", "echo $SSH_CONNECTION").ok().text.startswith("198.18.3.1 ")


@pytest.mark.row("C7")
@pytest.mark.parametrize("kind", ["socks5", "http"])
def test_proxies(chain, kind):
    port = {"socks5": chain.socks, "http": chain.http}[kind]
    chain.apply(outer=[f"{kind}://198.18.1.2:{port}"])
    payload = bytes(range(256)) * 4096
    assert chain.ssh("outer", "cat", given=payload).ok().out == payload


@pytest.mark.row("C7", "C6")
def test_a_second_session_costs_no_handshake(chain, folder):
    chain.apply(outer=[f"socks5://198.18.1.2:{chain.socks}"], middle=["outer"])
    master = folder / "m"
    alice = chain.world.alice
    with alice.start("-M", "-S", master, f"{LOGIN}@middle@gw", "cat") as client:
        wait_until(master.exists, "the control socket")
        alice.ssh("-S", master, "gw", "true").ok()
        before = chain.middle.daemon.said().count("Accepted publickey"), chain.outer.daemon.said().count("Accepted publickey")
        for _ in range(3):
            alice.ssh("-S", master, "gw", "true").ok()
        assert (chain.middle.daemon.said().count("Accepted publickey"), chain.outer.daemon.said().count("Accepted publickey")) == before
        client.communicate(b"", timeout=30)


@pytest.mark.row("C7")
def test_much_data_through_two_hops(chain):
    chain.apply(outer=[f"socks5://198.18.1.2:{chain.socks}"], middle=["outer"])
    payload = os.urandom(1 << 20) * 24
    done = chain.world.alice.ssh("-o", "RekeyLimit=4M", f"{LOGIN}@middle@gw", "cat", given=payload, timeout=120)
    assert done.status == 0 and done.out == payload


@pytest.mark.row("C7")
def test_what_is_wrong_is_said(chain):
    """A wrong host key in the middle, a hop that is gone, a proxy that is not there, a circle: each by name, and nothing else is tried."""
    proxy = f"socks5://198.18.1.2:{chain.socks}"
    key = chain.middle.host_key
    try:
        chain.middle.host_key = chain.inner.host_key
        chain.apply(outer=[proxy], middle=["outer"], inner=["middle"])
        before = chain.inner.daemon.said().count("Connection from")
        done = chain.ssh("inner", "true")
        assert done.status == 255 and "middle" in done.err and "host key" in done.err.lower(), done
        assert chain.inner.daemon.said().count("Connection from") == before
    finally:
        chain.middle.host_key = key
    chain.apply(outer=[f"socks5://198.18.1.2:{free_port()}"])
    done = chain.ssh("outer", "true")
    assert done.status == 255 and "proxy" in done.err, done
    chain.apply(outer=["middle"], middle=["outer"])
    done = chain.ssh("outer", "true")
    assert done.status == 255 and "route" in done.err, done
    chain.apply(outer=[proxy], inner=["outer"])
    done = chain.ssh("inner", "true")
    assert done.status == 255 and "outer does not connect to it" in done.err, done


@pytest.mark.row("C7")
def test_what_has_no_route_of_its_own_goes_by_the_first_that_fits(chain):
    """Targets by their address, forwards by the host that they name: one network through one way, everything else through another."""
    proxy = f"socks5://198.18.1.2:{chain.socks}"
    routes = [{"name": "inside", "hosts": ["198.18.3.0/24", "*.example.net"], "via": ["outer"]},
              {"name": "everything else", "hosts": ["*"], "via": [proxy]}]
    chain.apply(outer=None, middle=None, inner=["middle"], routes=routes)
    before = {far: far.daemon.said().count("Accepted publickey") for far in (chain.outer, chain.middle, chain.inner)}
    assert chain.ssh("middle", "echo $SSH_CONNECTION").ok().text.startswith("198.18.3.1 ")  # through outer, which went by the proxy
    assert chain.ssh("outer", "echo $SSH_CONNECTION").ok().text.startswith("198.18.2.1 ")
    assert chain.ssh("inner", "echo $SSH_CONNECTION").ok().text.startswith("198.18.4.1 ")  # a route of its own, whose hop goes by these
    assert [far.daemon.said().count("Accepted publickey") - count for far, count in before.items()] == [3, 2, 1]
    said = chain.world.gateway.command("explain", "alice", f"{LOGIN}@middle", "--as", "exec").ok().text
    assert 'by route        "inside": outer' in said, said
    assert "of its own      middle" in chain.world.gateway.command("explain", "alice", f"{LOGIN}@inner", "--as", "exec").ok().text

    def answer(host, port, given):
        return chain.world.alice.ssh("-W", f"{host}:{port}", "alice@gw", given=given, timeout=30)
    chain.apply(outer=None, routes=routes)
    assert answer("198.18.3.2", chain.middle.port, b"x\r\n").out.startswith(b"SSH-2.0-OpenSSH")
    # The SOCKS server by itself, which takes the end of what is sent for the end of everything.
    asked = chain.world.alice.start("-W", f"198.18.1.2:{chain.socks}", "alice@gw")
    try:
        asked.stdin.write(b"\5\1\0")
        asked.stdin.flush()
        assert asked.stdout.read(2) == b"\5\0"
    finally:
        asked.communicate(timeout=20)
    opened = [one["reason"] for one in chain.world.gateway.audit()
              if one["kind"] == "channel.open" and one["subject"].startswith("198.18.")]
    assert [re.search('by route "(.*)"', reason)[1] for reason in opened[-2:]] == ["inside", "everything else"], opened
    refused = answer("198.18.3.2", 9, b"")
    assert refused.status != 0 and "outer does not connect to it" in refused.err, refused
    # A route leads, and permits nothing; and whoever is on the way shows the host key that it is known by.
    refused = answer("198.19.0.1", chain.middle.port, b"")
    assert refused.status != 0 and "administratively prohibited" in refused.err, refused
    access = chain.world.access()
    access["target"] += [{"name": "outer", "address": f"{chain.outer.address}:{chain.outer.port}", "logins": [LOGIN],
                          "auth": "certificate", "host_keys": [chain.middle.host_key]}]
    access["route"] = routes
    access["rule"].append({"name": "far away", "users": ["alice"], "allow": ["local-forward"], "forward": ["198.18.0.0/16:*"]})
    chain.world.gateway.apply(access, "--prune")
    refused = answer("198.18.3.2", chain.middle.port, b"x\r\n")
    assert refused.status != 0 and not refused.out and "host key" in refused.err, refused
    chain.apply(outer=None, routes=routes)
    # What means the gateway's own machine stays there.
    assert answer("127.0.0.1", chain.world.echo.port, b"here").out == b"here"

    chain.apply(outer=None, middle=None, routes=list(reversed(routes)))
    done = chain.ssh("middle", "true")
    assert done.status == 255 and "proxy" in done.err, f"the first that fits did not count: {done}"
    chain.apply(outer=None, middle=None)
    assert chain.world.gateway.listing("route", "ls") == []
    assert chain.ssh("outer", "true").status == 255


@pytest.mark.row("C7")
def test_routes_in_the_store(chain):
    """apply shows what changes, their order included; commands change one of them."""
    gateway = chain.world.gateway
    access = chain.world.access()
    access["route"] = [{"name": "a", "hosts": ["*.example.net"], "via": ["web"]}, {"name": "b", "hosts": ["*"], "via": ["nowhere"]}]
    path = chain.world.folder / "routed.toml"

    def apply(*options):
        path.write_text(access_text(access))
        return gateway.command("apply", path, *options).ok().text
    said = apply("--prune")
    assert "+ route a" in said and "hosts: *.example.net" in said and 'route "b": route hop nowhere is no target' in said, said
    access["route"].reverse()
    assert "~ the order of the routes" in apply("--dry-run", "--prune")
    gateway.command("route", "add", "c", "hosts=10.0.0.0/8,*.example.org", "--before", "b").ok()
    assert [route["name"] for route in gateway.listing("route", "ls")] == ["a", "c", "b"]
    assert "(directly)" in gateway.command("route", "ls").ok().text
    gateway.command("route", "set", "b", "via=web").ok()
    gateway.command("route", "rm", "c").ok()
    assert gateway.command("route", "add", "d", "hosts=10.0.0.1/8").status == 1
    said = apply("--prune")
    assert "~ route b" in said and "via: web → nowhere" in said, said
    del access["route"]
    assert "- route a" in apply("--prune")


@pytest.mark.row("C7")
def test_a_route_that_cannot_be(chain):
    access = chain.world.access()
    access["target"][0]["route"] = ["web", "socks5://127.0.0.1:1"]
    path = chain.world.folder / "wrong.toml"
    path.write_text(access_text(access))
    done = chain.world.gateway.command("apply", path)
    assert done.status != 0 and "a proxy can only be the first hop" in done.err, done
