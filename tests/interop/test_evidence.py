"""One evidence chain: what stock clients did is signed, chained and all there, and whatever is done to it afterwards is found and named.
A thousand random changes each are made in the unit tests (recording/check_test, evidence/chain_check_test); here some hundred to the files
and rows that a real gateway wrote, through the binary."""
import json
import random
import re
import shutil
import sqlite3

import audit_chain
import pytest
from gateway import Gateway
from processes import wait_until
from world import World

SESSIONS = 6


def signed(gateway):
    """The recordings once all are over and signed."""
    def settled():
        entries = gateway.recordings()
        return entries if entries and all(one["state"] != "live" and one["has_signature"] for one in entries) else None
    return wait_until(settled, "all recordings signed")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """What a gateway left that served some sessions and stopped: its folder, an export, its public key, and the world."""
    world = World()
    try:
        world.start()
        for number in range(SESSIONS):
            world.alice.ssh(world.place(), f"seq {1 + number * 3000}").ok()
        signed(world.gateway)
        assert world.gateway.stop() == 0
        kept = tmp_path_factory.mktemp("kept")
        world.kept = kept
        (kept / "evidence.pub").write_bytes(world.gateway.command("audit", "key").ok().out)
        (kept / "audit.jsonl").write_bytes(world.gateway.command("audit", "export").ok().out)
        shutil.copytree(world.gateway.data_dir / "recordings", kept / "recordings")
        yield world
    finally:
        world.stop()


def offline(folder, *arguments):
    """The binary with nothing but files: there is no data folder, and no gateway."""
    return Gateway(folder / "nowhere").command(*arguments)


@pytest.mark.row("F2")
def test_everything_is_there_signed_and_in_one_chain(evidence):
    gateway = evidence.gateway
    answer = json.loads(gateway.command("verify", "--json").ok().text)
    assert answer["sound"] and not answer["findings"], answer
    assert len(answer["recordings"]) == SESSIONS
    for one in answer["recordings"]:
        assert (one["state"], one["signature"], one["in_audit"]) == ("intact", "signed", True), one
    audit = answer["audit"]
    assert audit["checkpoints"] >= 1 and audit["uncovered"] == 0 and audit["signatures_checked"], audit
    assert "sound: recordings: 6 intact" in gateway.command("recordings", "verify").ok().text
    assert gateway.command("audit", "verify", "--covered", "--expect", audit["head"]).ok().text.startswith("sound: ")
    key = answer["recordings"][0]["audit_key"]
    assert "intact" in gateway.command("recordings", "verify", key).ok().text
    kinds = {record["kind"] for record in gateway.audit()}
    assert {"gateway.start", "session.start", "session.finish", "channel.open", "gateway.stop", "audit.checkpoint"} <= kinds


@pytest.mark.row("F2")
def test_another_implementation_agrees(evidence):
    kept = evidence.kept
    key = audit_chain.public_key((kept / "evidence.pub").read_text())
    assert audit_chain.check_export((kept / "audit.jsonl").read_text(), key) >= 1
    for path in (kept / "recordings").rglob("*.skr"):
        assert audit_chain.check_signed_end(path.read_bytes(), key) >= 1


@pytest.mark.row("F2")
def test_files_and_the_public_key_are_enough(evidence, folder):
    kept = evidence.kept
    key = ["--evidence-key", kept / "evidence.pub"]
    said = offline(folder, "recordings", "verify", kept / "recordings", *key, "--audit", kept / "audit.jsonl").ok().text
    assert "sound: recordings: 6 intact" in said and "not checked" not in said
    assert "sound" in offline(folder, "recordings", "verify", kept / "recordings", *key).ok().text
    one = next((kept / "recordings").rglob("*.skr"))
    assert ", signed, chain" in offline(folder, "recordings", "verify", one, *key).ok().text
    assert "signature not checked" in offline(folder, "recordings", "verify", one).ok().text
    assert "sound" in offline(folder, "audit", "verify", kept / "audit.jsonl", *key).ok().text
    assert "not checked (--evidence-key" in offline(folder, "audit", "verify", kept / "audit.jsonl").ok().text
    stranger = Gateway(folder / "stranger").init().command("audit", "key").ok().text
    (folder / "stranger.pub").write_text(stranger)
    wrong = offline(folder, "recordings", "verify", one, "--evidence-key", folder / "stranger.pub")
    assert wrong.status == 1 and "a key that was not given" in wrong.err
    lines = (kept / "audit.jsonl").read_text().splitlines(True)
    (folder / "first.jsonl").write_text("".join(lines[:5]))
    after = json.loads(lines[4])["sequence"]
    (folder / "second.jsonl").write_bytes(evidence.gateway.command("audit", "export", "--after", str(after)).ok().out)
    assert "sound" in offline(folder, "audit", "verify", folder / "first.jsonl", folder / "second.jsonl", *key).ok().text
    swapped = offline(folder, "audit", "verify", folder / "second.jsonl", folder / "first.jsonl", *key)
    assert swapped.status == 1


