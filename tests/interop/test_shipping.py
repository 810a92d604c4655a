"""Recordings leave for a bucket: all of them, once, unchanged, and nothing is removed here before that is certain."""
import json
import os
import random
import re
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from faults import Faults
from processes import wait_until
from shipping import PREFIX, Shipped, content, objects, uploads
from swift import SECRET, Swift


@pytest.fixture(scope="module")
def swift():
    memory = Path("/dev/shm")  # each object is synced
    folder = Path(tempfile.mkdtemp(prefix="sekisho-swift-", dir=memory if os.access(memory, os.W_OK) else None))
    server = Swift(folder)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shipped(make_gateway, folder):
    made = []

    def make(bucket, place, **more):
        made.append(Shipped(make_gateway, folder, bucket, place, **more))
        return made[-1]
    yield make
    for one in made:
        one.stop()


@pytest.fixture
def faults(swift):
    proxy = Faults(swift.port)
    yield proxy
    proxy.close()


@pytest.mark.row("B4")
def test_what_ended_leaves_and_is_read_back(shipped, swift, faults):
    """Also where the server is slow."""
    bucket = swift.bucket("plain")
    world = shipped(bucket, faults.url)
    faults.mode = "slow"
    world.gateway.start()
    for number in range(3):
        world.run(f"echo {number}").ok()
    there = wait_until(lambda: len(objects(bucket)) == 3 and objects(bucket), "three objects")
    for key, size in there.items():
        year, month, day, user, name = key.removeprefix(PREFIX).split("/")
        audit_key, session, extension = name.split(".")
        assert audit_key.startswith(f"{year}-{month}-{day}_") and user == "alice" and extension == "skr" and session
        path = world.gateway.data_dir / "recordings" / year / month / f"{audit_key}.skr"
        wait_until(lambda path=path, key=key: content(bucket, key) == path.read_bytes(), f"{key} as it is here")
    assert not uploads(bucket)
    assert set(world.wait_for("verified", 3)) == {key.rsplit("/", 1)[1].split(".")[0] for key in there}


@pytest.mark.row("B4", "B7")
def test_what_is_safe_there_goes_here_and_is_fetched_again(shipped, swift, folder):
    bucket = swift.bucket("removed")
    world = shipped(bucket, f"http://127.0.0.1:{swift.port}", keep_local="1s")
    world.gateway.start()
    world.run("echo here and there").ok()
    (audit_key, entry), = world.wait_for("removed", 1).items()
    assert entry["state"] == "removed here" and entry["user"] == "alice"
    assert not list((world.gateway.data_dir / "recordings").rglob("*.skr"))
    (record,) = [one for one in world.gateway.audit() if one["kind"] == "recording.removed"]
    (key, size), = objects(bucket).items()
    assert record["subject"] == audit_key and key in record["reason"] and f"size={size}" in record["reason"], record

    assert world.gateway.play(audit_key) == b"here and there\n"
    assert world.gateway.channels(audit_key)[0]["target"].endswith("@web")
    world.gateway.command("recordings", "verify", audit_key).ok()
    world.gateway.command("recordings", "export", audit_key, "--format", "commands", "-o", folder / "commands").ok()
    assert b"here and there" in (folder / "commands").read_bytes()
    world.gateway.command("verify").ok()

    # Without a gateway the CLI has the configuration's access key; and without that it says what is missing.
    world.gateway.stop()
    assert world.gateway.play(audit_key) == b"here and there\n"
    (folder / "access-key").unlink()
    assert "access-key" in world.gateway.command("recordings", "play", audit_key).err


def files_of(world):
    """{audit key: bytes} of what is here."""
    return {path.stem: path.read_bytes() for path in (world.gateway.data_dir / "recordings").rglob("*.skr")}


def all_there(world, bucket):
    """Every recording that is here is in the bucket as it is here, under one name."""
    there = {key.rsplit("/", 1)[1].split(".")[0]: key for key in objects(bucket)}
    assert len(there) == len(objects(bucket)), objects(bucket)
    for audit_key, data in files_of(world).items():
        assert content(bucket, there[audit_key]) == data, audit_key


@pytest.mark.row("B4")
def test_what_runs_is_there_as_far_as_it_is(shipped, swift):
    bucket = swift.bucket("running")
    world = shipped(bucket, f"http://127.0.0.1:{swift.port}")
    world.gateway.start()
    with world.user.start(world.to, "echo first; read line; echo second") as live:
        assert live.stdout.readline() == b"first\n"
        wait_until(lambda: any(b"first" in content(bucket, key) for key in objects(bucket)), "the beginning in the bucket", 30)
        (key,) = objects(bucket)
        (audit_key,) = world.wait_for("shipped", 1)
        assert world.recordings()[audit_key]["state"] == "live"
        live.stdin.write(b"\n")
        live.stdin.flush()
        assert live.stdout.readline() == b"second\n"
        assert live.wait(30) == 0
    world.wait_for("verified", 1)
    assert list(objects(bucket)) == [key], "always the same name"
    all_there(world, bucket)


