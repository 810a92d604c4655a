"""Fixtures of the interop tests. One world for each worker; tests that change the gateway's state get a world of their own."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from gateway import Gateway, binary  # noqa: E402
from world import World  # noqa: E402

DIRECT = bool(os.environ.get("SEKISHO_DIRECT"))  # clients speak with the targets themselves: checks the tests alone
SOAK = bool(os.environ.get("SEKISHO_SOAK"))
MATRIX = bool(os.environ.get("SEKISHO_MATRIX"))


def pytest_configure(config):
    config.addinivalue_line("markers", "row(*ids): the rows of the product that this test covers")
    config.addinivalue_line("markers", "slow: left out of the sanitizer run, where it adds time and no coverage")
    config.addinivalue_line("markers", "soak: the long form, run by ./dev soak")
    config.addinivalue_line("markers", "matrix: the long form of the matrix of peers, run by ./dev matrix")
    config.addinivalue_line("markers", "any_server: makes sense without the gateway, too")


# Files that take longest, longest first: begun last, one of them would run on alone when all others are done.
LONGEST = ["test_users_from", "test_shipping", "test_store", "test_file_audit", "test_recording", "test_mail", "test_sftp_limits",
           "test_compression", "test_matrix", "test_screen", "test_gateway_ports", "test_limits", "test_many", "test_bulk"]


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for item in items:
        for mark in item.iter_markers("row"):
            item.user_properties.append(("row", ",".join(mark.args)))
    left_out = [item for item in items if (item.get_closest_marker("soak") and not SOAK) or
                (item.get_closest_marker("matrix") and not MATRIX) or
                (DIRECT and not item.get_closest_marker("any_server"))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def world():
    if not DIRECT and not binary().exists():
        pytest.fail(f"{binary()} does not exist; ./dev build first", pytrace=False)
    world = World(direct=DIRECT)
    try:
        yield world.start()
    finally:
        world.stop()


@pytest.fixture
def own_world():
    """A world that this test alone uses, for what changes the gateway's state."""
    world = World()
    try:
        yield world.start()
    finally:
        world.stop()


@pytest.fixture
def make_gateway():
    """Gateways with a configuration of their own; not started. Ended with the test."""
    made, folders = [], []

    def make(**config):
        folders.append(Path(tempfile.mkdtemp(prefix="sekisho-test-")))
        made.append(Gateway(folders[-1], config=config).init())
        return made[-1]
    yield make
    for gateway in made:
        if gateway.daemon is not None and gateway.daemon.alive():
            gateway.stop()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder():
    """A folder for the files of one test, with a short name (sockets live in it, too)."""
    path = Path(tempfile.mkdtemp(prefix="sekisho-files-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
