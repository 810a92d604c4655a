"""Many at once: sessions on one connection, connections to one gateway; nothing is left when they are gone."""
import subprocess

import pytest
from processes import PATIENCE, end_client, wait_until

SESSIONS, CONNECTIONS = 20, 200


def settle(world, descriptors):
    """Waits until the gateway has put away what it held for the sessions."""
    daemon = world.gateway.daemon
    wait_until(lambda: daemon.descriptors() <= descriptors, f"the gateway to have {descriptors} descriptors again, it has "
               f"{daemon.descriptors()}", timeout=30)


@pytest.mark.row("C6")
def test_twenty_sessions_on_one_connection(own_world):
    world = own_world
    alice, daemon = world.alice, world.gateway.daemon
    alice.ssh(world.place(), "true").ok()
    settle(world, daemon.descriptors())
    before = daemon.descriptors()
    master = alice.folder / "cm"
    keeper = alice.start("-M", "-N", "-S", master, world.place())
    try:
        wait_until(lambda: master.exists() or keeper.poll() is not None, "the control socket")
        clients = [alice.start("-S", master, world.place(), f"echo {number}; cat") for number in range(SESSIONS)]
        assert [client.stdout.readline() for client in clients] == [b"%d\n" % number for number in range(SESSIONS)]
        for number, client in enumerate(clients):
            out, err = client.communicate(b"x" * 100000, timeout=60 * PATIENCE)
            assert (client.returncode, len(out)) == (0, 100000), (number, client.returncode, len(out), err)
        accepted = world.target("web").daemon.said().count("Accepted publickey")
        assert accepted == 2, f"{SESSIONS} sessions of one connection made {accepted - 1} sign-ins at the target"
    finally:
        end_client(keeper)
    settle(world, before)


def _wave(world, count):
    clients = [subprocess.Popen(["ssh", "-F", str(world.alice.config), world.place(), f"echo {number}; cat"], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE) for number in range(count)]
    for number, client in enumerate(clients):
        line = client.stdout.readline()
        assert line == b"%d\n" % number, (number, line, client.poll(), client.stderr.read1(2000) if client.poll() is not None else b"")
    at_once = world.gateway.daemon.memory_kib(), world.gateway.daemon.descriptors()
    for number, client in enumerate(clients):
        out, err = client.communicate(b"bye", timeout=60 * PATIENCE)
        assert (client.returncode, out) == (0, b"bye"), (number, client.returncode, out, err)
    return at_once


@pytest.mark.row("F7")
@pytest.mark.slow
def test_two_hundred_connections(own_world, record_property, capsys):
    world = own_world
    daemon = world.gateway.daemon
    world.alice.ssh(world.place(), "true").ok()
    begin = daemon.descriptors()
    _wave(world, CONNECTIONS)  # the first wave lets allocators, caches and the store grow to their size
    settle(world, begin)
    before = daemon.memory_kib()
    during = _wave(world, CONNECTIONS)
    settle(world, begin)
    after = daemon.memory_kib()
    figures = (f"{CONNECTIONS} connections: memory before {before} KiB, during {during[0]} KiB, after {after} KiB; "
               f"descriptors before {begin}, during {during[1]}, after {daemon.descriptors()}")
    record_property("figures", figures)
    with capsys.disabled():
        print("\n" + figures)
    assert after - before < 4096, figures
    assert len([session for session in world.gateway.sessions() if not session.get("finished")]) == 0
