"""Ports of the gateway (-R without a target): the gateway listens where a rule says so, for those whom the rule names, and each of
their connections ends at the client."""
import os
import re
import shutil
import socket
import subprocess
import threading
from datetime import datetime, timedelta, timezone

import evidence
import paramiko
import pytest
from processes import PATIENCE, end_client, free_port, run, wait_until

pytestmark = pytest.mark.row("D6")

RIDER, STRANGER = "127.0.0.2", "127.0.0.3"  # of the LAN, as far as loopback can be one


def rules(world, *forward, accept_from=(RIDER,), allow=("remote-forward",), users=("alice",), **more):
    access = world.access()
    rule = {"name": "ports of the gateway", "users": list(users), "allow": list(allow), "forward": list(forward), **more}
    if accept_from:
        rule["accept_from"] = list(accept_from)
    access["rule"].append(rule)
    world.gateway.apply(access, "--prune")


@pytest.fixture
def ports(own_world):
    own_world.ports = [free_port(), free_port()]
    rules(own_world, *(f"localhost:{port}" for port in own_world.ports))
    return own_world


class Tunnel:
    """ssh -N -R …, listening, until the end of the block."""

    def __init__(self, user, forward, *more, place=None):
        self.user, self.arguments = user, ["-v", "-N", "-o", "ExitOnForwardFailure=yes", *more, "-R", forward, place or f"{user.name}@gw"]

    def __enter__(self):
        self.log = self.user.folder / f"tunnel-{os.urandom(4).hex()}.err"
        with open(self.log, "wb") as err:
            self.client = self.user.start(*self.arguments, stderr=err)
        self.wait_for("remote forward success|Allocated port")
        return self

    @property
    def err(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern):
        return wait_until(lambda: re.search(pattern, self.err), f"{pattern!r} in what ssh says:\n{self.err[-1500:]}")

    def __exit__(self, *_):
        end_client(self.client)


def connect(port, source=RIDER, host="127.0.0.1"):
    return socket.create_connection((host, port), timeout=10 * PATIENCE, source_address=(source, 0) if source else None)


def through(port, payload, source=RIDER, host="127.0.0.1"):
    """What comes back from `port` for `payload`, with half-close; nothing from one that hangs up."""
    got = b""
    with connect(port, source, host) as connection:
        def send():
            try:
                connection.sendall(payload)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # who is turned away may learn it while it speaks
        threading.Thread(target=send).start()
        try:
            while data := connection.recv(65536):
                got += data
        except ConnectionResetError:
            pass
    return got


def closed(port, host="127.0.0.1"):
    try:
        connect(port, None, host).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it came just before the end of the listening; the next one is told
        return False


def audit(world, kind):
    return [record for record in world.gateway.audit() if record["kind"] == kind]


def refused(world, user, forward, *more):
    """The forward fails when the client starts; the reason that it was told."""
    done = user.ssh("-v", "-N", "-o", "ExitOnForwardFailure=yes", *more, "-R", forward, f"{user.name}@gw")
    assert done.status == 255 and "remote port forwarding failed" in done.err, done.err[-2000:]
    said = re.findall(r"Remote: (.*)", done.err)
    assert said, done.err[-2000:]
    return said[-1]


