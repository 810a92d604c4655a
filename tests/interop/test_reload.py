"""SIGHUP changes the future and no live session; SIGTERM says goodbye; a second start finds everything again."""
import signal

import pytest
from processes import wait_until
from terminal import Terminal


def test_reload_leaves_live_sessions_alone(own_world):
    world = own_world
    with world.alice.start(world.place(), "echo live; cat") as client:
        assert client.stdout.readline() == b"live\n"
        world.gateway.configure(recording={"on_failure": "end"})
        world.gateway.reload()
        client.stdin.write(b"still here\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"still here\n"
        assert world.alice.ssh(world.place(), "echo new").ok().out == b"new\n"
        client.stdin.close()
        assert client.wait(20) == 0


def test_reload_of_a_broken_configuration_changes_nothing(own_world):
    world = own_world
    good = world.gateway.config_path.read_text()
    world.gateway.config_path.write_text(good + "\n[ssh.nonsense]\nlisten = 5\n")
    assert world.gateway.command("check", "--config", world.gateway.config_path).status == 1
    world.gateway.reload()
    assert world.gateway.daemon.alive()
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"
    world.gateway.config_path.write_text(good)


def test_access_changes_reach_the_running_gateway(own_world):
    world = own_world
    assert world.alice.ssh(world.place(), "true").status == 0
    access = world.access()
    access["rule"] = [rule for rule in access["rule"] if rule["users"] != ["alice"]]
    world.gateway.apply(access, "--prune")
    assert world.alice.ssh(world.place(), "true").status != 0
    world.apply()
    assert world.alice.ssh(world.place(), "true").status == 0


def test_dry_run_changes_nothing(own_world):
    world = own_world
    access = world.access()
    access["user"].append({"name": "newcomer", "keys": [world.alice.public_key.replace("alice", "x")]})
    said = world.gateway.apply(access, "--dry-run").text
    assert "newcomer" in said
    assert "newcomer" not in world.gateway.command("user", "ls").ok().text


@pytest.mark.row("B1")
def test_goodbye_on_sigterm(own_world, folder):
    world = own_world
    terminal = Terminal(folder, f"exec ssh -F {world.alice.config} -t {world.place()}", env=world.alice.environment())
    try:
        terminal.wait_for("AUDIT KEY")
        terminal.line("echo rea''dy")
        terminal.wait_for("(?m)^ready$")
        world.gateway.daemon.process.send_signal(signal.SIGTERM)
        terminal.wait_for(r"(?i)gateway.*(stop|end|shut|clos|going down)|(stop|end|shut|clos)\w* .*gateway|goodbye")
        assert terminal.exit_status() != 0
    finally:
        terminal.close()
    assert world.gateway.daemon.process.wait(20) == 0
    world.gateway.start()
    assert world.alice.ssh(world.place(), "echo back").ok().out == b"back\n"
    wait_until(lambda: all(session.get("finished") for session in world.gateway.sessions()), "no session left live in the listing")


def test_second_init_changes_nothing(own_world):
    world = own_world
    before = {path.name: path.read_bytes() for path in (world.gateway.data_dir / "keys").iterdir()}
    world.gateway.init()
    assert before == {path.name: path.read_bytes() for path in (world.gateway.data_dir / "keys").iterdir()}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (world.gateway.data_dir / "keys").iterdir() if path.suffix != ".pub")


def test_check_names_line_and_nearest_key(make_gateway):
    gateway = make_gateway()
    gateway.config_path.write_text(gateway.config_path.read_text().replace("listen =", "lisen ="))
    done = gateway.command("check", "--config", gateway.config_path)
    assert done.status == 1
    said = done.text + done.err
    assert "lisen" in said and "listen" in said.replace("lisen", ""), said
    line = 1 + gateway.config_path.read_text().split("lisen")[0].count("\n")
    assert f":{line}:" in said, f"line {line} is not named: {said}"
