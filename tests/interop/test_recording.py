"""The evidence: replay, export, what is left after a kill, and what happens when the disk is full."""
import json
import os
import re
import time

import evidence
import pytest
import scenarios
from processes import run, wait_until
from targets import LOGIN
from world import World

TEXT = "全角の文字 and é, ж, 🙂\n"


def typed_session(world, user, commands, folder=None):
    """A shell with a terminal, driven through pipes, so that stdout holds the channel's bytes and nothing else."""
    with user.start("-tt", world.place()) as client:
        out, err = client.communicate(commands.encode(), timeout=60)
    return client.returncode, out, err.decode(errors="replace")


@pytest.mark.row("B1", "B7")
def test_an_interactive_session_replays_to_the_byte(own_world):
    world = own_world
    commands = f"printf '{TEXT}'; printf '\\033[31mred\\033[0m\\n'; head -c 100000 /dev/urandom | od | tail -n 50\nexit 4\n"
    status, out, _ = typed_session(world, world.alice, commands)
    assert status == 4
    key = evidence.audit_key_in(out.decode(errors="replace"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_alice(\+\d+)?", key)
    assert [entry["audit_key"] for entry in evidence.finished_recordings(world, world.alice)] == [key]
    played = world.gateway.play(key)
    notice = out[:len(out) - len(played)]
    assert out == notice + played, "the replay differs from what the user saw"
    assert b"AUDIT KEY" in notice or b"AUDIT KEY" in played
    assert TEXT.strip().encode() in played and b"\033[31mred" in played


@pytest.mark.row("B1")
def test_audit_keys_of_one_second_differ(own_world):
    world = own_world
    clients = [world.alice.start(world.place(), "true") for _ in range(6)]
    assert [client.wait(30) for client in clients] == [0] * 6
    for client in clients:
        client.communicate()
    keys = [entry["audit_key"] for entry in evidence.finished_recordings(world, world.alice)]
    assert len(set(keys)) == 6, keys


@pytest.mark.row("E7", "B7")
@pytest.mark.slow
def test_every_daily_use_is_recorded_and_replays_to_the_byte(own_world, folder):
    """What `make demo` does, with a smaller tree."""
    world = own_world
    for number, (_, scenario) in enumerate(scenarios.ALL):
        (folder / str(number)).mkdir()
        more = {"files": 500} if scenario is scenarios.rsync_tree else {}
        scenario(world, world.alice, folder / str(number), **more)
    compared, total = evidence.compare(world, world.alice)
    assert compared >= 20 and total > 8 << 20


def test_exec_streams_are_recorded_apart(own_world):
    world = own_world
    world.alice.ssh(world.place(), "echo to stdout; echo to stderr >&2; exit 7")
    (outputs,) = evidence.channel_outputs(world, evidence.newest(world, world.alice)["audit_key"]).values()
    assert outputs == (b"to stdout\n", b"to stderr\n")
    (channel,) = world.gateway.channels(evidence.newest(world, world.alice)["audit_key"])
    assert (channel["started"], channel["exit"], channel["ended"], channel["terminal"]) == ("exec", "7", True, False), channel
    assert channel["command"] == "echo to stdout; echo to stderr >&2; exit 7"


@pytest.mark.row("B7")
def test_scriptreplay_accepts_the_export(own_world, folder):
    world = own_world
    _, out, _ = typed_session(world, world.alice, f"printf '{TEXT}'; sleep 1; printf '\\343\\201'; sleep 0.3; printf '\\202\\n'; exit\n")
    key = evidence.newest(world, world.alice)["audit_key"]
    data, timing = world.gateway.export(key, "script", folder / "exported")
    done = run(["scriptreplay", "--timing", timing, data, "--maxdelay", "0.05"]).ok()
    assert world.gateway.play(key).strip() in done.out.replace(b"\n\n", b"\n") or done.out.strip() == world.gateway.play(key).strip()
    assert TEXT.strip().encode() in done.out and "あ".encode() in done.out
    delays = [float(line.split()[0]) for line in timing.read_text().splitlines()]
    assert 1.2 <= sum(delays) < 30 and sum(int(line.split()[1]) for line in timing.read_text().splitlines()) <= data.stat().st_size


@pytest.mark.row("B7")
@pytest.mark.parametrize("version", [2, 3])
def test_asciicast_export(own_world, folder, version):
    world = own_world
    typed_session(world, world.alice, f"stty cols 80; printf '{TEXT}'; printf '\\343\\201'; sleep 0.3; printf '\\202\\n'; exit\n")
    key = evidence.newest(world, world.alice)["audit_key"]
    (cast,) = world.gateway.export(key, f"asciicast-v{version}", folder / "exported")
    lines = cast.read_text(encoding="utf-8").splitlines()
    header = json.loads(lines[0])
    assert header["version"] == version
    events = [json.loads(line) for line in lines[1:] if not line.startswith("#")]
    text = "".join(event[2] for event in events if event[1] == "o")
    assert text.encode() == world.gateway.play(key), "the cast's text differs from the replay"
    assert TEXT.strip() in text and "あ" in text and "\ufffd" not in text
    if version == 2:
        assert header["width"] > 0 and header["height"] > 0
        times = [event[0] for event in events]
        assert times == sorted(times)
        env = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
        shown = run(["script", "-qec", f"asciinema cat {cast}", "/dev/null"], env=env).ok().text  # it wants a terminal of its own
        assert re.sub("\r+\n", "\n", shown).strip() == text.replace("\r\n", "\n").strip()
        played = run(["script", "-qec", f"asciinema play -s 1000 -i 0.01 {cast}", "/dev/null"], env=env)
        assert played.status == 0 and "全角の文字" in played.text, played
    else:
        assert header["term"]["cols"] > 0 and header["term"]["rows"] > 0
        assert all(event[0] >= 0 for event in events) and sum(event[0] for event in events) >= 0.2


def test_play_paces_and_caps_pauses(own_world):
    world = own_world
    typed_session(world, world.alice, "echo one; sleep 3; echo two; exit\n")
    key = evidence.newest(world, world.alice)["audit_key"]
    begin = time.monotonic()
    world.gateway.command("recordings", "play", key, "--max-pause", "0.2").ok()
    capped = time.monotonic() - begin
    begin = time.monotonic()
    world.gateway.command("recordings", "play", key, "--speed", "2", "--max-pause", "60").ok()
    doubled = time.monotonic() - begin
    assert capped < 2.5, f"pauses were not capped: {capped:.1f} s"
    assert 1.4 < doubled < 3.5, f"twice the speed took {doubled:.1f} s"


@pytest.mark.row("B3")
def test_recordings_are_private(own_world):
    world = own_world
    world.alice.ssh(world.place(), "true").ok()
    entry = evidence.newest(world, world.alice)
    files = [path for path in (world.gateway.data_dir / "recordings").rglob("*") if entry["audit_key"] in path.name]
    assert files and all(path.stat().st_mode & 0o077 == 0 for path in files)


def test_a_killed_gateway_leaves_a_readable_recording(own_world):
    """Up to at most a second before the kill; marked as cut; the next session works."""
    world = own_world
    client = world.alice.start("-tt", world.place(), "while :; do date +%s.%N; sleep 0.05; done")
    for _ in range(60):
        client.stdout.readline()
    key = next(entry["audit_key"] for entry in world.gateway.recordings() if entry["user"] == "alice")
    world.gateway.kill()
    killed = time.time()
    assert client.wait(20) == 255
    client.communicate()
    world.gateway.start()
    entry = next(entry for entry in evidence.finished_recordings(world, world.alice) if entry["audit_key"] == key)
    assert entry["state"] == "cut", entry
    stamps = re.findall(rb"\d{10}\.\d{9}", world.gateway.play(key))
    assert len(stamps) > 30
    lost = killed - float(stamps[-1])
    assert lost <= 1.0, f"the last {lost:.2f} s before the kill are missing"
    assert world.alice.ssh(world.place(), "echo next").ok().out == b"next\n"
    assert all(session.get("finished") for session in world.gateway.sessions()), "the killed session still counts as live"


@pytest.mark.row("E5")
def test_metadata_recordings_hold_no_contents(own_world):
    world = own_world
    world.meta.ssh(world.place(), "echo con''fidential").ok()
    entry = evidence.newest(world, world.meta)
    assert b"confidential" not in world.gateway.play(entry["audit_key"])


@pytest.mark.row("F3")
def test_forwards_are_recorded(own_world, folder):
    world = own_world
    scenarios.netcat_mode(world, world.alice, folder)
    evidence.finished_recordings(world, world.alice)
    channels = [channel for entry in world.gateway.recordings() for channel in world.gateway.channels(entry["audit_key"])]
    (forward,) = [channel for channel in channels if channel["destination"] == f"127.0.0.1:{world.echo.port}"]
    assert forward["type"] == "direct-tcpip"
    assert (forward["bytes"]["input"], forward["bytes"]["output"]) == (12, 12), forward


# --- the disk is full ---

@pytest.fixture(params=["refuse", "end", "alarm"])
def small_disk(request):
    """A world whose recordings lie on a file system of 8 MiB."""
    if os.getuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    world = World().start()
    world.on_failure = request.param
    world.gateway.stop()
    place = world.gateway.data_dir / "recordings"
    place.mkdir(exist_ok=True)
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", place])
    if mounted.status != 0:
        world.stop()
        pytest.skip(f"no tmpfs can be mounted here: {mounted.err}")
    world.gateway.configure(recording={"on_failure": request.param})
    world.gateway.start()
    yield world
    try:
        world.gateway.stop()
    finally:
        run(["umount", "-l", place])
        world.stop()


NOISE = "while :; do head -c 200000 /dev/urandom; echo; date +%s; sleep 0.02; done"


@pytest.mark.row("F5")
def test_full_disk(small_disk):
    world, place = small_disk, small_disk.gateway.data_dir / "recordings"
    audit = lambda: json.dumps(world.gateway.audit())  # noqa: E731
    if world.on_failure == "refuse":
        with open(place / "filler", "wb") as filler:
            try:
                while True:
                    filler.write(b"x" * 65536)
                    filler.flush()
            except OSError:
                pass
        done = world.alice.ssh(world.place(), "echo in")
        assert done.status != 0 and done.out == b"", done
        assert re.search("record", done.err, re.I), f"the user does not hear why: {done.err}"
        assert "recording.failed" in audit()
        (place / "filler").unlink()
        assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"
        return
    client = world.alice.start(world.place(), NOISE)
    received = 0
    while received < (24 << 20) and (data := client.stdout.read1(1 << 20)):
        received += len(data)
    if world.on_failure == "end":
        assert received < (24 << 20), "the session went on although its recording could not"
        assert client.wait(30) != 0
        assert re.search("record", client.stderr.read().decode(errors="replace"), re.I)
        assert "recording.failed" in audit()
    else:
        assert received >= (24 << 20), f"the session ended after {received} bytes: {client.stderr.read()[-500:]}"
        client.terminate()
        client.communicate()
        wait_until(lambda: "recording.failed" in audit(), "the audit record of the alarm")
        assert re.search("record", world.gateway.daemon.said(), re.I)
    assert world.gateway.daemon.alive()


def test_nothing_of_the_gateway_is_reachable(world):
    """The gateway itself offers no shell, no command and no files."""
    for arguments in (("-tt", "alice@gw", "id"), ("alice@gw", "cat /etc/passwd"), ("-s", "alice@gw", "sftp")):
        done = world.alice.ssh(*arguments, given=b"")
        assert done.status != 0, done
        assert b"root:" not in done.out and b"uid=" not in done.out


def test_login_is_the_callers(world):
    assert world.alice.ssh(world.place(), "id -un").ok().text.strip() == LOGIN
