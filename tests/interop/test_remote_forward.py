"""Remote forwards (-R): the target listens, rules decide where, and nothing comes back that was not asked for."""
import os
import re
import signal
import socket
import subprocess
import threading

import evidence
import pytest
from processes import PATIENCE, end_client, free_port, run, wait_until
from targets import LOGIN


def rules(world, *forward, allow=("remote-forward",), users=("alice",), targets=("*",)):
    access = world.access()
    access["rule"].append({"name": "listen", "users": list(users), "targets": list(targets), "allow": list(allow),
                           "forward": list(forward), "record": "full"})
    world.gateway.apply(access, "--prune")


@pytest.fixture
def listening(own_world):
    """A world whose alice may have the target listen on two ports of hers."""
    world = own_world
    world.ports = [free_port(), free_port()]
    rules(world, *(f"localhost:{port}" for port in world.ports))
    return world


class Forwarding:
    """ssh -N -R …, until the end of the block. `err` has what ssh said."""

    def __init__(self, user, *arguments, place, more=()):
        self.arguments = ["-v", "-N", *more, *arguments, place]
        self.user = user

    def __enter__(self):
        self.log = self.user.folder / f"remote-{os.urandom(4).hex()}.err"
        with open(self.log, "wb") as err:
            self.client = self.user.start(*self.arguments, stderr=err)
        return self

    @property
    def err(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern):
        return wait_until(lambda: re.search(pattern, self.err), f"{pattern!r} in what ssh says")

    def __exit__(self, *_):
        end_client(self.client)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10 * PATIENCE)


def refused(port):
    try:
        connect(port).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it came just before the end of the listening; the next one is told
        return False


def through(port, payload):
    """What comes back from `port` for `payload`, with half-close."""
    with connect(port) as connection:
        threading.Thread(target=lambda: (connection.sendall(payload), connection.shutdown(socket.SHUT_WR))).start()
        got = b""
        while data := connection.recv(65536):
            got += data
    return got


@pytest.mark.row("C1", "F3")
def test_target_listens_and_the_client_answers(listening, folder):
    world, port = listening, listening.ports[0]
    payload = os.urandom(1 << 20)
    with Forwarding(world.alice, "-R", f"{port}:127.0.0.1:{world.echo.port}", place=world.place()) as forwarding:
        forwarding.wait_for("remote forward success")
        for part in (payload, b"", b"once more"):
            assert through(port, part) == part
    key = evidence.newest(world, world.alice)["audit_key"]
    channels = world.gateway.channels(key)
    assert [channel["type"] for channel in channels] == ["forwarded-tcpip"] * 3
    assert {channel["destination"] for channel in channels} == {f"localhost:{port}"}
    assert {channel["target"] for channel in channels} == {f"{LOGIN}@web"}
    assert world.gateway.command("recordings", "verify", key).status == 0
    said = [record for record in world.gateway.audit() if record["kind"] == "forward.listen"]
    assert said and said[0]["outcome"] == "ok" and "listen" in said[0]["reason"], said


@pytest.mark.row("C1")
def test_many_at_once(listening):
    world, port = listening, listening.ports[0]
    with Forwarding(world.alice, "-R", f"{port}:127.0.0.1:{world.echo.port}", place=world.place()) as forwarding:
        forwarding.wait_for("remote forward success")
        results, payloads = {}, {number: os.urandom(100000) for number in range(20)}
        threads = [threading.Thread(target=lambda n=number: results.update({n: through(port, payloads[n])})) for number in payloads]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == payloads


@pytest.mark.row("D2", "D7")
def test_what_no_rule_permits_fails_when_the_client_starts(listening):
    world, port = listening, free_port()
    done = world.alice.ssh("-v", "-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{port}:127.0.0.1:1", world.place())
    assert done.status == 255 and f"remote port forwarding failed for listen port {port}" in done.err, done.err
    assert re.search(rf"Remote: .*no rule lets alice use remote-forward from localhost:{port}", done.err), done.err
    (refused,) = [record for record in world.gateway.audit() if record["kind"] == "access.refused"]
    assert str(port) in refused["subject"] and "permits other destinations only" in refused["reason"], refused
    assert world.target("web").daemon.said().count("Accepted") == 0, "the target was connected for a refused forward"


