"""The PROXY protocol, from HAProxy: the client's address is the one in the header, in rules, keys, audit and penalties."""
import shutil
import socket
import time

import pytest
from clients import Clients
from processes import PATIENCE, Daemon, free_port, greeting, wait_until

PROXY = "127.0.0.50"


class HaProxy:
    """A port for each version in front of the gateway. It connects from PROXY."""

    def __init__(self, folder, gateway):
        forms = ("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id,crc32c")
        self.ports = {form: free_port() for form in forms}
        config = ("global\n    log stderr local0\ndefaults\n    mode tcp\n    timeout connect 10s\n    timeout client 5m\n"
                  "    timeout server 5m\n")
        for number, (how, port) in enumerate(self.ports.items()):
            config += (f"listen gateway{number}\n    bind 127.0.0.1:{port}\n    unique-id-format %ci-%cp\n"
                       f"    server gw 127.0.0.1:{gateway.port} source {PROXY} {how}\n")
        (folder / "haproxy.cfg").write_text(config)
        self.daemon = Daemon(["haproxy", "-db", "-f", folder / "haproxy.cfg"], folder / "haproxy.log")
        for port in self.ports.values():
            self.daemon.wait_for_port(port)

    def stop(self):
        self.daemon.kill()


@pytest.fixture
def proxied(own_world, folder):
    if not shutil.which("haproxy"):
        pytest.skip("haproxy is not installed (./dev deps)")
    gateway = own_world.gateway
    gateway.configure(ssh={"listen": [f"127.0.0.1:{gateway.port}"], "proxy_protocol": ["127.0.0.48/28"]})
    gateway.reload()
    proxy = HaProxy(folder, gateway)
    yield own_world, proxy
    proxy.stop()


def through(world, port, name="alice"):
    """The same user's clients, by way of the proxy."""
    user = world.users[name]
    return Clients(world.folder / "users" / f"{name}-{port}", name, port, world.gateway.host_key, key=user.key)


@pytest.mark.row("D8")
def test_the_address_is_the_clients_everywhere(proxied):
    world, proxy = proxied
    for number, port in enumerate(proxy.ports.values()):
        client, source = through(world, port), f"127.0.0.{60 + number}"
        access = world.access()
        access["user"][0]["keys"] = [f'from="{source}" {world.alice.public_key}']
        access["rule"][0]["when"] = {"from": [source]}
        world.gateway.apply(access, "--prune")
        assert client.ssh("-b", source, world.place(), "echo in").ok().out == b"in\n"
        assert world.gateway.sessions()[0]["source"] == source
        done = client.ssh("-b", "127.0.0.77", world.place(), "true")
        assert done.status == 255 and "may not be used from 127.0.0.77" in done.err, done.err
        wait_until(lambda: [record for record in world.gateway.audit() if record["kind"] == "auth.refused" and
                            record["source"] == "127.0.0.77"], "the refusal in the audit, with the client's address")
        access["user"][0]["keys"] = [world.alice.public_key]
        world.gateway.apply(access, "--prune")
        done = client.ssh("-b", "127.0.0.77", world.place(), "true")
        assert "other networks than yours" in done.err, done.err


def test_penalties_are_the_clients_not_the_proxys(proxied):
    world, proxy = proxied
    for number, port in enumerate(proxy.ports.values()):
        client, source = through(world, port), f"127.0.0.{80 + number}"
        for _ in range(2):
            client.ssh("-b", source, "root@gw", "true")
        wait_until(lambda: [record for record in world.gateway.audit() if record["kind"] == "source.penalised" and
                            record["subject"] == f"{source}/32"], "the client's penalty")
        done = client.ssh("-b", source, world.place(), "true")
        assert done.status == 255 and done.out == b""
        assert client.ssh("-b", f"127.0.0.{90 + number}", world.place(), "echo in").ok().out == b"in\n"
    networks = {one["network"] for one in world.gateway.listing("penalties", "ls")}
    assert f"{PROXY}/32" not in networks and len(networks) == len(proxy.ports), networks


def raw(world, source, data):
    """Everything that the gateway answers, until it closes, and how long that took."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", world.gateway.port), timeout=30 * PATIENCE, source_address=(source, 0)) as connection:
        connection.sendall(data)
        said = b""
        try:
            while got := connection.recv(4096):
                said += got
        except ConnectionResetError:
            pass
    return said, time.monotonic() - began


def test_without_a_header_a_proxy_gets_nothing(proxied):
    world, _ = proxied
    for data in (b"SSH-2.0-OpenSSH_9.2\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", b"PROXY TCP4 " + b"1" * 200,
                 b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04abcd"):
        said, took = raw(world, PROXY, data)
        assert said == b"" and took < 4 * PATIENCE, (data, said, took)
    for data in (b"", b"PROXY TCP4 127.0.0."):
        said, took = raw(world, PROXY, data)
        assert said == b"" and 4 < took < 15 * PATIENCE, (data, said, took)


def test_bytes_in_pieces_and_the_clients_first_behind_the_header(proxied):
    """A header that comes byte by byte, and one in the same packet as what follows it."""
    world, _ = proxied
    with socket.create_connection(("127.0.0.1", world.gateway.port), timeout=20 * PATIENCE, source_address=(PROXY, 0)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 22\r\n":
            connection.sendall(bytes([byte]))
        assert connection.recv(255).startswith(b"SSH-2.0-")
    with socket.create_connection(("127.0.0.1", world.gateway.port), timeout=20 * PATIENCE, source_address=(PROXY, 0)) as connection:
        connection.sendall(b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 22\r\nSSH-1.5-old\r\n")
        assert connection.recv(255).startswith(b"SSH-2.0-")
        connection.sendall(b"more\r\n")
        while connection.recv(4096):
            pass  # it ends the connection because of the version: both lines were read, in order


def test_from_elsewhere_a_header_is_never_read(proxied):
    world, _ = proxied
    assert greeting(world.gateway.port).startswith(b"SSH-2.0-")
    said, _ = raw(world, "127.0.0.99", b"PROXY TCP4 192.0.2.9 192.0.2.1 4711 22\r\nSSH-1.5-old\r\n")
    assert said.startswith(b"SSH-2.0-"), said
    assert world.alice.ssh(world.place(), "true").status == 0
    assert "192.0.2.9" not in world.gateway.daemon.said()
