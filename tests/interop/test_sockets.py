"""Sockets forwarded both ways (streamlocal): rules name paths, in their only spelling."""
import os
import re
import socket
import struct
import threading

import evidence
import pytest
from processes import PATIENCE, free_port, wait_until
from serving import Serving
from targets import LOGIN, echo
from test_remote_forward import Forwarding, rules


class SocketService(Serving):
    """Echoes on a socket of the file system."""

    def __init__(self, path):
        self.path = path
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(64)
        super().__init__(listener)

    def serve(self, connection):
        with connection:
            echo(connection)


@pytest.fixture
def service(folder):
    service = SocketService(folder / "app.sock")
    yield service
    service.close()


def permit(world, *paths, **more):
    rules(world, *(str(path) for path in paths), allow=("socket-forward",), **more)


def ask(connection, payload):
    with connection:
        threading.Thread(target=lambda: (connection.sendall(payload), connection.shutdown(socket.SHUT_WR))).start()
        got = b""
        while data := connection.recv(65536):
            got += data
    return got


def refused(place):
    """The client takes the connection, and ends it when it hears that it may not."""
    try:
        with connect(place) as connection:
            return connection.recv(1) == b""
    except ConnectionError:
        return True


def connect(place):
    if isinstance(place, int):
        return socket.create_connection(("127.0.0.1", place), timeout=10 * PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10 * PATIENCE)
    connection.connect(str(place))
    return connection


def listens(place):
    try:
        connect(place).close()
        return True
    except OSError:
        return False


@pytest.mark.row("C1", "F3")
@pytest.mark.parametrize("here", ["port", "path"])
def test_a_socket_of_the_target(own_world, folder, service, here):
    world = own_world
    permit(world, service.path)
    local = free_port() if here == "port" else folder / "local.sock"
    payload = os.urandom(1 << 20)
    with Forwarding(world.alice, "-L", f"{local}:{service.path}", place=world.place()):
        wait_until(lambda: listens(local), "ssh -L")
        for part in (payload, b"again"):
            assert ask(connect(local), part) == part
    key = evidence.newest(world, world.alice)["audit_key"]
    channels = world.gateway.channels(key)
    assert {(channel["type"], channel["destination"], channel["target"]) for channel in channels} == {
        ("direct-streamlocal@openssh.com", str(service.path), f"{LOGIN}@web")}


@pytest.mark.row("C1", "F3")
def test_a_socket_that_the_target_listens_on(own_world, folder):
    world, there = own_world, folder / "there.sock"
    permit(world, folder / "*")
    control = world.alice.folder / "cm-socket"
    forward = f"{there}:127.0.0.1:{world.echo.port}"
    with Forwarding(world.alice, place=world.place(), more=("-M", "-S", control)):
        wait_until(control.exists, "the control socket")
        world.alice.ssh("-S", control, "-O", "forward", "-R", forward, world.place()).ok()
        payload = os.urandom(1 << 20)
        assert ask(connect(there), payload) == payload
        world.alice.ssh("-S", control, "-O", "cancel", "-R", forward, world.place()).ok()
        wait_until(lambda: not listens(there), "the end of the listening")
    channels = world.gateway.channels(evidence.newest(world, world.alice)["audit_key"])
    assert [(channel["type"], channel["destination"]) for channel in channels] == [("forwarded-streamlocal@openssh.com", str(there))]


@pytest.mark.row("D2")
def test_default_deny(own_world, folder, service):
    """No rule for sockets, a rule for another path, and a rule for ports: all refused, by name, and never connected."""
    world = own_world
    for permitted in ((), (folder / "other.sock",), ("127.0.0.1:1-65535",)):
        permit(world, *permitted)
        with Forwarding(world.alice, "-L", f"{folder}/local.sock:{service.path}", place=world.place()) as forwarding:
            wait_until(lambda: listens(folder / "local.sock"), "ssh -L")
            assert refused(folder / "local.sock")
            forwarding.wait_for(rf"administratively prohibited: .*socket-forward of {service.path}")
        (folder / "local.sock").unlink(missing_ok=True)
        done = world.alice.ssh("-v", "-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{folder}/there.sock:127.0.0.1:1", world.place())
        assert done.status == 255 and re.search(rf"Remote: .*socket-forward of {folder}/there.sock", done.err), done.err
    assert service.knocks == 0 and not (folder / "there.sock").exists()
    records = [record for record in world.gateway.audit() if record["kind"] == "access.refused"]
    assert len(records) >= 6, records


