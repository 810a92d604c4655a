"""What runs on the gateway's own machine is reached as 127.0.0.1 and sees localhost, from wherever the user came."""
import re

import pytest
from processes import Daemon, free_port, wait_until
from targets import LOGIN

pytestmark = pytest.mark.row("D9")
CLIENT = "127.0.0.5"  # another address than the service is to see


@pytest.fixture
def web_server(folder):
    """Answers on 127.0.0.1 only, and logs who asked."""
    (folder / "page").write_text("only for localhost\n")
    port = free_port()
    command = ["/usr/bin/python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder, port]
    server = Daemon(command, folder / "http.log")
    server.wait_for("Serving HTTP on 127.0.0.1")
    server.port = port
    yield server
    server.stop()


def test_a_server_of_the_gateways_machine(own_world, web_server):
    """A forward that the gateway dials, and one that its target dials: the service's log says 127.0.0.1 both times."""
    world = own_world
    access = world.access()
    for targets in ({}, {"targets": ["web"]}):
        access["rule"].append({"name": f"the page {len(access['rule'])}", "users": ["alice"], "allow": ["local-forward"],
                               "forward": [f"127.0.0.1:{web_server.port}"], **targets})
    world.gateway.apply(access, "--prune")
    for number, place in enumerate(("alice@gw", world.place()), 1):
        done = world.alice.ssh("-b", CLIENT, "-W", f"127.0.0.1:{web_server.port}", place, given=b"GET /page HTTP/1.0\r\n\r\n")
        assert done.out.endswith(b"only for localhost\n"), done
        wait_until(lambda number=number: web_server.said().count("GET /page") == number, "the server's log")
    peers = re.findall(r"^(\S+) - - .*GET /page", web_server.said(), re.M)
    assert peers == ["127.0.0.1", "127.0.0.1"], peers
    assert {session["source"] for session in world.gateway.sessions()} == {CLIENT}


def test_a_target_of_the_gateways_machine(own_world):
    world = own_world
    done = world.alice.ssh("-b", CLIENT, f"{LOGIN}@web@gw", "echo $SSH_CONNECTION").ok()
    assert done.text.split()[0] == done.text.split()[2] == "127.0.0.1", done.text
    assert "Connection from 127.0.0.1" in world.target("web").daemon.said()
    assert [session["source"] for session in world.gateway.sessions()] == [CLIENT]
