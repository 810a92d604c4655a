"""Shells and commands, as typed and as scripted."""
import os

import pytest
import scenarios

pytestmark = pytest.mark.any_server


@pytest.mark.row("B1", "E9")
def test_shell_in_a_real_terminal(world, folder):
    scenarios.shell_in_terminal(world, world.alice, folder)


@pytest.mark.row("E9")
def test_exec_keeps_streams_and_status(world, folder):
    scenarios.exec_streams_and_status(world, world.alice, folder)


def test_exec_killed_by_signal(world, folder):
    scenarios.exec_killed_by_signal(world, world.alice, folder)


def test_half_close(world, folder):
    scenarios.half_close(world, world.alice, folder)


@pytest.mark.row("C5")
def test_environment_reaches_the_command(world):
    done = world.alice.ssh("-o", "SetEnv=SEKISHO_TEST='two words'", world.place(), "echo \"<$SEKISHO_TEST>\"").ok()
    assert done.text == "<'two words'>\n" or done.text == "<two words>\n"


def test_large_environment_and_long_command(world):
    variables = " ".join(f"SEKISHO_{number}={'x' * 500}" for number in range(40))
    command = "echo " + "y" * 60000 + " | wc -c; env | grep -c ^SEKISHO_"
    assert world.alice.ssh("-o", f"SetEnv={variables}", world.place(), command).ok().text.split() == ["60001", "40"]


def test_output_that_ends_with_the_process(world):
    """The last data, stderr and exit status arrive although CLOSE follows at once; many times, since it is a race."""
    for _ in range(20):
        done = world.alice.ssh(world.place(), "head -c 200000 /dev/zero; head -c 100000 /dev/zero >&2; exit 3")
        assert (done.status, len(done.out), len(done.err)) == (3, 200000, 100000)


def test_bytes_that_are_not_utf8(world):
    done = world.alice.ssh(world.place(), b"printf '\\377\\376 \xff\xfe' | od -An -tx1".decode("latin-1").encode("latin-1")
                           .decode("utf-8", "surrogateescape")).ok()
    assert done.text.split() == ["ff", "fe", "20", "ff", "fe"]


def test_break_and_window_change_on_exec_with_pty(world):
    done = world.alice.ssh("-tt", world.place(), "stty -a | tr ';' '\\n' | grep -c speed; tty -s && echo terminal")
    assert done.status == 0 and "terminal" in done.text, done


def test_stdin_of_many_sizes(world):
    for size in (0, 1, 32767, 32768, 32769, 1 << 21):
        payload = os.urandom(size)
        assert world.alice.ssh(world.place(), "cat", given=payload).ok().out == payload, f"{size} bytes"


def test_no_tty_when_none_was_asked_for(world):
    assert world.alice.ssh("-T", world.place(), "tty").text.strip() == "not a tty"


def test_subsystem_that_the_target_does_not_know(world):
    done = world.alice.ssh("-s", world.place(), "no-such-subsystem")
    assert done.status == 255 or done.status == 1
    assert "subsystem request failed" in done.err