@pytest.mark.row("D2", "D7")
def test_a_client_may_ask_beforehand(own_world):
    """What our tunnel client asks when it starts, by a client that we did not write; nothing is opened, and a refusal is a record."""
    import paramiko
    world = own_world
    echo, free = world.echo.port, free_port()
    rules(world, f"localhost:{free}", f"127.0.0.1:{echo}", "db.internal:5432", allow=("local-forward", "remote-forward"))
    transport = paramiko.Transport(("127.0.0.1", world.gateway.port))
    try:
        transport.connect(username=f"{LOGIN}@web", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.alice.key)))

        def asked(*question):
            answer = transport.global_request("forward-check@sekisho", question, wait=True)
            return answer and (answer.get_boolean(), answer.get_text())

        for question in (("local-forward", "127.0.0.1", echo), ("local-forward", "db.internal", 5432),
                         ("remote-forward", "localhost", free)):
            assert asked(*question) == (True, 'rule "listen" lets it'), question
        for question in (("local-forward", "127.0.0.1", 22), ("local-forward", "db.internal.", 22), ("remote-forward", "", free),
                         ("remote-forward", "localhost", 22), ("socket-forward", "/run/docker.sock", 0), ("shell", "", 0),
                         ("local-forward", "127.0.0.1", 0)):
            permitted, why = asked(*question)
            assert permitted is False and why, question
        assert asked("no-such-thing", "127.0.0.1", echo) is None
        assert asked("local-forward", "127.0.0.1", 65536) is None
        assert asked("local-forward") is None
        assert transport.is_active()
        records = [record for record in world.gateway.audit() if record["kind"] == "access.refused"]
        assert len(records) == 7 and all("asked beforehand" in record["reason"] for record in records), records
        assert not [record for record in world.gateway.audit() if record["kind"] in ("forward.listen", "channel.open")]
        assert world.target("web").daemon.said().count("Accepted") == 0
    finally:
        transport.close()


def test_every_address_and_privileged_ports_need_to_be_named(listening):
    world, port = listening, listening.ports[0]
    for place in (f"*:{port}", f"0.0.0.0:{port}", f"127.0.0.1:{port}", "localhost:80", "0", "localhost:65536"):
        done = world.alice.ssh("-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{place}:127.0.0.1:1", world.place())
        assert done.status == 255, place
    rules(world, f"0.0.0.0:{port}")
    with Forwarding(world.alice, "-R", f"*:{port}:127.0.0.1:{world.echo.port}", place=world.place()) as forwarding:
        forwarding.wait_for("remote forward success")
        assert through(port, b"everybody") == b"everybody"


@pytest.mark.row("C1")
def test_port_that_the_target_chooses(own_world):
    world = own_world
    rules(world, "localhost:*")
    with Forwarding(world.alice, "-R", f"0:127.0.0.1:{world.echo.port}", place=world.place()) as forwarding:
        port = int(forwarding.wait_for(r"Allocated port (\d+) for remote forward")[1])
        assert through(port, b"chosen") == b"chosen"
        subjects = [record["subject"] for record in world.gateway.audit() if record["kind"] == "forward.listen"]
        assert f"localhost:{port}" in subjects


@pytest.mark.row("C6")
def test_cancel_by_the_control_socket(listening):
    world, port = listening, listening.ports[0]
    control = world.alice.folder / "cm-remote"
    forward = f"{port}:127.0.0.1:{world.echo.port}"
    with Forwarding(world.alice, place=world.place(), more=("-M", "-S", control)):
        wait_until(control.exists, "the control socket")
        for _ in range(2):
            world.alice.ssh("-S", control, "-O", "forward", "-R", forward, world.place()).ok()
            assert through(port, b"open") == b"open"
            world.alice.ssh("-S", control, "-O", "cancel", "-R", forward, world.place()).ok()
            wait_until(lambda: refused(port), "the end of the listening")  # ssh does not wait for the answer


def test_cancel_of_somebody_elses_forward(listening):
    """Another client's request to cancel reaches no target, and takes nothing away."""
    world, port = listening, listening.ports[0]
    import paramiko
    with Forwarding(world.alice, "-R", f"{port}:127.0.0.1:{world.echo.port}", place=world.place()) as forwarding:
        forwarding.wait_for("remote forward success")
        transport = paramiko.Transport(("127.0.0.1", world.gateway.port))
        try:
            transport.connect(username=f"{LOGIN}@web", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.alice.key)))
            assert transport.global_request("cancel-tcpip-forward", ("localhost", port), wait=True) is None
        finally:
            transport.close()
        assert through(port, b"still here") == b"still here"
    refused = [record["reason"] for record in world.gateway.audit() if record["kind"] == "access.refused"]
    assert refused == ["there is no such forward on this connection"]


