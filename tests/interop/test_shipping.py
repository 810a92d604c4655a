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
