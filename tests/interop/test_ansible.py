"""Ansible, with the connection sharing that it does by itself."""
import pytest
import scenarios


@pytest.mark.any_server
@pytest.mark.row("C6", "E9")
@pytest.mark.slow
def test_ping_and_copy(world, folder):
    scenarios.ansible_ping_and_copy(world, world.alice, folder)