@pytest.fixture
def transport(own_world, folder, service):
    """A client that asks for whatever it likes; the rule names everything below a folder."""
    import paramiko
    permit(own_world, folder / "*")
    transport = paramiko.Transport(("127.0.0.1", own_world.gateway.port))
    transport.connect(username=f"{LOGIN}@web", pkey=paramiko.Ed25519Key.from_private_key_file(str(own_world.alice.key)))
    yield transport
    transport.close()


def direct(transport, path):
    """direct-streamlocal@openssh.com for these bytes; the channel, or what the refusal says."""
    import paramiko
    from paramiko.message import Message
    original = paramiko.Transport._send_user_message

    def with_path(self, message):
        raw = message.asbytes()
        if raw[:1] == b"\x5a" and b"direct-streamlocal" in raw[:60]:
            message = Message()
            message.add_bytes(raw + struct.pack(">I", len(path)) + path + struct.pack(">II", 0, 0))
        original(self, message)
    paramiko.Transport._send_user_message = with_path
    try:
        return transport.open_channel("direct-streamlocal@openssh.com", timeout=10)
    except paramiko.ChannelException as refused:
        return refused
    finally:
        paramiko.Transport._send_user_message = original


def test_tricks_with_paths(own_world, folder, service, transport):
    """Another spelling of a path is no path: what policy reads must be what the target opens."""
    name = str(service.path).encode()
    channel = direct(transport, name)
    channel.sendall(b"plain")
    assert channel.recv(10) == b"plain"
    channel.close()
    (folder / "sub").mkdir()
    outside = b"/run/docker.sock"
    parent = str(folder).encode()
    for trick in (parent + b"/../" + outside[1:], parent + b"/sub/../app.sock", parent + b"//app.sock", parent + b"/./app.sock",
                  name + b"\0", name + b"\0/more", b"app.sock", b"./app.sock", b"~/app.sock", b"", b"/", parent + b"/", b"\0abstract",
                  name + b"/", parent + b"/\x1b[31m", b"/" + b"x" * 108, parent + b"x/app.sock", outside):
        answer = direct(transport, trick)
        assert getattr(answer, "code", None) in (1, 2), f"{trick!r} was let through: {answer}"
    assert service.knocks == 1
    for trick in (b"\0abstract", b"relative.sock", parent + b"/../up.sock", parent + b"/a\nb"):
        assert transport.global_request("streamlocal-forward@openssh.com", [trick], wait=True) is None, trick
    for word in world_audit(own_world):
        assert "\x1b" not in word and "\n" not in word and "\0" not in word


def world_audit(world):
    return [record["subject"] + record["reason"] for record in world.gateway.audit()]


def test_not_at_the_gateway_itself(own_world, folder, service):
    """No socket of the gateway's own machine, whatever the rules say (B3)."""
    world = own_world
    access = world.access()
    access["rule"].append({"name": "sockets", "users": ["alice"], "allow": ["socket-forward"], "forward": ["/*"]})
    world.gateway.apply(access, "--prune")
    with Forwarding(world.alice, "-L", f"{folder}/local.sock:{service.path}", place="alice@gw") as forwarding:
        wait_until(lambda: listens(folder / "local.sock"), "ssh -L")
        assert refused(folder / "local.sock")
        forwarding.wait_for("with a target only")
    assert service.knocks == 0


def test_explain(own_world, folder, service):
    world = own_world
    permit(world, folder / "*")
    assert "yes socket-forward" in world.gateway.command("explain", "alice", f"{LOGIN}@web", "--forward", service.path).ok().text
    assert world.gateway.command("explain", "alice", f"{LOGIN}@web", "--forward", "/etc/passwd").status == 1
