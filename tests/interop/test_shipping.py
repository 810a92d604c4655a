"""Recordings leave for a bucket: all of them, once, unchanged, and nothing is removed here before that is certain."""
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from processes import wait_until
from shipping import PREFIX, Shipped, content, objects, uploads
from swift import Swift


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