@pytest.mark.row("F3")
def test_who_is_on_the_list_rides_the_tunnel(ports):
    world, port = ports, ports.ports[0]
    payload = os.urandom(1 << 20)
    with Tunnel(world.alice, f"{port}:127.0.0.1:{world.echo.port}"):
        for part in (payload, b"", b"once more"):
            assert through(port, part) == part
        knocks = world.echo.knocks
        for stranger in (STRANGER, "127.0.0.1"):
            assert through(port, b"let me in", stranger) == b""
        assert world.echo.knocks == knocks, "somebody who is not on the list came through"
        assert through(port, b"still") == b"still"
    wait_until(lambda: closed(port), "the end of the listening with the connection")

    (listened,) = audit(world, "forward.listen")
    assert listened["user"] == "alice" and listened["subject"] == f"localhost:{port}" and listened["outcome"] == "ok", listened
    assert 'by rule "ports of the gateway"' in listened["reason"] and f"127.0.0.1:{port}" in listened["reason"], listened
    refusals = audit(world, "access.refused")
    assert [re.search(r"^connection from ([0-9.]+):", one["reason"])[1] for one in refusals] == [STRANGER, "127.0.0.1"], refusals
    assert all("accepts connections from other networks only" in one["reason"] for one in refusals), refusals
    opened = [one for one in audit(world, "channel.open") if one["subject"] == f"localhost:{port}"]
    assert len(opened) == 4 and all(f"from {RIDER}:" in one["reason"] for one in opened), opened
    assert [one["subject"] for one in audit(world, "forward.end")] == [f"localhost:{port}"]

    key = evidence.newest(world, world.alice)["audit_key"]
    channels = world.gateway.channels(key)
    assert [channel["type"] for channel in channels] == ["forwarded-tcpip"] * 4
    assert all(channel["destination"].startswith(f"localhost:{port} from {RIDER}:") for channel in channels), channels
    assert world.gateway.play(key, "--channel", channels[0]["channel"], "--stream", "stdout") == payload
    assert world.gateway.command("recordings", "verify", key).status == 0
    session = next(one for one in world.gateway.sessions() if one["audit_key"] == key)
    assert min(session["bytes_in"], session["bytes_out"]) >= len(payload), session


def why_no_lan():
    if os.getuid() != 0:
        return "needs root, for a network namespace"
    if not shutil.which("ip"):
        return "iproute2 is not installed"
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True)
    return None if probe.returncode == 0 else "no network namespace can be made here: " + probe.stderr.decode()


@pytest.fixture
def lan():
    """A network between the gateway's machine and another one, whose commands `lan.ask` runs."""
    class Lan:
        gateway, rider, other = "198.18.77.1", "198.18.77.2", "198.18.77.3"

        def run(self, *words):
            return run(["nsenter", "-t", self.holder.pid, "-n", *words])

        def ask(self, source, port, words):
            """What a machine of the network hears from a port of the gateway."""
            probe = ("import socket,sys; s=socket.create_connection((sys.argv[2],int(sys.argv[3])),20,(sys.argv[1],0))\n"
                     "try:\n s.sendall(sys.argv[4].encode()); s.shutdown(1); print(s.makefile().read(),end='')\nexcept OSError: pass")
            return self.run("/usr/bin/python3", "-c", probe, source, self.gateway, port, words).ok().text

    lan = Lan()
    lan.holder = subprocess.Popen(["unshare", "-n", "sleep", "1000000"])
    here, there = f"skp{os.getpid() % 10000}a", f"skp{os.getpid() % 10000}b"
    try:
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{lan.holder.pid}/ns/net") != own, "a network namespace")
        run(["ip", "link", "add", here, "type", "veth", "peer", "name", there]).ok()
        run(["ip", "link", "set", there, "netns", lan.holder.pid]).ok()
        run(["ip", "address", "add", f"{lan.gateway}/24", "dev", here]).ok()
        run(["ip", "link", "set", here, "up"]).ok()
        for address in (lan.rider, lan.other):
            lan.run("ip", "address", "add", f"{address}/24", "dev", there).ok()
        lan.run("ip", "link", "set", there, "up").ok()
        yield lan
    finally:
        lan.holder.kill()
        lan.holder.wait()


