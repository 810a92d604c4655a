"""The sealed single file for `ssh-log-cli decrypt` (row E6): opened here by an opener in another language, and what that makes of it."""
import re
import time

import pytest
from cryptography.exceptions import InvalidTag
from evidence import newest
from matrix_clients import in_terminal
from open_sealed import open_ssh_log

CLIENT, TARGET = 0, 1


@pytest.fixture
def pair(world, folder):
    path = folder / "auditor"
    world.gateway.command("keygen", str(path)).ok()
    return path


def exported(world, pair, key):
    """The file as bytes, and what is in it."""
    path = pair.parent / "sshlog"
    world.gateway.command("recordings", "export", key, "--format", "ssh-log", "--to", str(pair.with_suffix(".pub")), "-o", str(path)).ok()
    data = path.read_bytes()
    return data, *open_ssh_log(data, pair.read_text())


def data_of(packets, source, code=None):
    return b"".join(data for of, its_code, _, data in packets if of == source and code in (None, its_code))


@pytest.mark.row("E6")
def test_a_terminal(world, pair):
    before = int(time.time())
    command = "stty size; tty -s && echo 日本語; printf '$ '; read line; echo got $line; exit 7"
    line = ["ssh", "-F", world.alice.config, "-t", world.place(), command]
    assert in_terminal(line, world.alice.environment(TERM="xterm-256color"), (97, 31), b"typed\n").status == 7
    key = newest(world, world.alice)["audit_key"]
    data, metadata, packets, _ = exported(world, pair, key)
    assert set(metadata) == {"started_at", "data_size", "encapsulated_key", "pty", "exit_data"}
    assert before <= metadata["started_at"] <= time.time()
    assert len(bytes.fromhex(metadata["encapsulated_key"])) == 32
    pty, modes = metadata["pty"], dict(metadata["pty"]["modes"])
    assert set(pty) == {"term", "width", "height", "modes"}
    assert (pty["term"], pty["width"], pty["height"]) == ("xterm-256color", 97, 31)
    assert modes["ECHO"] == 1 and modes["VINTR"] == 3 and modes["TTY_OP_OSPEED"] > 0
    exit_data = metadata["exit_data"]
    assert before <= exit_data.pop("timestamp") <= time.time()
    assert exit_data == {"status": 7, "signal": None, "core_dumped": False, "error_msg": None}
    # What the target said is what `play` shows, and what was typed is there, too.
    assert data_of(packets, TARGET) == world.gateway.play(key)
    assert "got typed" in data_of(packets, TARGET).decode() and "日本語" in data_of(packets, TARGET).decode()
    assert data_of(packets, CLIENT) == b"typed\n"
    times = [at for source, _, at, _ in packets if source == TARGET]
    assert times == sorted(times)
    assert metadata["data_size"] == sum(4 + 13 + len(content) for _, _, _, content in packets)
    assert "日本語".encode() not in data and b"typed" not in data


@pytest.mark.row("E6")
def test_a_command(world, pair):
    world.alice.ssh(world.place(), "cat; echo wrong >&2; seq 100000; kill -TERM $$", given=b"to the command\n" * 5000)
    key = newest(world, world.alice)["audit_key"]
    _, metadata, packets, sizes = exported(world, pair, key)
    assert metadata["pty"] is None
    assert metadata["exit_data"]["signal"] == "TERM" and metadata["exit_data"]["status"] is None
    assert data_of(packets, CLIENT) == b"to the command\n" * 5000
    numbers = "".join(f"{n}\n" for n in range(1, 100001)).encode()
    assert data_of(packets, TARGET, 0) == b"to the command\n" * 5000 + numbers
    assert data_of(packets, TARGET, 1) == b"wrong\n"
    assert len(sizes) > 10 and min(sizes) > 0 and max(sizes) < 64 * 1024, "no empty block, and none without a bound"


@pytest.mark.row("E6")
def test_one_channel_of_several(world, pair):
    master = world.alice.folder / "m"
    world.alice.ssh("-o", "ControlMaster=auto", "-o", f"ControlPath={master}", "-o", "ControlPersist=60", world.place(), "echo first").ok()
    world.alice.ssh("-o", f"ControlPath={master}", world.place(), "echo second; exit 3")
    world.alice.ssh("-o", f"ControlPath={master}", "-O", "exit", world.place())
    key = newest(world, world.alice)["audit_key"]
    path = pair.parent / "sshlog"
    for channel in world.gateway.channels(key):
        world.gateway.command("recordings", "export", key, "--format", "ssh-log", "--to", str(pair.with_suffix(".pub")), "-o", str(path),
                              "--channel", str(channel["channel"])).ok()
        metadata, packets, _ = open_ssh_log(path.read_bytes(), pair.read_text())
        assert (metadata["exit_data"]["status"], data_of(packets, TARGET)) in ((0, b"first\n"), (3, b"second\n"))


@pytest.mark.row("E6")
def test_changed_or_for_somebody_else_it_does_not_open(world, pair, folder):
    world.alice.ssh(world.place(), "seq 30000").ok()
    key = newest(world, world.alice)["audit_key"]
    data, _, _, sizes = exported(world, pair, key)
    assert len(sizes) > 3
    other = folder / "other"
    world.gateway.command("keygen", str(other)).ok()
    with pytest.raises(InvalidTag):
        open_ssh_log(data, other.read_text())
    changed = bytearray(data)
    changed[-1] ^= 1
    with pytest.raises(InvalidTag):
        open_ssh_log(bytes(changed), pair.read_text())
    head = 4 + int.from_bytes(data[:4], "big")
    first = 4 + int.from_bytes(data[head:head + 4], "big")
    with pytest.raises(InvalidTag):  # a block is missing
        open_ssh_log(data[:head] + data[head + first:], pair.read_text())


def test_wrong_usage_is_said(world, pair, folder):
    def refused(*arguments):
        done = world.gateway.command("recordings", "export", "2026-11-22_05-16-00_alice", *arguments)
        assert done.status != 0
        return done.err
    assert "--to FILE" in refused("--format", "ssh-log")
    assert "--to is for --format ssh-log" in refused("--to", str(pair))
    world.alice.ssh(world.place(), "true").ok()
    key = newest(world, world.alice)["audit_key"]
    (folder / "text").write_text("not a key")
    done = world.gateway.command("recordings", "export", key, "--format", "ssh-log", "--to", str(folder / "text"),
                                 "-o", str(folder / "out"))
    assert done.status == 1 and re.search("text: an auditor's public key is wanted", done.err), done
    assert not (folder / "out").exists()
