"""Recordings leave for a bucket: all of them, once, unchanged, and nothing is removed here before that is certain."""
import os
import shutil
import tempfile
from pathlib import Path

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


@pytest.mark.row("B4")
def test_what_ended_leaves_and_is_read_back(shipped, swift):
    bucket = swift.bucket("plain")
    world = shipped(bucket, f"http://127.0.0.1:{swift.port}")
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


@pytest.fixture
def faults(swift):
    proxy = Faults(swift.port)
    yield proxy
    proxy.close()


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
    for mode in ("error", "cut", "lost", "other bytes", "slow down", "closed"):
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
    assert said().count("recording.upload_failed") == 6, "once for each time"
    told = [(record["outcome"], record["kind"]) for record in world.gateway.audit() if record["kind"] == "recording.upload"]
    assert ("failed", "recording.upload") in told and ("ok", "recording.upload") in told
    answer = world.gateway.command("recordings", "verify", "--remote", timeout=120).ok()
    assert f"{count} intact" in answer.text, answer.text
    assert SECRET not in said() + str(world.gateway.audit()) and "Signature=" not in said()
