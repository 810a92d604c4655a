"""Recordings in the forms of other tools: ZIP files that stock programs open, commands as lines, copies that need no key."""
import io
import json
import subprocess
import zipfile

import pytest
from evidence import newest
from gateway import Gateway
from world import World


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    world = World()
    world.auditor = tmp_path_factory.mktemp("auditor") / "auditor"
    Gateway(world.auditor.parent / "maker").command("keygen", str(world.auditor)).ok()
    world.config = {"recording": {"seal_to": [world.auditor.with_suffix(".pub").read_text()]}}
    try:
        yield world.start()
    finally:
        world.stop()


def exported(world, form, key, *arguments):
    return world.gateway.command("recordings", "export", "--format", form, "-o", "-", *arguments, key).ok().out


@pytest.mark.row("B7", "E6")
def test_zip_of_a_terminal_plays_in_scriptreplay(world, folder):
    world.alice.ssh("-tt", world.place(), "printf 'seen \\033[1m日本語\\033[0m\\n'; sleep 0.2; echo then").ok()
    key = newest(world, world.alice)["audit_key"]
    archive = folder / "session.zip"
    archive.write_bytes(exported(world, "zip", key))
    assert subprocess.run(["/usr/bin/python3", "-m", "zipfile", "-t", str(archive)], capture_output=True, check=True, timeout=60).stdout
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == ["term_data.txt", "term_times.txt"]
        opened.extractall(folder)
    played = subprocess.run(["scriptreplay", "--timing", "term_times.txt", "--maxdelay", "0.01", "term_data.txt"], cwd=folder,
                            capture_output=True, check=True, timeout=60).stdout
    assert played.rstrip(b"\n") == world.gateway.play(key).rstrip(b"\n")
    times = [line.split() for line in (folder / "term_times.txt").read_text().splitlines()]
    assert sum(int(size) for _, size in times) == len(world.gateway.play(key)) and max(float(delay) for delay, _ in times) >= 0.2


@pytest.mark.row("B7", "E6")
def test_zip_of_a_command_has_both_directions(world):
    given = bytes(range(256)) * 500
    done = world.alice.ssh(world.place(), "cat; echo said >&2", given=given).ok()
    with zipfile.ZipFile(io.BytesIO(exported(world, "zip", newest(world, world.alice)["audit_key"]))) as opened:
        assert sorted(opened.namelist()) == ["data_from_client.txt", "data_from_server.txt"]
        assert opened.testzip() is None
        assert opened.read("data_from_client.txt") == given == done.out
        assert sorted(opened.read("data_from_server.txt")) == sorted(given + b"said\n")


@pytest.mark.row("E6")
def test_commands_as_lines(world):
    world.alice.ssh(world.place(), "echo 一行目; true").ok()
    (line,) = exported(world, "commands", newest(world, world.alice)["audit_key"]).splitlines()
    command = json.loads(line)
    assert (command["how"], command["text"], command["target"]) == ("exec", "echo 一行目; true", world.place().rsplit("@", 1)[0])


@pytest.mark.row("E6", "B7")
def test_an_opened_copy_needs_no_key(sealed, folder):
    world = sealed
    world.alice.ssh(world.place(), "head -c 300000 /dev/urandom | base64; echo readable").ok()
    key = newest(world, world.alice)["audit_key"]
    copy = folder / "copy.skr"
    said = world.gateway.command("recordings", "open", key, "--key", world.auditor, "-o", copy).ok().text
    assert "opened copy" in said
    original = world.gateway.command("recordings", "play", "--no-wait", "--key", world.auditor, key).ok()
    opened = world.gateway.command("recordings", "play", "--no-wait", copy).ok()
    assert opened.out == original.out and original.out.endswith(b"readable\n")
    assert "intact" in world.gateway.command("recordings", "verify", copy).ok().text
    data = copy.read_bytes()
    facts = json.loads(data[16 + 64:][:int.from_bytes(data[16 + 16:16 + 20], "big")])
    assert facts["copy_of"]["audit_key"] == key and "seal" not in facts
    assert facts["copy_of"]["chain"] in world.gateway.command("recordings", "verify", key).ok().text
    again = world.gateway.command("recordings", "open", copy, "--key", world.auditor, "-o", folder / "again")
    assert again.status == 1 and "not sealed" in again.err and not (folder / "again").exists()


@pytest.mark.row("E6")
def test_nobody_else_opens_a_copy(sealed, folder):
    stranger = folder / "stranger"
    sealed.gateway.command("keygen", stranger).ok()
    sealed.alice.ssh(sealed.place(), "true").ok()
    key = newest(sealed, sealed.alice)["audit_key"]
    refused = sealed.gateway.command("recordings", "open", key, "--key", stranger, "-o", folder / "copy")
    assert refused.status == 1 and "not sealed to this key" in refused.err and not (folder / "copy").exists()
