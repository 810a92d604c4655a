"""Under attack: who keeps failing to sign in is turned away before any key exchange, and what strangers hold is bounded.

The tests' own address (127.0.0.1) is exempt; attackers come from others of loopback."""
import re
import socket
import statistics
import time

import paramiko
import pytest
from clients import Clients
from processes import PATIENCE, wait_until
from targets import LOGIN, Doorway
from wire_tap import Tap


def mallory(world, name="mallory"):
    return Clients(world.folder / "users" / name, name, world.gateway.port, world.gateway.host_key)


def penalties(gateway):
    return gateway.listing("penalties", "ls")


def penalised(gateway, network):
    """The audit records about this network's penalties."""
    return [record for record in gateway.audit() if record["kind"] == "source.penalised" and record["subject"] == network]


def configure(gateway, **tables):
    gateway.configure(**tables)
    gateway.reload()


def connect(gateway, source):
    """A connection that has heard the gateway's greeting and says nothing."""
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=20 * PATIENCE, source_address=(source, 0))
    assert connection.recv(255).startswith(b"SSH-2.0-")
    return connection


def guess_with_ssh(world, source):
    done = mallory(world).ssh("-b", source, "root@gw", "true")
    assert done.status == 255 and "There is no user root" in done.err, done.err


def guess_with_paramiko(world, source):
    with socket.create_connection(("127.0.0.1", world.gateway.port), source_address=(source, 0)) as connection:
        transport = paramiko.Transport(connection)
        try:
            transport.start_client(timeout=20 * PATIENCE)
            for _ in range(3):
                with pytest.raises((paramiko.SSHException, EOFError)):
                    transport.auth_publickey("root", paramiko.Ed25519Key.from_private_key_file(str(mallory(world).key)))
        finally:
            transport.close()


@pytest.mark.row("A2")
@pytest.mark.parametrize("guess, source", [(guess_with_ssh, "127.0.0.9"), (guess_with_paramiko, "127.0.0.10")])
def test_guessing_at_root_ends_before_any_key_exchange(own_world, guess, source):
    world, gateway = own_world, own_world.gateway
    doorway = Doorway(behind=world.target("web").port)
    access = world.access()
    access["target"][0]["address"] = f"127.0.0.1:{doorway.port}"
    gateway.apply(access, "--prune")
    try:
        guess(world, source)
        assert not penalised(gateway, f"{source}/32"), "one connection is not an attack yet"
        for _ in range(5):  # two, unless the machine takes seconds for each
            guess(world, source)
            if any(one["enforced"] for one in penalties(gateway)):
                break
        record = wait_until(lambda: penalised(gateway, f"{source}/32"), "the audit record of a penalty")[0]
        assert (record["source"], record["outcome"]) == (source, "refused") and "root" in record["reason"], record
        # The right key from there is turned away, too: nothing was exchanged that could tell.
        for _ in range(3):
            done = world.alice.ssh("-vvv", "-b", source, world.place(), "true")
            assert done.status == 255 and "Not allowed at this time" in done.err, done.err[-2000:]
            assert "SSH2_MSG_KEXINIT received" not in done.err and "expecting SSH2_MSG_KEX_ECDH_REPLY" not in done.err
        assert len(penalised(gateway, f"{source}/32")) == 1, "a penalty is written down once"
        listed = penalties(gateway)
        assert [(one["network"], one["enforced"]) for one in listed] == [(f"{source}/32", True)], listed
        assert 0 < listed[0]["seconds_left"] <= 20
        assert doorway.knocks == 0, "guessing reached a target"
        # Everybody else gets in as ever.
        assert world.alice.ssh("-b", "127.0.0.11", world.place(), "echo in").ok().out == b"in\n"
    finally:
        doorway.close()


def test_a_refused_key_costs_time_and_time_forgives(own_world):
    world, gateway = own_world, own_world.gateway
    configure(gateway, ssh__penalties={"auth_fail": "6s", "min": "0"})
    done = mallory(world).ssh("-b", "127.0.0.12", world.place(), "true")
    assert "Permission denied" in done.err, done.err
    wait_until(lambda: penalised(gateway, "127.0.0.12/32"), "the audit record of a penalty")
    assert "Not allowed at this time" in world.alice.ssh("-b", "127.0.0.12", world.place(), "true").err
    wait_until(lambda: world.alice.ssh("-b", "127.0.0.12", world.place(), "true").status == 0, "the end of the penalty")
    assert penalties(gateway) == []
    # Whoever signs in after some refused keys has done nothing wrong.
    keys = [mallory(world, f"old{number}").key for number in range(3)]
    for _ in range(4):
        world.alice.ssh("-b", "127.0.0.12", *[f"-oIdentityFile={key}" for key in keys], world.place(), "true").ok()
    assert penalties(gateway) == []


def test_who_does_not_sign_in_at_all(own_world):
    """Connections that wait for the gateway to give up, and such that come and go."""
    gateway = own_world.gateway
    configure(gateway, ssh={"listen": [f"127.0.0.1:{gateway.port}"], "login_grace": "1s"},
              ssh__penalties={"grace_exceeded": "8s", "no_auth": "2s", "min": "5s"})
    with connect(gateway, "127.0.0.13") as silent:
        while silent.recv(4096):
            pass
    record = wait_until(lambda: penalised(gateway, "127.0.0.13/32"), "the penalty of a silent one")[0]
    assert "time allowed" in record["reason"]
    for _ in range(8):
        connect(gateway, "127.0.0.14").close()
    record = wait_until(lambda: penalised(gateway, "127.0.0.14/32"), "the penalty of a knocker")[0]
    assert "without trying" in record["reason"]