@pytest.mark.skipif(why_no_lan() is not None, reason=str(why_no_lan()))
def test_machines_of_the_lan(own_world, lan):
    """Without a list only the gateway's own machine rides; with one exactly those on it."""
    world, port = own_world, free_port()
    forward = f"*:{port}:127.0.0.1:{world.echo.port}"
    rules(world, f"0.0.0.0:{port}", accept_from=())
    with Tunnel(world.alice, forward):
        assert lan.ask(lan.rider, port, "hello") == ""
        assert through(port, b"from here", "127.0.0.1") == b"from here"
        rules(world, f"0.0.0.0:{port}", accept_from=[f"{lan.rider}/32"])
        wait_until(lambda: through(port, b"from here", "127.0.0.1") == b"", "the new list")
        assert lan.ask(lan.rider, port, "hello") == "hello"
        assert lan.ask(lan.other, port, "hello") == ""
    sources = {re.search(r"^connection from ([0-9.]+):", one["reason"])[1] for one in audit(world, "access.refused")}
    assert sources == {lan.rider, "127.0.0.1", lan.other}
    rules(world, f"{lan.gateway}:{port}", accept_from=["198.18.77.0/24"])
    with Tunnel(world.alice, f"{lan.gateway}:{port}:127.0.0.1:{world.echo.port}"):
        assert lan.ask(lan.other, port, "one address") == "one address"
        assert closed(port), "it listens at another address, too"