@pytest.mark.row("B4")
def test_whatever_happens_on_the_way(shipped, swift, faults):
    """Each way to fail, with recordings that end meanwhile, a long one among them: nothing goes here, nothing is lost, one name each."""
    bucket = swift.bucket("faults")
    world = shipped(bucket, faults.url, keep_local="0s")
    world.gateway.start()
    said = world.gateway.daemon.said
    count = 0
    for mode in ("error", "cut", "lost", "other bytes", "closed"):
        faults.mode = mode
        if mode == "closed":
            faults.close()
        before, removed = said().count("recording.upload_failed"), count
        world.run(f"echo {mode}").ok()
        if mode == "cut":
            world.run("head -c 20000000 /dev/urandom | base64 -w0").ok()
            count += 1
        count += 1
        wait_until(lambda b=before: said().count("recording.upload_failed") > b, f"word that it failed by {mode}", 60)
        assert len(files_of(world)) == count - removed, f"{mode}: nothing goes before it was read back"
        if mode == "closed":
            faults.open()
        faults.mode = "pass"
        recovered = said().count("recording.upload_recovered")
        world.look()
        world.wait_for("removed", count, 60)
        wait_until(lambda r=recovered: said().count("recording.upload_recovered") >= r, "recovery")
    assert len(objects(bucket)) == count and not uploads(bucket)
    assert said().count("recording.upload_failed") == 5, "once for each time"
    told = [(record["outcome"], record["kind"]) for record in world.gateway.audit() if record["kind"] == "recording.upload"]
    assert ("failed", "recording.upload") in told and ("ok", "recording.upload") in told
    answer = world.gateway.command("recordings", "verify", "--remote", timeout=120).ok()
    assert f"{count} intact" in answer.text, answer.text
    assert SECRET not in said() + str(world.gateway.audit()) and "Signature=" not in said()


def kills(world, bucket, times, seed):
    """Kills the gateway at random moments while sessions write, and starts it again; every line of every session that was printed a
    second before the kill is in the recording, and in the end every recording is in the bucket under one name."""
    chance = random.Random(seed)
    known = set()
    for number in range(times):
        world.gateway.start()
        live = [world.user.start(world.to, "while date +%s.%N; do sleep 0.02; done") for _ in range(3)]
        big = world.user.start(world.to, "head -c 12000000 /dev/urandom | base64 -w0; cat")
        for one in live:
            assert one.stdout.readline()
        began = time.time()
        time.sleep(chance.random() * 1.5)  # where it is hit is the point
        world.gateway.kill()
        killed = time.time()
        for one in (*live, big):
            one.kill()
            one.wait()
        fresh = set(files_of(world)) - known
        known |= fresh
        assert len(fresh) == 4, f"kill {number}: {fresh}"
        for audit_key in fresh:
            output = world.gateway.play(audit_key).decode(errors="replace")
            stamps = re.findall(r"^\d+\.\d+$", output, re.MULTILINE)
            if output and not stamps:
                continue  # the big one
            last = float(stamps[-1]) if stamps else began
            assert killed - last <= 1.0, f"kill {number}: the last {killed - last:.2f} s of {audit_key} are missing"
    world.gateway.start()
    world.wait_for("verified", len(known), 120)
    assert set(files_of(world)) == known
    all_there(world, bucket)
    assert not uploads(bucket), "none is left half"
    return known


@pytest.mark.row("B4")
def test_a_gateway_that_is_killed_again_and_again(shipped, swift, faults):
    bucket = swift.bucket("killed")
    world = shipped(bucket, faults.url)
    known = kills(world, bucket, 4, seed=1)
    names = {}
    for path in faults.puts():
        audit_key = path.rsplit("/", 1)[1].split(".")[0].replace("%2B", "+")
        assert names.setdefault(audit_key, path) == path, "one recording, one name"
    assert set(names) == known
    answer = world.gateway.command("recordings", "verify", "--remote", timeout=120)
    assert answer.status == 0, answer.text + answer.err


@pytest.mark.soak
@pytest.mark.row("B4")
def test_a_gateway_that_is_killed_a_hundred_times(shipped, swift):
    bucket = swift.bucket("killed-often")
    world = shipped(bucket, f"http://127.0.0.1:{swift.port}")
    seed = random.randrange(1 << 32)
    print(f"seed {seed}: {len(kills(world, bucket, 100, seed))} recordings, all of them in the bucket")


