"""Files, by every tool that people move them with."""
import pytest
import scenarios

pytestmark = pytest.mark.any_server


@pytest.mark.row("E9")
@pytest.mark.parametrize("scenario", [scenarios.scp_legacy, scenarios.scp_over_sftp], ids=["scp-O", "scp-s"])
def test_scp(world, folder, scenario):
    scenario(world, world.alice, folder)


@pytest.mark.row("E9")
def test_sftp(world, folder):
    scenarios.sftp_session(world, world.alice, folder)


@pytest.mark.row("E9")
@pytest.mark.slow
def test_rsync_of_ten_thousand_files(world, folder):
    scenarios.rsync_tree(world, world.alice, folder)


@pytest.mark.row("E9")
def test_git(world, folder):
    scenarios.git_clone_and_push(world, world.alice, folder)


def test_sftp_links_point_the_right_way(world, folder):
    """OpenSSH's client swaps the arguments of SYMLINK for servers that are OpenSSH; the identification decides."""
    batch = folder / "batch"
    batch.write_text(f"ln -s target-of-the-link {folder}/link\n")
    world.alice.run("sftp", "-q", "-F", world.alice.config, "-b", batch, world.place()).ok()
    assert (folder / "link").readlink().name == "target-of-the-link"