@pytest.mark.row("D2", "D7")
def test_what_no_rule_permits_fails_when_the_client_starts(ports):
    world, port, other = ports, ports.ports[0], free_port()
    for place in (f"{other}", f"*:{port}", f"0.0.0.0:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"[::]:{port}", "80", "0"):
        said = refused(world, world.alice, f"{place}:127.0.0.1:{world.echo.port}")
        assert "no rule lets alice use remote-forward from" in said and "a target listens where LOGIN@TARGET stands" in said, said
    assert "the gateway listens at addresses and at localhost only" in refused(world, world.alice, f"gw.example.com:{port}:127.0.0.1:1")
    assert "no rule lets partner use remote-forward" in refused(world, world.partner, f"{port}:127.0.0.1:1")
    assert len(audit(world, "access.refused")) == 10
    assert closed(port) and closed(other)


def test_a_rule_about_targets_says_nothing_about_the_gateway(own_world):
    world, port = own_world, free_port()
    rules(world, f"localhost:{port}", accept_from=(), targets=["*"])
    assert "no rule lets alice" in refused(world, world.alice, f"{port}:127.0.0.1:1")


def test_every_port_is_none_of_the_privileged_ones(own_world):
    world = own_world
    rules(world, "localhost:*", accept_from=())
    assert "permits other destinations only" in refused(world, world.alice, "80:127.0.0.1:1")
    decided = world.gateway.command("explain", "alice", "--as", "remote-forward", "--forward", "localhost:80")
    assert decided.status == 1 and "no rule lets alice" in decided.text, decided
    world.gateway.command("explain", "alice", "--as", "remote-forward", "--forward", "localhost:1024").ok()
    for rider, status in (("127.0.0.1", 0), ("192.0.2.9", 1)):
        decided = world.gateway.command("explain", "alice", "--forward", "localhost:1024", "--connects-from", rider)
        assert decided.status == status and ("other networks only" in decided.text) == bool(status), decided


@pytest.mark.row("C1")
def test_port_that_the_gateway_chooses(own_world):
    world = own_world
    rules(world, "localhost:*", accept_from=())
    with Tunnel(world.alice, f"0:127.0.0.1:{world.echo.port}") as tunnel:
        port = int(tunnel.wait_for(r"Allocated port (\d+) for remote forward")[1])
        assert through(port, b"chosen", "127.0.0.1") == b"chosen"
    assert [one["subject"] for one in audit(world, "forward.listen")] == [f"localhost:{port}"]


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
def test_both_families(own_world):
    world, port, other = own_world, free_port(), free_port()
    rules(world, f"localhost:{port}", f"0.0.0.0:{other}", accept_from=())
    with Tunnel(world.alice, f"{port}:127.0.0.1:{world.echo.port}"):
        assert through(port, b"four", None) == b"four" and through(port, b"six", None, "::1") == b"six"
    with Tunnel(world.alice, f"*:{other}:127.0.0.1:{world.echo.port}"):
        assert through(other, b"four", None) == b"four" and closed(other, "::1"), "every address of IPv6 was not permitted"
        rules(world, f"localhost:{port}", f"0.0.0.0:{other}", f"[::]:{other}", accept_from=())
    with Tunnel(world.alice, f"*:{other}:127.0.0.1:{world.echo.port}"):
        assert through(other, b"four", None) == b"four" and through(other, b"six", None, "::1") == b"six"


@pytest.mark.row("D7")
def test_a_port_that_is_taken(ports):
    world, port = ports, ports.ports[0]
    with Tunnel(world.alice, f"{port}:127.0.0.1:{world.echo.port}"):
        assert re.search("cannot listen .*in use", refused(world, world.alice, f"{port}:127.0.0.1:1"))
        assert through(port, b"first") == b"first"
    rules(world, f"localhost:{world.gateway.port}")
    assert re.search("cannot listen .*in use", refused(world, world.alice, f"{world.gateway.port}:127.0.0.1:1"))
    assert [one["outcome"] for one in audit(world, "forward.listen")] == ["ok", "failed", "failed"]


@pytest.mark.row("C6")
def test_taken_back_by_the_control_socket(ports):
    world, port = ports, ports.ports[0]
    control = world.alice.folder / "cm-ports"
    forward = f"{port}:127.0.0.1:{world.echo.port}"
    client = world.alice.start("-N", "-M", "-S", control, "alice@gw")
    try:
        wait_until(control.exists, "the control socket")
        for _ in range(2):
            world.alice.ssh("-S", control, "-O", "forward", "-R", forward, "alice@gw").ok()
            with connect(port) as open_before:
                open_before.sendall(b"before")
                assert open_before.recv(6) == b"before"
                world.alice.ssh("-S", control, "-O", "cancel", "-R", forward, "alice@gw").ok()
                wait_until(lambda: closed(port), "the end of the listening")  # ssh does not wait for the answer
                open_before.sendall(b"after")
                assert open_before.recv(5) == b"after", "a connection ended with its port"
    finally:
        end_client(client)
    assert [one["reason"] for one in audit(world, "forward.end")] == ["the client took it back"] * 2


def test_the_rule_goes_and_the_port_with_it(ports):
    world, port, other = ports, ports.ports[0], ports.ports[1]
    with Tunnel(world.alice, f"{port}:127.0.0.1:{world.echo.port}", "-R", f"{other}:127.0.0.1:{world.echo.port}") as tunnel:
        tunnel.wait_for(r"(?s)remote forward success.*remote forward success")
        with connect(port) as open_before:
            open_before.sendall(b"before")
            assert open_before.recv(6) == b"before"
            rules(world, f"localhost:{other}")
            wait_until(lambda: closed(port), "the end of the listening")
            assert through(other, b"the other") == b"the other"
            open_before.sendall(b"after")
            assert open_before.recv(5) == b"after"
        tunnel.wait_for("Remote: .*no rule lets alice")
        access = world.access()
        access["user"] = [user for user in access["user"] if user["name"] != "alice"]
        for rule in access["rule"]:
            rule["users"] = [name for name in rule["users"] if name != "alice"]
        access["rule"] = [rule for rule in access["rule"] if rule["users"]]
        world.gateway.apply(access, "--prune")
        wait_until(lambda: closed(other), "the end of the listening for somebody who is no user any more")
    ends = audit(world, "forward.end")
    assert [one["subject"] for one in ends] == [f"localhost:{port}", f"localhost:{other}"], ends
    assert "no rule lets alice" in ends[0]["reason"], ends


def test_options_of_the_key(own_world):
    """permitlisten narrows what the rules permit; no-port-forwarding leaves nothing."""
    world, port, other = own_world, free_port(), free_port()
    access = world.access()
    access["rule"].append({"name": "ports", "users": ["alice"], "allow": ["remote-forward"],
                           "forward": [f"localhost:{port}", f"localhost:{other}"]})
    for options, expected in ((f'permitlisten="localhost:{other}"', {other}), ("no-port-forwarding", set())):
        access["user"][0]["keys"] = [f"{options} {world.alice.public_key}"]
        world.gateway.apply(access, "--prune")
        worked = set()
        for wanted in (port, other):
            transport = signed_in(world)
            try:
                worked |= {transport.request_port_forward("localhost", wanted)}
            except paramiko.SSHException:
                pass
            finally:
                transport.close()
        assert worked == expected, options


def signed_in(world):
    transport = paramiko.Transport(("127.0.0.1", world.gateway.port))
    transport.connect(username="alice", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.alice.key)))
    return transport


