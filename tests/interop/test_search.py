"""Commands and sessions that auditors look for: what stock clients ran is found, by whoever may look, as far as the rules let it."""
import json

import pytest
from world import World

PHRASE = "障害報告書"


def found(world, *arguments):
    return json.loads(world.gateway.command("recordings", "search", "--json", *arguments).ok().text)


def commands(world, *arguments):
    return [hit["text"] for hit in found(world, *arguments)["hits"] if hit["kind"] == "command"]


@pytest.fixture(scope="module")
def busy(world):
    """Three commands of alice's, and one of meta's, of whose sessions no contents are kept."""
    for command in ("echo needle-one /var/log", f"echo {PHRASE}.txt", "true  needle-two"):
        world.alice.ssh(world.place(), command).ok()
    world.meta.ssh(world.place(), "echo needle-three").ok()
    return world


@pytest.mark.row("E6", "F6")
def test_commands_are_found_across_sessions(busy):
    assert commands(busy, "needle") == ["true  needle-two", "echo needle-one /var/log"]
    assert commands(busy, "needle", "VAR/LOG") == ["echo needle-one /var/log"]
    assert commands(busy, PHRASE[:2]) == commands(busy, PHRASE) == [f"echo {PHRASE}.txt"]
    assert commands(busy, "needle", "--user", "meta") == []
    assert commands(busy, "--command", "needle", "--most", "1") == ["true  needle-two"]
    place = busy.place().rsplit("@", 1)[0]
    assert len(commands(busy, "needle", "--since", "1h", "--from-address", "127.0.0.1", "--target", place, "--user", "alice")) == 2
    assert commands(busy, "needle", "--until", "1h") == commands(busy, "no such needle") == []


@pytest.mark.row("E5", "F6")
def test_a_hit_leads_to_its_session_and_recording(busy):
    hit = found(busy, "needle-one")["hits"][0]
    assert (hit["user"], hit["how"], hit["source"]) == ("alice", "exec", "127.0.0.1")
    shown = json.loads(busy.gateway.command("sessions", "show", "--json", hit["audit_key"]).ok().text)
    assert shown["id"] == hit["session"]
    assert b"needle-one /var/log" in busy.gateway.play(hit["audit_key"])
    table = busy.gateway.command("recordings", "search", "needle-one").ok().text
    assert "echo needle-one /var/log" in table and hit["audit_key"] in table


@pytest.mark.row("E5")
def test_sessions_are_found_by_what_is_known_of_them(busy):
    rows = busy.gateway.listing("sessions", "ls", "openssh", "--user", "meta", "--since", "1h", "--from-address", "127.0.0.1")
    assert rows and {row["user"] for row in rows} == {"meta"}
    assert busy.gateway.listing("sessions", "ls", "--until", "2000-01-01") == []
    wrong = busy.gateway.command("sessions", "ls", "--since", "yesterday")
    assert wrong.status == 1 and "how long ago" in wrong.err, wrong
    assert {row["user"] for row in found(busy, "meta")["sessions"]} == {"meta"}


@pytest.mark.row("E5")
def test_whoever_searches_is_in_the_audit(busy):
    commands(busy, "needle-nobody-else-sought")
    last = [row for row in busy.gateway.audit() if row["kind"] == "recordings.searched"][-1]
    assert "needle-nobody-else-sought" in last["subject"] and last["source"].startswith("uid ")


@pytest.mark.row("E6", "F6")
def test_the_rule_says_what_is_found(tmp_path_factory):
    """Of sealed recordings nothing is found, but what a rule names."""
    world = World()
    maker = tmp_path_factory.mktemp("auditor") / "auditor"
    from gateway import Gateway
    Gateway(maker.parent / "maker").command("keygen", str(maker)).ok()
    world.config = {"recording": {"seal_to": [maker.with_suffix(".pub").read_text()]}}
    try:
        world.start()
        world.alice.ssh(world.place(), "echo sealed-needle").ok()
        assert commands(world, "needle") == []
        rule = world.gateway.listing("rule", "ls")[0]["name"]
        world.gateway.command("rule", "set", rule, "index=commands").ok()
        world.alice.ssh(world.place(), "echo named-needle").ok()
        assert commands(world, "needle") == ["echo named-needle"]
        world.gateway.command("rule", "set", rule, "index=none").ok()
        world.alice.ssh(world.place(), "echo hidden-needle").ok()
        assert commands(world, "needle") == ["echo named-needle"]
    finally:
        world.stop()
