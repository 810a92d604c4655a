"""Every way of naming a place from a stock client (README, "Daily use")."""
import pwd

import pytest
from targets import LOGIN


@pytest.mark.row("E8", "E9")
@pytest.mark.parametrize("name", ["{login}@web@gw", "alice@{login}@web@gw", "web@gw", "{login}%web@gw", "{login}#web@gw",
                                  "alice%{login}%web@gw", "alice#{login}#web@gw"])
def test_in_front_of_the_gateway(world, name):
    done = world.alice.ssh(name.format(login=LOGIN), "echo \"$SSH_CONNECTION\"").ok()
    assert done.text.split()[3] == str(world.target("web").port)


@pytest.mark.row("E9")
@pytest.mark.parametrize("place", ["{login}@web", "web"])
def test_as_a_command(world, place):
    """ssh gw login@target command; without a command it is a shell."""
    place = place.format(login=LOGIN)
    done = world.alice.ssh("alice@gw", place, "echo 'two  words'; exit 3")
    assert (done.status, done.text) == (3, "two  words\n"), done
    with world.alice.start("-tt", "alice@gw", place) as client:
        out, _ = client.communicate(b"tty; exit 4\n", timeout=30)
    assert client.returncode == 4 and b"/dev/pts/" in out and b"AUDIT KEY" in out, out


@pytest.mark.row("E9")
def test_files_go_to_the_same_names(world, folder):
    for number, name in enumerate(("web@gw", f"{LOGIN}%web@gw", f"alice@{LOGIN}@web@gw")):
        world.alice.run("scp", "-q", "-F", world.alice.config, world.alice.config, f"{name}:{folder}/{number}").ok()
        assert (folder / str(number)).read_bytes() == world.alice.config.read_bytes()


@pytest.mark.row("D1")
def test_users_are_no_accounts_of_the_system(world):
    with pytest.raises(KeyError):
        pwd.getpwnam("alice")
    assert world.alice.ssh(world.place(), "true").status == 0


def test_the_gateway_itself_tells_what_is_open(world):
    """No target named: the gateway runs nothing, and says what the user may name."""
    done = world.alice.ssh("alice@gw", "no-such-target uptime")
    assert done.status != 0 and f"{LOGIN}@web" in done.err + done.text, done
