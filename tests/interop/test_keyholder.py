"""The keys are apart: what the gateway's process has in its memory, what it may do, and what happens to sessions without a keyholder."""
import os
import signal
import struct
import subprocess

import memory
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from processes import run, wait_until
from world import World

ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="looking into other processes needs root")
UNSANITIZED = pytest.mark.skipif(bool(os.environ.get("SEKISHO_SANITIZED")), reason="a sanitizer's runtime gets less sandbox")


def processes(world):
    """The gateway, its spawner and its keyholder."""
    gateway = world.gateway.daemon.pid
    spawner = memory.children(gateway)["sekisho-spawner"]
    return gateway, spawner, memory.children(spawner)["sekisho-keys"]


# --- what is in whose memory ---

def both_ways(name, number):
    size = (number.bit_length() + 7) // 8
    return {f"{name}, big endian": number.to_bytes(size, "big"), f"{name}, little endian": number.to_bytes(size, "little")}


def secrets(path):
    """The numbers that make the key, and the text of its file."""
    text = path.read_bytes()
    key = serialization.load_ssh_private_key(text, None)
    lines = [line for line in text.splitlines() if not line.startswith(b"-")]
    needles = {"file": lines[len(lines) // 2]}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
        needles["seed"] = key.private_bytes(*raw)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        needles |= both_ways("scalar", key.private_numbers().private_value)
    elif isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        for name in ("p", "q", "d", "dmp1", "dmq1"):
            needles |= both_ways(name, getattr(numbers, name))
    return {f"{path.name}: {name}": needle for name, needle in needles.items()}


@pytest.fixture
def many_keys():
    world = World().start()
    world.gateway.stop()
    keys = [world.folder / f"host_{kind}" for kind in ("ed25519", "rsa", "ecdsa")]
    for path, more in zip(keys, (["-t", "ed25519"], ["-t", "rsa", "-b", "3072"], ["-t", "ecdsa", "-b", "256"]), strict=True):
        run(["ssh-keygen", "-q", "-N", "", "-f", path, *more]).ok()
    world.gateway.configure(ssh={"listen": [f"127.0.0.1:{world.gateway.port}"], "host_keys": [str(path) for path in keys]})
    world.gateway.start()
    try:
        yield world, [*keys, world.gateway.data_dir / "keys/ca_ed25519"]
    finally:
        world.stop()


@ROOT_ONLY
@UNSANITIZED
def test_the_gateway_never_has_a_private_key(many_keys):
    world, keys = many_keys
    gateway, spawner, keyholder = processes(world)
    needles = {}
    for path in keys:
        needles |= secrets(path)
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    kinds = ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256"]
    # Sessions that live while the memory is looked at, and others that come and go.
    live = [world.alice.start(*options, "-o", f"HostKeyAlgorithms={kind}", world.place(), "echo in; cat") for kind in kinds]
    for client in live:
        assert client.stdout.readline() == b"in\n", client.stderr.read()
    coming = [world.alice.start(*options, "-o", f"HostKeyAlgorithms={kind}", world.place(), "true") for kind in kinds * 4]
    in_gateway = memory.found(gateway, needles)
    for client in coming:
        client.communicate()
        assert client.returncode == 0
    in_gateway |= memory.found(gateway, needles)
    for client in live:
        client.communicate()
    assert not in_gateway, "the gateway's memory has parts of private keys"
    assert not memory.found(spawner, needles)
    in_keyholder = memory.found(keyholder, needles)
    for path in keys:
        assert any(name.startswith(path.name) for name in in_keyholder), f"the search does not find {path.name} where it is: {in_keyholder}"


# --- what the processes may do ---

EPERM, EACCES, O_RDWR, O_CREAT, O_DIRECTORY = 1, 13, 2, 0o100, 0o200000


@ROOT_ONLY
@UNSANITIZED
def test_the_gateway_can_do_nothing_else(own_world, folder):
    world = own_world
    gateway, spawner, keyholder = processes(world)
    data = world.gateway.data_dir
    own_file = folder / "mine"
    own_file.write_text("x")
    forbidden = [
        'execve("/bin/true", 0, 0)', "ptrace(16, 1, 0, 0)", "fork()", "unshare(0x10000000)", 'mount("none", "/tmp", "tmpfs", 0, 0)',
        "process_vm_readv(1, 0, 0, 0, 0, 0)", "socket(17, 3, 0)", "personality(0)", "setuid(0)",
        'open("/etc/shadow", 0)', 'open("/etc/passwd", 0)', 'open("/root", 0)', 'open("/proc/1/environ", 0)', f'open("{own_file}", 0)',
        f'open("{data}/keys/ca_ed25519", 0)', f'open("{data}/keys/host_ed25519", 0)', f'open("{data}/new", {O_RDWR | O_CREAT}, 0600)',
        f'open("{folder}/new", {O_RDWR | O_CREAT}, 0600)', f'open("{world.gateway.config_path}", 0)', f'unlink("{own_file}")',
    ]
    permitted = [f'open("{data}/recordings", {O_DIRECTORY})', f'open("{data}/recordings/new", {O_RDWR | O_CREAT}, 0600)',
                 'open("/etc/hosts", 0)', "socket(2, 1, 0)"]
    with world.alice.start(world.place(), "echo in; cat") as client:
        assert client.stdout.readline() == b"in\n"
        for text, (result, error) in zip(forbidden, memory.call(gateway, *forbidden), strict=True):
            assert result == -1 and error in (EPERM, EACCES), f"{text} gave {result}, errno {error}"
        for text, (result, error) in zip(permitted, memory.call(gateway, *permitted), strict=True):
            assert result >= 0, f"{text} gave {result}, errno {error}: the sandbox is closer than the gateway needs"
        for pid in (spawner, keyholder):
            tried = ["socket(2, 1, 0)", f'open("{folder}/new", {O_RDWR | O_CREAT}, 0600)', 'execve("/bin/true", 0, 0)']
            assert all(result == -1 for result, _ in memory.call(pid, *tried)), pid
        # The keyholder makes the CA's next key in its folder, and opens nothing elsewhere.
        assert memory.call(keyholder, f'open("{data}/sekisho.db", 0)', f'open("{data}/recordings/new", {O_RDWR | O_CREAT}, 0600)',
                           'open("/etc/hosts", 0)', f'unlink("{own_file}")') == [(-1, EACCES)] * 4
        client.stdin.write(b"still here\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"still here\n"
    # A process without a sandbox can do it, asked in the same way: the refusals are not the debugger's.
    with subprocess.Popen(["sleep", "60"]) as free:
        assert all(result >= 0 for result, _ in memory.call(free.pid, 'open("/etc/shadow", 0)', "socket(17, 3, 0)", "personality(0)"))
        free.kill()


# --- bounds ---

def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def certificate_request(ahead, principals):
    """A request as src/keyholder/messages.cpp has it, for the key of RFC 8032's first test."""
    key = text("ssh-ed25519") + text(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
    names = struct.pack(">I", len(principals)) + b"".join(text(name) for name in principals)
    body = struct.pack(">QB", 1 << 40, 3) + text(key) + names + text("forged") + struct.pack(">IIII", ahead, 5, 0, 0)
    return text(body)


@ROOT_ONLY
def test_a_refused_certificate_is_in_the_audit(own_world):
    """Sent over the gateway's own link, as a gateway would that somebody has taken over."""
    world = own_world
    gateway, spawner, _ = processes(world)
    with memory.socket_made_by(spawner, gateway) as link:
        link.sendall(certificate_request(3600, ["root"]) + certificate_request(60, []))
    refusals = wait_until(lambda: len(found := [r for r in world.gateway.audit() if r["kind"] == "keyholder.refused"]) == 2 and found,
                          "two audit records of refusals")
    assert all(record["outcome"] == "refused" for record in refusals)
    assert "at most 60 s ahead, and 5 s to 3600 s was asked for" in refusals[0]["reason"]
    assert "without a principal" in refusals[1]["reason"]
    assert world.gateway.daemon.said().count("keyholder.refused") >= 4, "gateway and keyholder each say so in the log, too"
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"
    signed = [record for record in world.gateway.audit() if record["kind"] == "certificate.signed"]
    assert [(record["user"], record["subject"]) for record in signed] == [("alice", f"{world.target('web').login}@web")]


# --- death and restart ---

def test_without_a_keyholder_sessions_live_and_new_ones_are_refused(own_world):
    world = own_world
    _, spawner, keyholder = processes(world)
    with world.alice.start(world.place(), "echo live; cat") as client:
        assert client.stdout.readline() == b"live\n"
        os.kill(spawner, signal.SIGSTOP)
        try:
            os.kill(keyholder, signal.SIGKILL)
            refused = world.alice.ssh(world.place(), "echo in")
            assert refused.status == 255 and refused.out == b""
            assert "the gateway cannot sign just now; try again in a moment" in refused.err, refused.err
            records = wait_until(lambda: [r for r in world.gateway.audit() if r["kind"] == "signature.failed"], "the audit record")
            assert records[0]["outcome"] == "failed" and "keyholder" in records[0]["reason"], records
            client.stdin.write(b"still here\n")
            client.stdin.flush()
            assert client.stdout.readline() == b"still here\n"
        finally:
            os.kill(spawner, signal.SIGCONT)
        wait_until(lambda: "keyholder.started" in world.gateway.daemon.said(), "another keyholder")
        assert world.alice.ssh(world.place(), "echo again").ok().out == b"again\n"
        client.stdin.write(b"and here\n")
        client.stdin.close()
        assert client.stdout.read() == b"and here\n"
        assert client.wait(20) == 0
    kinds = [record["kind"] for record in world.gateway.audit()]
    assert kinds.index("keyholder.end") < kinds.index("keyholder.start")
    assert processes(world)[2] != keyholder


def gone(pid):
    """Also when nobody has waited for it."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_killed_gateway_takes_its_processes_along(own_world):
    world = own_world
    _, spawner, keyholder = processes(world)
    world.gateway.kill()
    wait_until(lambda: gone(spawner) and gone(keyholder), "the end of spawner and keyholder")
    world.gateway.start()
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_for_all_processes_is_a_goodbye(own_world, number):
    """Ctrl-C in a terminal, or systemd's stop: the keyholder stays until the gateway is done."""
    world = own_world
    _, spawner, keyholder = processes(world)
    client = world.alice.start("-tt", world.place(), "echo in; cat")
    assert client.stdout.readline()
    os.killpg(world.gateway.daemon.pid, number)
    out, err = client.communicate(timeout=20)
    assert "going down" in (out + err).decode(errors="replace")
    assert world.gateway.daemon.process.wait(20) == 0
    assert gone(spawner) and gone(keyholder)
    # Nobody listens any more: read from the store.
    counted = [record["reason"] for record in world.gateway.audit() if record["kind"] == "keyholder.signed"]
    assert counted and int(counted[0].split()[0]) >= 1, "signatures in key exchanges are not counted in the audit"


def test_a_key_that_cannot_be_read_is_an_error_at_the_start(make_gateway):
    gateway = make_gateway()
    (gateway.data_dir / "keys/ca_ed25519").chmod(0o644)
    done = gateway.command("serve")
    assert done.status == 1 and "CA key" in done.err and "0600" in done.err, done


def test_the_configuration_may_be_replaced_by_another_file(own_world):
    """As editors and configuration tools do. The sandbox does not let the gateway open it: the spawner does."""
    world = own_world
    other = world.gateway.config_path.with_suffix(".new")
    other.write_text(world.gateway.config_path.read_text().replace('on_failure = "refuse"', 'on_failure = "end"'))
    other.rename(world.gateway.config_path)
    world.gateway.reload()
    assert "gateway.reloaded" in world.gateway.daemon.said()
