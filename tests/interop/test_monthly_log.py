"""The monthly log of row A5, and the session log of row E5."""
import re
import time

import pytest
from processes import wait_until


@pytest.mark.row("A5")
def test_start_and_finish_lines(own_world):
    world = own_world
    world.alice.ssh(world.place(), "true").ok()
    path = world.gateway.folder / "monthly" / time.strftime("sshfw-%Y%m.log")
    wait_until(lambda: path.exists() and "FINISH" in path.read_text(), f"a FINISH line in {path}")
    lines = path.read_text().splitlines()
    assert len(lines) == 2, lines
    stamp = r"\[\d\d/\d\d \d\d:\d\d:\d\d\]"
    assert re.fullmatch(stamp + r" alice rhost=127\.0\.0\.1 START", lines[0]), lines
    assert re.fullmatch(stamp + r" alice rhost=127\.0\.0\.1 FINISH", lines[1]), lines


@pytest.mark.row("A5", "A1")
def test_only_sessions_are_logged(own_world, folder):
    from clients import Clients
    world = own_world
    stranger = Clients(folder, "mallory", world.gateway.port, world.gateway.host_key)
    assert stranger.ssh(world.place(), "true").status != 0
    world.alice.ssh(world.place(), "true").ok()
    path = world.gateway.folder / "monthly" / time.strftime("sshfw-%Y%m.log")
    wait_until(lambda: path.exists() and "FINISH" in path.read_text(), f"a FINISH line in {path}")
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.row("E5")
def test_session_listing(own_world):
    world = own_world
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"

    def finished():
        return [session for session in world.gateway.sessions() if session["user"] == "alice" and session.get("finished")]
    session = wait_until(finished, "the finished session in the listing")[0]
    assert session["source"].startswith("127.0.0.1")
    assert session["target"] == f"{world.target('web').login}@web"
    assert "OpenSSH" in session["client"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_alice(\+\d+)?", session["audit_key"])
    with world.alice.start(world.place(), "echo live; cat") as client:
        assert client.stdout.readline() == b"live\n"
        assert any(not session.get("finished") for session in world.gateway.sessions()), "the live session is not listed"
