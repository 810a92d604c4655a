"""How long sessions last, how long they may be silent, and how many there may be: what rules bound."""
import re
import time

import pytest
from processes import PATIENCE, end_client, wait_until

pytestmark = pytest.mark.row("E4")


def limit(world, **limits):
    """The rule of alice alone, with these limits."""
    access = world.access()
    access["rule"] = [{"name": "bounded", "users": ["alice", "meta"], "targets": ["*"], "allow": ["shell", "exec"], **limits},
                      {"name": "echo", "users": ["alice"], "allow": ["local-forward"],
                       "forward": [f"127.0.0.1:{world.echo.port}"], **limits}]
    world.gateway.apply(access, "--prune")


def ended(world, words):
    """The newest session, when its end is known."""
    def there():
        newest = max(world.gateway.sessions(), key=lambda session: session["started"])
        return newest if re.search(words, newest["result"] or "") else None
    return wait_until(there, f"the end of the session, with {words!r}")


@pytest.mark.parametrize("terminal", [False, True], ids=["command", "terminal"])
def test_a_session_ends_after_its_time(own_world, terminal):
    world = own_world
    limit(world, max_time="3s")
    begin = time.monotonic()
    done = world.alice.ssh(*(["-tt"] if terminal else []), world.place(), "while echo -n .; do sleep 0.3; done")
    assert 2 < time.monotonic() - begin < 20 * PATIENCE
    assert done.status == 255 and done.out.startswith(b"."), done
    assert 'Rule "bounded" ends a session after 3s.' in done.text + done.err, done
    ended(world, "ends a session after 3s")
    assert world.alice.ssh(world.place(), "exit 7").status == 7, "the next session has its own time"


def test_a_forward_ends_with_its_session(own_world):
    world = own_world
    limit(world, max_time="2s")
    with world.alice.start("-W", f"127.0.0.1:{world.echo.port}", "alice@gw") as client:
        client.stdin.write(b"hello\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"hello\n"
        said = client.stderr.read()
    assert b"ends a session after 2s" in said, said


def test_a_silent_session_ends(own_world):
    world = own_world
    limit(world, idle_time="2s")
    talking = world.alice.ssh(world.place(), "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.6; done; exit 7")
    assert (talking.status, talking.out.split()) == (7, [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8"]), talking
    with world.alice.start(world.place(), "cat") as client:
        for _ in range(5):
            client.stdin.write(b"still here\n")
            client.stdin.flush()
            assert client.stdout.readline() == b"still here\n"
            time.sleep(0.6)  # shorter than the silence that ends it: this is what is tested
        said = client.stderr.read()
        assert client.wait(20 * PATIENCE) == 255
    assert b'Rule "bounded" ends a session after 2s in which nothing was said.' in said, said
    ended(world, "in which nothing was said")


def test_so_many_sessions_at_once(own_world):
    world = own_world
    limit(world, max_sessions=1)
    control = world.alice.folder / "cm"
    first = world.alice.start("-M", "-S", control, world.place(), "echo in; cat")
    try:
        assert first.stdout.readline() == b"in\n"
        assert world.alice.ssh("-S", control, world.place(), "exit 7").status == 7, "a second channel is no second session"
        second = world.alice.ssh(world.place(), "exit 7")
        assert second.status == 255 and re.search(r'rule "bounded" lets alice have 1 session at once', second.err), second
        refused = [record for record in world.gateway.audit() if record["kind"] == "access.refused"]
        assert refused and "lets alice have 1 session" in refused[-1]["reason"], refused
        assert world.meta.ssh(world.place(), "exit 7").status == 7, "another user's sessions are their own"
        assert world.alice.ssh("-W", f"127.0.0.1:{world.echo.port}", "alice@gw", given=b"x").out == b"x", "another rule counts by itself"
    finally:
        end_client(first)
        for pipe in (first.stdin, first.stdout, first.stderr):
            pipe.close()
    wait_until(lambda: world.alice.ssh(world.place(), "exit 7").status == 7, "room for the next session")