def tamper_files(folder, chance):
    """One change to a copy of the recordings; the audit keys of which one must be named."""
    paths = sorted(folder.rglob("*.skr"))
    path, other = chance.sample(paths, 2)
    data = path.read_bytes()
    what = chance.choice(["flip", "cut", "swap", "drop", "duplicate", "replace"])
    if what == "flip":
        at = chance.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1:])
    elif what == "cut":
        path.write_bytes(data[:chance.randrange(len(data))])
    elif what == "swap":
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
    elif what == "drop":
        path.unlink()
    elif what == "duplicate":
        path = path.with_name(path.stem + "+9.skr")
        path.write_bytes(data)
    else:
        path.write_bytes(other.read_bytes())
    return what, path.stem


def tamper_rows(database, chance):
    """One change to the rows of the chain, by SQL; the number of a record that must be named, or that stands beside one that is."""
    with sqlite3.connect(database) as store:
        count = store.execute("SELECT MAX(sequence) FROM audit").fetchone()[0]
        number, other = chance.sample(range(1, count + 1), 2)
        what = chance.choice(["flip", "hash", "time", "drop", "swap", "tail", "replace", "forge"])
        if what == "flip":
            column = chance.choice(["kind", "session", "user_name", "source", "subject", "outcome", "reason", "recording"])
            store.execute(f"UPDATE audit SET {column} = {column} || 'x' WHERE sequence = ?", (number,))
        elif what == "hash":
            store.execute("UPDATE audit SET hash = ? WHERE sequence = ?", ("%064x" % chance.getrandbits(256), number))
        elif what == "time":
            store.execute("UPDATE audit SET time_ms = time_ms - 1 WHERE sequence = ?", (number,))
        elif what == "drop":
            store.execute("DELETE FROM audit WHERE sequence = ?", (number,))
        elif what == "swap":
            store.execute("UPDATE audit SET sequence = -1 WHERE sequence = ?", (number,))
            store.execute("UPDATE audit SET sequence = ? WHERE sequence = ?", (number, other))
            store.execute("UPDATE audit SET sequence = ? WHERE sequence = -1", (other,))
        elif what == "tail":
            store.execute("DELETE FROM audit WHERE sequence >= ?", (number,))
        elif what == "replace":
            store.execute("UPDATE audit SET (time_ms, kind, session, subject, reason, hash) = (SELECT time_ms, kind, session, subject, "
                          "reason, hash FROM audit WHERE sequence = ?) WHERE sequence = ?", (other, number))
        else:  # all hashes behind it computed anew: only who has the key can do more
            columns = "sequence, time_ms, kind, session, user_name, source, subject, outcome, reason, recording, hash"
            rows = store.execute(f"SELECT {columns} FROM audit ORDER BY sequence").fetchall()
            previous = bytes.fromhex(rows[number - 2][-1]) if number > 1 else audit_chain.hashlib.sha256(b"sekisho audit 1").digest()
            for row in rows[number - 1:]:
                record = dict(zip(("sequence", "time_ms", "kind", "session", "user", "source", "subject", "outcome", "reason", "recording"),
                                  row))
                if row[0] == number:
                    record["subject"] += "x"
                previous = audit_chain.record_hash(previous, record)
                store.execute("UPDATE audit SET subject = ?, hash = ? WHERE sequence = ?", (record["subject"], previous.hex(), row[0]))
    store.close()
    return what, number


def named(findings, number):
    """Whether a finding is about this record; of a link both ends are named."""
    for finding in findings:
        found = re.fullmatch(r"entr(?:y|ies) (\d+)(?:-(\d+))?", finding["what"])
        if found and int(found[1]) - 1 <= number <= int(found[2] or found[1]) + 1:
            return True
    return False


