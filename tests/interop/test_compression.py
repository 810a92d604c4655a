"""zlib@openssh.com, on each hop by itself: whoever asks for it gets it, and recordings say what was said, not what was sent."""
import json
import os
import re

import evidence
import pytest
from implementations import DRIVERS, PYTHON
from processes import Daemon, free_port
from targets import LOGIN, make_key
from test_clients import asyncssh_run, login_of, putty_options
from wire_tap import Tap, chosen

pytestmark = pytest.mark.row("C4")
ZLIB = "zlib@openssh.com"
TEXT = b"".join(b"line %06d of a log that says much the same again and again\n" % number for number in range(40000))


def transferred(done):
    sent, received = re.search(r"Transferred: sent (\d+), received (\d+) bytes", done.err).groups()
    return int(sent), int(received)


@pytest.mark.any_server
def test_openssh_compresses_both_ways(world):
    done = world.alice.ssh("-vC", world.place(), "cat", given=TEXT).ok()
    assert done.out == TEXT
    assert done.err.count(f"compression: {ZLIB}") == 2, "not agreed on"
    assert all(count < len(TEXT) / 3 for count in transferred(done)), transferred(done)
    plain = world.alice.ssh("-v", world.place(), "cat", given=TEXT).ok()
    assert plain.out == TEXT and all(count > len(TEXT) for count in transferred(plain)), "compressed although nobody asked for it"


@pytest.mark.any_server
@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr"])
def test_contexts_begin_anew_with_each_exchange(world, cipher):
    payload = TEXT[:800000] + os.urandom(800000) + TEXT[:800000]
    done = world.alice.ssh("-vC", "-o", f"Ciphers={cipher}", "-o", "RekeyLimit=64K", world.place(), "cat", given=payload).ok()
    assert done.out == payload
    assert done.err.count("SSH2_MSG_NEWKEYS received") > 5


@pytest.mark.any_server
@pytest.mark.row("C10")
def test_plink(world):
    done = world.alice.run("plink", "-ssh", "-C", "-v", *putty_options(world), "127.0.0.1", "cat", given=TEXT).ok()
    assert done.out == TEXT
    assert re.search("zlib .*compression", done.err, re.I), done.err


@pytest.fixture
def tapped(world):
    tap = Tap(world.alice.port)
    yield tap
    tap.close()


def agreed(tap):
    return chosen(*tap.hellos())["compression"]


@pytest.mark.any_server
@pytest.mark.row("C10")
def test_dbclient_asks_for_it_by_itself(world, tapped):
    user = world.alice
    done = user.run("dbclient", "-y", "-y", "-i", user.dropbear_key(), "-p", tapped.port, "-l", login_of(world), "127.0.0.1", "cat",
                    given=TEXT).ok()
    assert done.out == TEXT and agreed(tapped) == ZLIB


@pytest.mark.any_server
@pytest.mark.row("C10")
def test_paramiko(world, tapped):
    import paramiko
    transport = paramiko.Transport(("127.0.0.1", tapped.port))
    try:
        transport.use_compression()
        transport.connect(username=login_of(world), pkey=paramiko.Ed25519Key.from_private_key_file(str(world.alice.key)))
        channel = transport.open_session()
        channel.exec_command("cat")
        for half in (TEXT[:300000], TEXT[300000:600000]):
            channel.sendall(half)
            transport.renegotiate_keys()
        channel.shutdown_write()
        assert channel.makefile().read() == TEXT[:600000]
    finally:
        transport.close()
    assert agreed(tapped) == ZLIB


@pytest.mark.any_server
@pytest.mark.row("C10")
def test_asyncssh(world):
    async def use(asyncssh, connection):
        assert connection.get_extra_info("send_compression") == ZLIB
        assert connection.get_extra_info("recv_compression") == ZLIB
        done = await connection.run("cat", input=TEXT, encoding=None)
        assert done.stdout == TEXT
    asyncssh_run(world, use, compression_algs=[ZLIB], rekey_bytes=300000)


@pytest.mark.any_server
@pytest.mark.row("C10")
def test_curl_by_libssh2(world, tapped, folder):
    user = world.alice
    (folder / "there").write_bytes(TEXT)
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{tapped.port} {user.host_key}\n")
    (folder / ".ssh").mkdir()
    (folder / ".ssh/known_hosts").write_text(known.read_text())
    done = user.run("curl", "-sS", "--compressed-ssh", "--key", user.key, "--pubkey", f"{user.key}.pub", "-u", f"{login_of(world)}:",
                    f"sftp://127.0.0.1:{tapped.port}{folder}/there", HOME=str(folder)).ok()
    assert done.out == TEXT and agreed(tapped) == ZLIB


def test_recordings_hold_what_was_said(own_world):
    world = own_world
    world.alice.ssh("-C", world.place(), "cat", given=TEXT).ok()
    (outputs,) = evidence.channel_outputs(world, evidence.newest(world, world.alice)["audit_key"]).values()
    assert outputs == (TEXT, b"")


@pytest.mark.row("C10")
@pytest.mark.parametrize("front", [[], ["-C"]])
def test_target_that_has_nothing_else(own_world, folder, front):
    """Towards targets "none" comes first: the target hop compresses where the target wants nothing else, whatever the front hop does."""
    world, port = own_world, free_port()
    host_key = " ".join(make_key(folder / "host").split()[:2])
    (folder / "authorized").write_text(f"cert-authority {world.gateway.user_ca}\n")
    task = {"port": port, "host_keys": [str(folder / "host")], "authorized": str(folder / "authorized"), "home": str(folder),
            "forced": {"compression": ZLIB}, "rekey": 300000}
    server = Daemon([PYTHON, DRIVERS / "asyncssh_server.py", json.dumps(task)], folder / "server.log")
    tap = Tap(port)
    try:
        server.wait_for_port(port)
        access = world.access()
        access["target"].append({"name": "zip", "address": f"127.0.0.1:{tap.port}", "logins": [LOGIN], "auth": "certificate",
                                 "host_keys": [host_key]})
        world.gateway.apply(access, "--prune")
        done = world.alice.ssh(*front, f"{LOGIN}@zip@gw", "cat", given=TEXT).ok()
        assert done.out == TEXT
        assert agreed(tap) == ZLIB
        ordinary = tap.hellos()[0].offers["compression"]
        assert ordinary == ["none", ZLIB]
    finally:
        tap.close()
        server.kill()


@pytest.mark.slow
def test_idle_compressed_connections_are_small(own_world):
    """What compression adds to a connection that rests: zlib's contexts, and no buffers."""
    world = own_world
    memory = {}
    for options in ([], ["-C"]):
        world.alice.ssh(*options, world.place(), "cat", given=TEXT).ok()  # whatever is made once
        clients = [world.alice.start(*options, world.place(), "cat; head -c 300000 /dev/zero; cat") for _ in range(20)]
        before = world.gateway.daemon.memory_kib()
        for client in clients:
            client.stdin.write(TEXT[:200000])
            client.stdin.flush()
            assert len(client.stdout.read(200000)) == 200000
        memory[bool(options)] = world.gateway.daemon.memory_kib() - before
        for client in clients:
            client.kill()
            client.communicate()
    assert memory[True] - memory[False] < 20 * 256, f"KiB for 20 connections: {memory}"
