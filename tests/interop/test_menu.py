"""The menu: what `ssh gw` shows at a terminal, chosen from in tmux and through PuTTY's plink."""
import re
import subprocess

import evidence
import paramiko
import pytest
from processes import wait_until
from targets import LOGIN
from terminal import Terminal
from world import World


@pytest.fixture(scope="module")
def menus():
    """alice may go to thirty places, of which one is there."""
    world = World().start()
    try:
        access = world.access()
        access["target"][0]["labels"] = {"env": "prod", "place": "東京"}
        access["target"] += [{"name": f"zone{number}", "address": "127.0.0.1:9", "logins": ["ubuntu"], "auth": "certificate",
                              "host_keys": [world.target("web").host_key]} for number in range(29)]
        world.gateway.apply(access, "--prune")
        yield world
    finally:
        world.stop()


@pytest.fixture
def at_terminal(menus, folder):
    opened = []

    def open_one(*options, width=80, height=24):
        command = " ".join(["ssh", "-t", "-F", str(menus.alice.config), *options, "alice@gw"])
        opened.append(Terminal(folder, command, width, height, env=menus.alice.environment(LC_ALL="C.UTF-8")))
        return opened[-1]
    yield open_one
    for terminal in opened:
        terminal.close()


def test_searched_chosen_and_typed_through(menus, at_terminal):
    """80×24: a page of places, a search, arrow keys, a shell on the target with the terminal's size, its exit status."""
    terminal = at_terminal()
    terminal.wait_for(r"alice at the gateway: 30 open")
    terminal.wait_for(r"> " + re.escape(f"{LOGIN}@web") + r"\s.*env=prod place=東京")
    assert "zone25" in terminal.screen() and "zone26" not in terminal.screen()
    terminal.type("zone1")
    terminal.wait_for(r"> ubuntu@zone1\b(?s:.*)Search: zone1")
    assert LOGIN + "@web" not in terminal.screen()
    terminal.key("C-u")
    terminal.type("PROD 東京")
    terminal.wait_for(r"(?m)^> " + re.escape(f"{LOGIN}@web"))
    terminal.resize(100, 30)
    terminal.wait_for(r"(?s)(.*\n){20}.*Ctrl-C leaves")
    terminal.key("Enter")
    terminal.wait_for("AUDIT KEY: ")
    terminal.line("stty size; echo through-the-menu | tr a-z A-Z")
    terminal.wait_for(r"30 100\s")
    terminal.wait_for("THROUGH-THE-MENU")
    terminal.line("exit 6")
    assert terminal.exit_status() == 6
    entry = evidence.newest(menus, menus.alice)
    assert b"THROUGH-THE-MENU" in menus.gateway.play(entry["audit_key"])


def test_in_japanese(at_terminal):
    terminal = at_terminal("-o", "SetEnv=LANG=ja_JP.UTF-8")
    terminal.wait_for("alice さん、関所へようこそ（行き先 30 件）")
    terminal.type("zzz")
    terminal.wait_for("該当する行き先はありません。")
    terminal.key("C-c")
    assert terminal.exit_status() == 0


def test_arrows_move_the_page(at_terminal):
    terminal = at_terminal(height=10)
    terminal.wait_for(r"> " + re.escape(f"{LOGIN}@web"))
    for _ in range(8):
        terminal.key("Down")
    terminal.wait_for(r"(?m)^> ubuntu@zone15\b")
    terminal.key("Up")
    terminal.wait_for(r"(?m)^> ubuntu@zone14\b")
    terminal.key("C-c")
    assert terminal.exit_status() == 0


def test_the_rules_decide_again(menus, at_terminal):
    """What was open when the menu was shown may be closed when it is chosen."""
    terminal = at_terminal()
    terminal.wait_for("30 open")
    access = menus.access()
    rules = access["rule"]
    access["rule"] = [rule for rule in rules if rule["name"] != "alice works everywhere"]
    menus.gateway.apply(access, "--prune")
    try:
        terminal.key("Enter")
        terminal.wait_for("no rule lets alice use shell")
        assert terminal.exit_status() == 1
    finally:
        access["rule"] = rules
        menus.gateway.apply(access, "--prune")


def test_plink(menus):
    """PuTTY sends other bytes for some keys; arrows and Enter are the same."""
    alice = menus.alice
    command = ["plink", "-batch", "-t", "-P", str(menus.gateway.port), "-i", str(alice.putty_key()), "-hostkey", alice.host_fingerprint,
               "alice@127.0.0.1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=alice.environment()) as client:
        shown = b""

        def read_until(mark):
            nonlocal shown
            while mark not in shown:
                piece = client.stdout.read1(65536)
                assert piece, shown
                shown += piece
        read_until(b"Search: ")
        client.stdin.write(b"\x1b[B\x1b[A" + b"web\r" + b"echo typed-ahead; exit 3\r")
        client.stdin.flush()
        read_until(b"\rtyped-ahead")
        client.stdin.close()
        wait_until(lambda: client.poll() is not None, "plink's end")
    assert client.returncode == 3, shown
    assert b"AUDIT KEY" in shown and b"\x1b[?1049l" in shown


def test_without_a_terminal_the_places_are_listed(menus):
    """A script gets text, and no menu waits for it."""
    done = menus.alice.ssh("-T", "alice@gw", given=b"")
    assert done.status == 1 and f"{LOGIN}@web" in done.err and b"\x1b[" not in done.out, done


def test_keys_that_nobody_shows(menus):
    """A client that types and does not read costs the gateway one screen."""
    alice = menus.alice
    transport = paramiko.Transport(("127.0.0.1", menus.gateway.port))
    transport.default_window_size = 2048
    try:
        transport.connect(username="alice", pkey=paramiko.Ed25519Key.from_private_key_file(str(alice.key)))
        channel = transport.open_session(window_size=2048)
        channel.get_pty()
        channel.invoke_shell()
        before = menus.gateway.daemon.memory_kib("VmRSS")
        for _ in range(2000):
            channel.sendall(b"x\x7f" * 500)
        # Still there, and it answers when it is read again.
        channel.sendall(b"\x03")
        channel.settimeout(20)
        while channel.recv(65536):
            pass
        assert channel.recv_exit_status() == 0
        assert menus.gateway.daemon.memory_kib("VmRSS") < before + 8 * 1024
    finally:
        transport.close()