@pytest.mark.row("C10")
def test_paramiko_and_answers_in_order(listening):
    """The target is not there yet when the client asks; a keepalive that is asked behind must not be answered before."""
    import paramiko
    world, port = listening, listening.ports[1]
    transport = paramiko.Transport(("127.0.0.1", world.gateway.port))
    try:
        transport.connect(username=f"{LOGIN}@web", pkey=paramiko.Ed25519Key.from_private_key_file(str(world.alice.key)))
        transport.set_keepalive(1)
        assert transport.request_port_forward("localhost", port) == port
        reply = transport.global_request("keepalive@openssh.com", wait=True)
        assert reply is None
        client = connect(port)
        channel = transport.accept(10)
        client.sendall(b"hello")
        assert channel.recv(5) == b"hello"
        channel.sendall(b"you")
        assert client.recv(3) == b"you"
        client.close()
        transport.cancel_port_forward("localhost", port)
        assert refused(port)
    finally:
        transport.close()


@pytest.mark.row("C10")
def test_plink_and_dbclient(listening):
    world, user = listening, listening.alice
    login = world.place().rsplit("@", 1)[0]
    for port, command in (
            (world.ports[0], ["plink", "-ssh", "-batch", "-P", world.gateway.port, "-i", user.putty_key(), "-hostkey",
                              user.host_fingerprint, "-l", login, "-N", "-R",
                              f"localhost:{world.ports[0]}:127.0.0.1:{world.echo.port}", "127.0.0.1"]),
            (world.ports[1], ["dbclient", "-y", "-y", "-i", user.dropbear_key(), "-p", world.gateway.port, "-l", login, "-N", "-R",
                              f"localhost:{world.ports[1]}:127.0.0.1:{world.echo.port}", "127.0.0.1"])):
        client = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env=user.environment())
        try:
            def answers():
                try:
                    return through(port, b"ping") == b"ping"
                except OSError:
                    return False
            wait_until(answers, f"{command[0]} -R")
        finally:
            end_client(client)


def test_target_that_goes_away(listening):
    """The forward ends with its target; a new one can be asked for once it is back."""
    world, port = listening, listening.ports[0]
    control = world.alice.folder / "cm-gone"
    forward = f"{port}:127.0.0.1:{world.echo.port}"
    with Forwarding(world.alice, place=world.place(), more=("-M", "-S", control)):
        wait_until(control.exists, "the control socket")
        world.alice.ssh("-S", control, "-O", "forward", "-R", forward, world.place()).ok()
        assert through(port, b"before") == b"before"
        children = run(["ps", "-o", "pid=", "--ppid", world.target("web").daemon.pid]).ok().text.split()
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: any(record["kind"] == "target.lost" for record in world.gateway.audit()), "the loss in the audit")
        assert world.alice.ssh("-S", control, "-O", "cancel", "-R", forward, world.place()).status is not None
        world.alice.ssh("-S", control, "-O", "forward", "-R", forward, world.place()).ok()
        assert through(port, b"after") == b"after"


def test_options_of_the_key(own_world):
    """permitlisten and no-port-forwarding narrow what the rules permit."""
    world, port, other = own_world, free_port(), free_port()
    access = world.access()
    access["rule"].append({"name": "listen", "users": ["alice"], "targets": ["*"], "allow": ["remote-forward"],
                           "forward": [f"localhost:{port}", f"localhost:{other}"]})
    alice = access["user"][0]
    for options, expected in ((f'permitlisten="{port}"', {port}), (f'permitlisten="localhost:{other}"', {other}),
                              ('permitlisten="example.org:*"', set()), ("no-port-forwarding", set())):
        alice["keys"] = [f"{options} {world.alice.public_key}"]
        world.gateway.apply(access, "--prune")
        worked = set()
        for wanted in (port, other):
            with Forwarding(world.alice, "-R", f"{wanted}:127.0.0.1:1", place=world.place()) as forwarding:
                if forwarding.wait_for(r"remote forward (success|failure)|port forwarding failed")[1] == "success":
                    worked.add(wanted)
        assert worked == expected, options
