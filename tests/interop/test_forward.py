"""Forwards: what a rule names goes through, everything else is refused by name and never dialled."""
import socket
import threading

import pytest
import scenarios
from processes import end_client
from targets import Doorway


@pytest.mark.row("C1", "D2")
@pytest.mark.any_server
def test_local_forward(world, folder):
    scenarios.local_forward(world, world.alice, folder)


@pytest.mark.row("C2")
@pytest.mark.any_server
def test_netcat_mode(world, folder):
    scenarios.netcat_mode(world, world.alice, folder)


@pytest.mark.row("A3")
def test_forward_only_user(world, folder):
    """A partner with one permitted place: that works, a shell, a command and sftp are refused readably."""
    scenarios.netcat_mode(world, world.partner, folder)
    for arguments in (("-tt", world.place()), (world.place(), "true"), ("-s", world.place(), "sftp")):
        done = world.partner.ssh(*arguments)
        assert done.status != 0
        assert "web" in done.err + done.text, f"{arguments}: the refusal does not name the target: {done.err!r} {done.text!r}"


def test_what_the_destination_says_first_arrives(world):
    """Greetings of mail and database servers: sent before the client says a word."""
    def greet(connection):
        connection.sendall(b"220 ready\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1024):
            pass
    service = Doorway(answer=greet)
    access = world.access()
    access["rule"].append({"name": "mail", "users": ["alice"], "allow": ["local-forward"], "forward": [f"127.0.0.1:{service.port}"]})
    world.gateway.apply(access, "--prune")
    try:
        for _ in range(10):
            done = world.alice.ssh("-W", f"127.0.0.1:{service.port}", "alice@gw")
            assert done.out == b"220 ready\r\n", done
    finally:
        world.apply()
        service.close()


def test_destination_that_does_not_answer_stalls_nobody(world):
    """A dead destination of one channel leaves the other channels of the connection alone."""
    silent = Doorway(answer=lambda connection: threading.Event().wait(60))
    closed = silent.port
    silent.close()
    access = world.access()
    access["rule"].append({"name": "gone", "users": ["alice"], "allow": ["local-forward"],
                           "forward": [f"127.0.0.1:{closed}", "192.0.2.1:9"]})
    world.gateway.apply(access, "--prune")
    master = world.alice.folder / "cm-stall"
    client = world.alice.start("-M", "-N", "-S", master, "alice@gw")
    try:
        scenarios.wait_until(master.exists, "the control socket")
        hanging = world.alice.start("-S", master, "-W", "192.0.2.1:9", "alice@gw")
        failed = world.alice.ssh("-S", master, "-W", f"127.0.0.1:{closed}", "alice@gw", timeout=15)
        assert failed.status != 0
        echoed = world.alice.ssh("-S", master, "-W", f"127.0.0.1:{world.echo.port}", "alice@gw", given=b"still here", timeout=15)
        assert echoed.out == b"still here", echoed
        hanging.kill()
        hanging.wait()
    finally:
        end_client(client)
        world.apply()
