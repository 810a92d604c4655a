"""Live sessions are watched as they happen, with nothing sent to them (row F6): stock ssh in a terminal is what is watched."""
import base64
import json
import os
import select
import signal
import statistics
import subprocess
import time

import pytest
from processes import wait_until
from terminal import Terminal
from world import World

pytestmark = pytest.mark.row("F6")


class Watcher:
    """`sessions watch --json`, read with the time of each line."""

    def __init__(self, world, session, *arguments, json_lines=True):
        env = {**os.environ, "SEKISHO_CONFIG": str(world.gateway.config_path), "NO_COLOR": "1"}
        extra = ["--json"] if json_lines else []
        self.process = subprocess.Popen([world.gateway.program, "sessions", "watch", session, *extra, *arguments], env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._rest = b""

    def lines(self, timeout):
        """What comes next, as (time, event); nothing after `timeout` seconds."""
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        if not ready:
            return []
        now = time.monotonic()
        self._rest += os.read(self.process.stdout.fileno(), 1 << 20)
        *whole, self._rest = self._rest.split(b"\n")
        return [(now, json.loads(line)) for line in whole]

    def until(self, wanted, timeout=20):
        """Events up to the first that `wanted` holds of."""
        events, end = [], time.monotonic() + timeout
        while time.monotonic() < end:
            for when, event in self.lines(1):
                events.append((when, event))
                if wanted(event):
                    return events
        raise AssertionError(f"not seen within {timeout} s: {[event for _, event in events][-5:]}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def output(event):
    return base64.b64decode(event["data"]) if event["event"] == "output" else b""


def live(world, user):
    rows = wait_until(lambda: [row for row in world.gateway.listing("sessions", "ls", "--live") if row["user"] == user.name],
                      f"a live session of {user.name}")
    return rows[0]["id"]


@pytest.fixture
def typing(own_world, folder):
    """alice in a terminal on the target, and her session's id."""
    world = own_world
    terminal = Terminal(folder,
                        f"exec ssh -F {world.alice.config} -t {world.place()} \"PS1='here> ' sh -i\"", env=world.alice.environment())
    terminal.wait_for("here> ")
    yield world, terminal, live(world, world.alice)
    terminal.close()


def test_keys_are_seen_at_once(typing):
    world, terminal, session = typing
    watcher = Watcher(world, session)
    try:
        first = watcher.until(lambda event: event["event"] == "channel")[-1][1]
        assert first["terminal"] and (first["columns"], first["rows"]) == (80, 24) and first["bytes"] > 0
        terminal.line("stty -echo; while read -r word; do printf '<%s>' $word; done")
        delays = []
        for number in range(50):
            sent = time.monotonic()
            terminal.line(f"k{number}")
            seen = watcher.until(lambda event, mark=f"<k{number}>".encode(): mark in output(event))[-1][0]
            delays.append((seen - sent) * 1000)
        print(f"typed to seen by the watcher, tmux and ssh in it: median {statistics.median(delays):.1f} ms, worst {max(delays):.1f} ms")
        assert statistics.median(delays) < 200
    finally:
        watcher.close()
    records = [row for row in world.gateway.audit() if row["kind"] == "session.watched"]
    assert records[-1]["session"] == session and records[-1]["source"].startswith("uid ")


def test_begins_with_what_was_on_the_screen_and_sends_nothing(typing, folder):
    world, terminal, session = typing
    terminal.line("echo before-anybody-looked")
    terminal.wait_for("\nbefore-anybody-looked")
    counted = json.loads(world.gateway.command("sessions", "show", "--json", session).ok().text)["bytes_in"]
    second = Terminal(folder, f"SEKISHO_CONFIG={world.gateway.config_path} {world.gateway.program} sessions watch {session}")
    try:
        second.wait_for("\nbefore-anybody-looked")
        second.line("typed by who watches")
        terminal.line("echo while-somebody-looks")
        second.wait_for("\nwhile-somebody-looks")
        assert "typed by who watches" not in terminal.screen()
        now = json.loads(world.gateway.command("sessions", "show", "--json", session).ok().text)["bytes_in"]
        assert now - counted == len("echo while-somebody-looks\r")
        second.key("C-c")
        assert second.exit_status() == 0
    finally:
        second.close()
    terminal.line("echo still-here")
    terminal.wait_for("\nstill-here")


def test_a_watcher_who_stops_reading_slows_nobody(own_world):
    world = own_world
    count = 60_000_000
    user = world.alice.start(world.place(), f"read -r go; head -c {count} /dev/zero; read -r end", stderr=None)
    watcher = Watcher(world, live(world, world.alice))
    try:
        watcher.until(lambda event: event["event"] == "channel")
        os.kill(watcher.process.pid, signal.SIGSTOP)
        user.stdin.write(b"go\n")
        user.stdin.flush()
        got, end = 0, time.monotonic() + 60
        while got < count and time.monotonic() < end:
            got += len(os.read(user.stdout.fileno(), 1 << 20))
        assert got == count
        os.kill(watcher.process.pid, signal.SIGCONT)
        user.stdin.write(b"end\n")
        user.stdin.close()
        seen = watcher.until(lambda event: event["event"] == "end")
        left_out = sum(event["bytes"] for _, event in seen if event["event"] == "skipped")
        shown = sum(len(output(event)) for _, event in seen)
        assert left_out > count / 2 and left_out + shown == count
        assert user.wait(20) == 0
    finally:
        watcher.close()
        user.kill()
        user.wait()
        user.stdout.close()


def test_ends_with_the_session_and_its_user_is_told(typing):
    world, terminal, session = typing
    watcher = Watcher(world, session)
    try:
        watcher.until(lambda event: event["event"] == "channel")
        world.gateway.command("sessions", "end", session, "--reason", "maintenance at noon").ok()
        seen = watcher.until(lambda event: event["event"] == "end")
        assert "maintenance at noon" in seen[-1][1]["reason"]
        assert any(b"maintenance at noon" in output(event) for _, event in seen)
        assert watcher.process.wait(20) == 0
        terminal.wait_for("maintenance at noon")
    finally:
        watcher.close()
    gone = world.gateway.command("sessions", "watch", session)
    assert gone.status == 1 and "no live session" in gone.err, gone


def test_what_is_not_recorded_in_full_is_not_shown(own_world):
    world = own_world
    user = world.meta.start(world.place(), "read -r go; echo unseen; read -r end", stderr=None)
    watcher = Watcher(world, live(world, world.meta))
    try:
        watcher.until(lambda event: event["event"] == "session")
        user.stdin.write(b"go\n")
        user.stdin.flush()
        assert user.stdout.readline() == b"unseen\n"
        user.stdin.write(b"end\n")
        user.stdin.close()
        assert [event["event"] for _, event in watcher.until(lambda event: event["event"] == "end")] == ["end"]
    finally:
        watcher.close()
        user.wait(20)
        user.stdout.close()


def test_the_configuration_says_who_may():
    world = World(config={"admin": {"watch": "nobody"}})
    try:
        world.start()
        user = world.alice.start(world.place(), "read -r end", stdout=None, stderr=None)
        done = world.gateway.command("sessions", "watch", live(world, world.alice))
        assert done.status == 1 and "admin.watch lets nobody watch" in done.err, done
        user.stdin.close()
        user.wait(20)
    finally:
        world.stop()