@pytest.mark.row("F2")
@pytest.mark.slow
def test_a_hundred_changes_to_the_recordings_are_found_and_named(evidence, folder):
    kept, chance = evidence.kept, random.Random(7)
    kinds = set()
    for number in range(100):
        copy = folder / "copy"
        shutil.copytree(kept / "recordings", copy)
        what, key = tamper_files(copy, chance)
        found = offline(folder, "recordings", "verify", copy, "--evidence-key", kept / "evidence.pub", "--audit", kept / "audit.jsonl",
                        "--json")
        assert found.status == 1, f"change {number}, {what} of {key}: {found}"
        findings = json.loads(found.text)["findings"]
        assert any(key in finding["what"] for finding in findings), f"change {number}, {what} of {key}: {findings}"
        kinds.add(what)
        shutil.rmtree(copy)
    assert len(kinds) == 6


@pytest.mark.row("F2")
@pytest.mark.slow
def test_a_hundred_changes_to_the_rows_are_found_and_named(evidence, folder):
    gateway, chance = evidence.gateway, random.Random(8)
    head = json.loads(gateway.command("audit", "verify", "--json").ok().text)["head"]
    copy = Gateway(folder / "copy").init()
    kinds = set()
    for number in range(100):
        for name in ("sekisho.db", "sekisho.db-wal", "sekisho.db-shm"):
            (copy.data_dir / name).unlink(missing_ok=True)
        shutil.copy(gateway.data_dir / "sekisho.db", copy.data_dir / "sekisho.db")
        what, entry = tamper_rows(copy.data_dir / "sekisho.db", chance)
        found = copy.command("audit", "verify", "--evidence-key", evidence.kept / "evidence.pub", "--expect", head, "--json")
        assert found.status == 1, f"change {number}, {what} of entry {entry}: {found}"
        findings = json.loads(found.text)["findings"]
        assert named(findings, entry), f"change {number}, {what} of entry {entry}: {findings}"
        kinds.add(what)
    assert len(kinds) == 8


@pytest.mark.row("F2")
def test_what_a_killed_gateway_left_is_signed_at_the_next_start(own_world):
    world = own_world
    client = world.alice.start("-tt", world.place(), "echo here; sleep 60")
    try:
        assert b"here" in client.stdout.readline()
        key = next(entry["audit_key"] for entry in world.gateway.recordings() if entry["state"] == "live")
        live = json.loads(world.gateway.command("verify", "--json").ok().text)
        assert [one["state"] for one in live["recordings"]] == ["live"]
        world.gateway.kill()
    finally:
        client.kill()
        client.wait()
    died = world.gateway.command("recordings", "verify")
    assert died.status == 1 and f"{key}: it has no end" in died.err, died
    world.gateway.start()
    world.alice.ssh(world.place(), "true").ok()
    signed(world.gateway)
    answer = json.loads(world.gateway.command("verify", "--json").ok().text)
    cut = next(one for one in answer["recordings"] if one["audit_key"] == key)
    assert (cut["state"], cut["signature"], cut["in_audit"]) == ("not complete", "signed", True), answer


@pytest.mark.row("F2")
def test_the_keyholder_signs_no_chain_that_was_cut_off(own_world):
    """The store goes back behind what was signed: no checkpoint stands for it, and the records say so."""
    gateway = own_world.gateway
    own_world.alice.ssh(own_world.place(), "true").ok()
    head = json.loads(gateway.command("audit", "verify", "--json").ok().text)["head"]
    assert gateway.stop() == 0
    with sqlite3.connect(gateway.data_dir / "sekisho.db") as store:
        store.execute("DELETE FROM audit WHERE sequence > 2")
    store.close()
    gateway.start()
    refused = wait_until(lambda: [one for one in gateway.audit() if one["kind"] == "keyholder.refused" and one["subject"] == "checkpoint"],
                         "the refusal in the records")
    assert "some were cut off" in refused[0]["reason"]
    found = gateway.command("audit", "verify", "--expect", head)
    assert found.status == 1 and "cut off at the end" in found.err or "kept elsewhere" in found.err, found


@pytest.mark.row("F2")
def test_audit_ls_shows_the_newest(evidence):
    gateway = evidence.gateway
    everything = gateway.listing("audit", "ls", "--after", "0", "--most", "100000")
    newest = gateway.command("audit", "ls", "--most", "3")
    assert newest.ok().text.count("\n") == 4 and "there are older ones" in newest.err, newest
    assert [one["sequence"] for one in gateway.listing("audit", "ls", "--most", "3")] == [one["sequence"] for one in everything[-3:]]
    first = gateway.command("audit", "ls", "--after", "0", "--most", "2")
    assert "--after 2" in first.err, first