def test_a_sweep_of_addresses_is_bounded_and_disturbs_nobody(own_world):
    world, gateway = own_world, own_world.gateway
    configure(gateway, ssh__penalties={"no_auth": "60s", "min": "0", "max_sources": 50})
    with world.alice.start(world.place(), "echo here; cat") as client:
        assert client.stdout.readline() == b"here\n"
        for number in range(300):
            with socket.create_connection(("127.0.0.1", gateway.port), source_address=(f"127.3.{number // 100}.{number % 100 + 1}", 0)):
                pass
            if number % 100 == 0:
                client.stdin.write(b"%d\n" % number)
                client.stdin.flush()
                assert client.stdout.readline() == b"%d\n" % number
        wait_until(lambda: len(penalties(gateway)) == 50, "as many penalties as there is room for")
        client.stdin.close()
        assert client.wait(20 * PATIENCE) == 0
    # They come from different networks, so that each begins a penalty of its own; the store takes so many a second.
    seconds = [record["time"][:19] for record in gateway.audit() if record["kind"] == "source.penalised"]
    assert seconds and all(seconds.count(second) <= 100 for second in set(seconds))


def test_connections_on_their_way_are_bounded(own_world):
    world, gateway = own_world, own_world.gateway
    configure(gateway, ssh__startups={"drop_from": 4, "drop_percent": 100, "most": 4, "most_per_source": 3},
              ssh__penalties={"max": "0"})
    with world.alice.start(world.place(), "echo here; cat") as client:
        assert client.stdout.readline() == b"here\n"
        waiting = [connect(gateway, "127.0.0.15") for _ in range(3)]
        done = world.alice.ssh("-b", "127.0.0.15", world.place(), "true")
        assert "too many connections from your network" in done.err, done.err
        assert world.alice.ssh("-b", "127.0.0.16", world.place(), "echo in").ok().out == b"in\n"
        waiting.append(connect(gateway, "127.0.0.16"))
        done = world.alice.ssh("-b", "127.0.0.17", world.place(), "true")
        assert "too many connections are signing in" in done.err, done.err
        client.stdin.write(b"still\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"still\n", "who is signed in is not counted"
        for connection in waiting:
            connection.close()
        wait_until(lambda: world.alice.ssh("-b", "127.0.0.17", world.place(), "true").status == 0, "room for others")
        client.stdin.close()


def test_all_connections_are_bounded(own_world):
    world, gateway = own_world, own_world.gateway
    configure(gateway, ssh={"listen": [f"127.0.0.1:{gateway.port}"], "max_connections": 2})
    with world.alice.start(world.place(), "echo here; cat") as client:
        assert client.stdout.readline() == b"here\n"
        with connect(gateway, "127.0.0.1"):
            assert "as many connections as it may have" in world.alice.ssh(world.place(), "true").err
        wait_until(lambda: world.alice.ssh(world.place(), "true").status == 0, "room for another")
        client.stdin.close()


# --- an unknown user and a wrong key ---

def answers(done, name):
    """What a client tells of the server's answers, without what is of this run."""
    lines = [line.replace(name, "NAME") for line in done.err.splitlines()
             if re.search(r"receive packet: type|can continue|did not accept|administrator|Permission denied|Received disconnect", line)]
    return [re.sub(r"port \d+|@gw", "", line) for line in lines]


@pytest.mark.row("A1")
def test_an_unknown_user_and_a_wrong_key_look_the_same(world):
    client, tap = mallory(world), Tap(world.gateway.port)
    client.server(tap.port, world.gateway.host_key)
    try:
        told, sizes = {}, {}
        for name in (f"alice@{LOGIN}@web", f"malic@{LOGIN}@web", f"alice@{LOGIN}@nix", "alice", "malic", "web"):
            tap.forget()
            done = client.ssh("-vvv", f"{name}@gw", "true")
            assert done.status == 255
            told[name] = answers(done, name)
            sizes[name] = len(tap.seen[0][1].data)
        assert len(told["alice"]) >= 5, told["alice"]
        for name, lines in told.items():
            assert lines == told["alice"], f"{name}: {lines}\nalice: {told['alice']}"
            assert sizes[name] == sizes["alice"], sizes
    finally:
        tap.close()


def answer_times(world, name, key):
    with socket.create_connection(("127.0.0.1", world.gateway.port)) as connection:
        transport = paramiko.Transport(connection)
        try:
            transport.start_client(timeout=20 * PATIENCE)
            taken = []
            for _ in range(5):
                begun = time.perf_counter()
                with pytest.raises(paramiko.AuthenticationException):
                    transport.auth_publickey(name, key)
                taken.append(time.perf_counter() - begun)
            return taken
        finally:
            transport.close()


@pytest.mark.slow
@pytest.mark.row("A1")
def test_an_unknown_user_and_a_wrong_key_take_the_same_time(world):
    """From the signed request to the answer, as a ratio of medians; both kinds take turns, each first as often as the other. A busy
    machine makes a difference now and then, a difference of ours every time."""
    key = paramiko.Ed25519Key.from_private_key_file(str(mallory(world).key))
    names = [f"alice@{LOGIN}@web", f"malic@{LOGIN}@web"]
    ratios = []
    for _ in range(3):
        times = {name: [] for name in names}
        for turn in range(40):
            for name in names if turn % 2 else reversed(names):
                times[name] += answer_times(world, name, key)
        ratios.append(statistics.median(times[names[0]]) / statistics.median(times[names[1]]))
        if 0.85 < ratios[-1] < 1.18:
            return
    raise AssertionError(f"an unknown user is told from a known one by the time: ratios {ratios}")