@pytest.mark.row("C10")
def test_bounds_of_ports_and_of_connections(own_world):
    """kGatewayPorts of one client, kPortConnections at one of them; what is over is turned away, and has its place again later."""
    world = own_world
    rules(world, "127.0.0.1:*", accept_from=())
    transport = signed_in(world)
    try:
        listening = [transport.request_port_forward("127.0.0.1", 0) for _ in range(32)]
        assert len(set(listening)) == 32
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)
        assert audit(world, "forward.listen")[-1]["outcome"] == "failed"
        riders = [connect(listening[0], None) for _ in range(64)]
        channels = [transport.accept(20 * PATIENCE) for _ in riders]
        assert all(channels)
        assert through(listening[0], b"one too many", None) == b""
        assert "too many connections at this port" in audit(world, "access.refused")[-1]["reason"]
        connect(listening[1], None).close()
        assert transport.accept(20 * PATIENCE), "the other ports have their own count"
        riders.pop().close()
        closing = channels.pop()
        for channel in channels:
            channel.setblocking(False)
        closing.close()

        def has_a_place():
            rider = connect(listening[0], None)
            riders.append(rider)
            return transport.accept(1)
        assert wait_until(has_a_place, "a place for another connection")
        for rider in riders:
            rider.close()
    finally:
        transport.close()
    for port in listening:
        wait_until(lambda port=port: closed(port), "the end of the listening")


def test_a_client_that_takes_no_channel(own_world):
    """Nobody answers behind the client, and a client that refuses: the rider is told at once, and both are in the audit."""
    world, port = own_world, free_port()
    rules(world, f"localhost:{port}", accept_from=())
    with Tunnel(world.alice, f"{port}:127.0.0.1:{free_port()}"):
        assert through(port, b"anybody?", None) == b""
        failed = wait_until(lambda: [one for one in audit(world, "channel.open") if one["outcome"] == "failed"], "an audit record")
        assert "the client refused it" in failed[0]["reason"], failed


def test_hours_that_a_rule_gets(ports):
    world, port = ports, ports.ports[0]
    with Tunnel(world.alice, f"{port}:127.0.0.1:{world.echo.port}"):
        day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][int(f"{datetime.now(timezone.utc) + timedelta(days=3):%w}")]
        rules(world, f"localhost:{port}", when={"hours": f"{day} 00:00-24:00 UTC"})
        wait_until(lambda: closed(port), "the end of the listening")
    assert "lets it only at" in audit(world, "forward.end")[0]["reason"]


def test_half_close_and_many_at_once(ports):
    world, port = ports, ports.ports[0]
    with Tunnel(world.alice, f"{port}:127.0.0.1:{world.echo.port}"):
        results, payloads = {}, {number: os.urandom(200000) for number in range(30)}
        threads = [threading.Thread(target=lambda n=number: results.update({n: through(port, payloads[n])})) for number in payloads]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == payloads


@pytest.mark.row("C10")
def test_plink_and_dbclient(ports):
    world, user = ports, ports.alice
    commands = {
        world.ports[0]: ["plink", "-ssh", "-batch", "-P", world.gateway.port, "-i", user.putty_key(), "-hostkey", user.host_fingerprint,
                         "-l", "alice", "-N", "-R", f"localhost:{world.ports[0]}:127.0.0.1:{world.echo.port}", "127.0.0.1"],
        world.ports[1]: ["dbclient", "-y", "-y", "-i", user.dropbear_key(), "-p", world.gateway.port, "-l", "alice", "-N", "-R",
                         f"localhost:{world.ports[1]}:127.0.0.1:{world.echo.port}", "127.0.0.1"]}
    for port, command in commands.items():
        client = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env=user.environment())
        try:
            def answers(port=port):
                try:
                    return through(port, b"ping") == b"ping"
                except OSError:
                    return False
            wait_until(answers, f"{command[0]} -R")
        finally:
            end_client(client)