@pytest.mark.row("B4", "B7")
def test_what_is_done_to_the_bucket_is_found_and_named(shipped, swift):
    """Objects that are removed, cut, changed, swapped, added: each is found by what the audit records and signatures say, and named."""
    bucket = swift.bucket("tampered")
    world = shipped(bucket, f"http://127.0.0.1:{swift.port}", keep_local="0s")
    world.gateway.start()
    for number in range(4):
        world.run(f"seq {1 + number * 2000}").ok()
    world.wait_for("removed", 4)
    kept = {key: content(bucket, key) for key in objects(bucket)}
    keys = sorted(kept)
    chance = random.Random(7)

    def verify(*arguments):
        done = world.gateway.command("recordings", "verify", "--remote", "--json", *arguments, timeout=120)
        answer = json.loads(done.text)
        assert answer["sound"] == (done.status == 0)
        return {finding["what"]: finding["kind"] for finding in answer["findings"]}

    def put(key, data):
        bucket.curl("PUT", quote(key), data).ok()
    assert not verify()
    for turn in range(16):
        key = chance.choice(keys)
        name = key.rsplit("/", 1)[1].split(".")[0]
        data = bytearray(kept[key])
        way = ("remove", "cut", "change", "swap")[turn % 4]
        if way == "remove":
            bucket.delete(quote(key))
        elif way == "cut":
            put(key, bytes(data[:chance.randrange(1, len(data))]))
        elif way == "change":
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            put(key, bytes(data))
        else:
            put(key, kept[chance.choice([other for other in keys if other != key])])
        found = verify()
        assert name in found, (turn, way, key, found)
        assert set(found) == {name}, (turn, way, key, found)
        put(key, kept[key])
    # Under names of their own.
    stem, session, extension = keys[0].rsplit(".", 2)
    for other in (f"{stem}.0000000000000000.{extension}", f"{PREFIX}anything.skr"):
        put(other, kept[keys[0]])
        assert verify(), other
        bucket.delete(quote(other))
    assert not verify()
    assert not verify(keys[0].rsplit("/", 1)[1].split(".")[0])


@pytest.mark.row("B4")
def test_a_limit_here_and_retention_there(shipped, swift, faults):
    """With the bucket away and the limit reached nothing is removed and no session begins; when it is back, the oldest go early. What was
    kept there long enough goes there, too, and verify knows."""
    bucket = swift.bucket("limits")
    world = shipped(bucket, faults.url, local_limit="64K", keep_remote="0")
    world.gateway.start()
    faults.mode = "error"
    world.run("head -c 80000 /dev/urandom | base64 -w0").ok()
    world.gateway.daemon.wait_for("recording.limit")
    refused = world.run("true")
    assert refused.status != 0 and "recording" in refused.err, refused.err
    assert len(files_of(world)) == 2, "nothing is removed that is not safe; who was refused left a beginning and an end"
    faults.mode = "pass"
    world.look()
    world.wait_for("removed", 1)
    wait_until(lambda: world.run("echo again").status == 0, "sessions begin again")
    told = [record["outcome"] for record in world.gateway.audit() if record["kind"] == "recording.limit"]
    assert told == ["failed", "ok"], told

    config = world.gateway.config_path
    config.write_text(config.read_text().replace('keep_remote = "0"', 'keep_remote = "1s"\nkeep_local = "0s"'))
    world.gateway.reload()
    wait_until(lambda: not objects(bucket), "an empty bucket", 40)
    world.wait_for("expired", 3)
    assert {record["subject"] for record in world.gateway.audit() if record["kind"] == "recording.expired"} == set(world.recordings())
    world.gateway.command("verify").ok()
    world.gateway.command("recordings", "verify", "--remote").ok()


@pytest.mark.row("B4", "D1")
def test_what_the_configuration_may_not_say(make_gateway, folder):
    gateway = make_gateway()

    def refused(**upload):
        gateway.configure(recording__upload={"url": "s3://bucket/", **upload})
        done = gateway.command("check", "--config", gateway.config_path, timeout=30)
        assert done.status == 1, done.text
        return done.text + done.err
    assert "http is for" in refused(endpoint="http://10.0.0.1")
    assert "a bucket's name" in refused(url="s3://BUCKET/")
    assert "AES256, aws:kms or none" in refused(encryption="AES128")
    assert "aws:kms" in refused(kms_key="alias/gate")
    assert "delete-shipped or refuse" in refused(when_full="panic")
    assert "keep_local" in refused(keep_remote="1h")
