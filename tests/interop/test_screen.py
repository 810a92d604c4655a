"""What a terminal showed, from its recording: at the end and at any time, next to a real terminal (tmux) that showed the same session; and
the commands that were typed, read from that screen (rows B1, B7, E6)."""
import json
import random
import re

import evidence
import pytest
from processes import wait_until
from terminal import Terminal
from world import World

MARKER = "hinter-dem-siegel"


class Watched:
    """A user's shell in a terminal of its own, next to what the recording says about it."""

    def __init__(self, world, folder, width=80, height=24, user=None):
        self.world = world
        user = user or world.alice
        self.before = {entry["audit_key"] for entry in world.gateway.recordings()}
        self.terminal = Terminal(folder, f"exec ssh -F {user.config} -tt {world.place()}", width, height,
                                 user.environment(LC_ALL="C.UTF-8", TERM="xterm-256color"))
        self.terminal.wait_for(r"[$#] *\s*\Z")

    @property
    def key(self):
        (key,) = {entry["audit_key"] for entry in self.world.gateway.recordings()} - self.before
        return key

    def begin(self):
        """What ssh itself said before the session is not the recording's."""
        self.terminal.line("export LC_ALL=C.UTF-8 TERM=xterm-256color; PS1='shell$ '; cd /; clear")
        self.terminal.wait_for(r"\A\s*shell\$ *\s*\Z")

    def lines(self):
        return [line.rstrip() for line in self.terminal._tmux("capture-pane", "-p").split("\n")][:-1]

    def cursor(self):
        column, row = self.terminal._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return {"column": int(column), "row": int(row)}

    def replayed(self, at="100000", key=None):
        done = self.world.gateway.command("recordings", "show", "--json", "--at", str(at), key or self.key)
        return json.loads(done.out) if done.status == 0 else {"lines": [f"{done.status} {done.err}"], "cursor": {"column": -1, "row": -1}}

    def same(self):
        """The replay's last screen is the terminal's, once the recording's last half second is written."""
        state = {}

        def equal():
            before, screen, after = self.lines(), self.replayed(), self.lines()
            state.update(terminal=before, replay=screen["lines"])
            cursor = {name: screen["cursor"][name] for name in ("column", "row")}
            return before == after and before == screen["lines"] and cursor == self.cursor()
        try:
            wait_until(equal, "the replay to show what the terminal does", 20)
        except AssertionError:
            raise AssertionError("\n".join(["terminal:", *state["terminal"], "replay:", *state["replay"]])) from None
        return state["replay"]

    def end(self):
        self.terminal.line("exit")
        self.terminal.exit_status()


def compare_at_random_times(watched, key, folder, times, seed=4):
    """The replay's screen next to that of another terminal, into which all output up to then is written. How many screens differed from
    each other: they are not all the same one. Only until it got another size: lines that wrapped are each program's own affair."""
    cast = watched.world.gateway.command("recordings", "export", "--format", "asciicast-v2", "--output", "-", key).ok().out.decode()
    head, *events = [json.loads(line) for line in cast.split("\n")[:-1]]
    size = (head["width"], head["height"])
    resized = [n for n, (_, code, text) in enumerate(events) if code == "r" and text != f"{size[0]}x{size[1]}"]
    output = [(time, text) for time, code, text in events[:resized[0] if resized else None] if code == "o"]
    dice = random.Random(seed)
    seen = set()
    for at in sorted(time for time, _ in dice.sample(output, min(times, len(output)))):
        part = folder / "part"
        part.write_text("\033[H\033[2J" + "".join(text for time, text in output if time <= at) + "\033]2;all of it\007", newline="")
        other = Terminal(folder, f"stty raw -echo; cat {part}; exec sleep 1000", *size,
                         env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "screen-256color"})
        try:
            wait_until(lambda: other._tmux("display-message", "-p", "#{pane_title}").strip() == "all of it", "it all", 60)
            lines = [line.rstrip() for line in other._tmux("capture-pane", "-p").split("\n")][:-1]
        finally:
            other.close()
        replayed = watched.replayed(f"{at:.6f}", key)
        assert replayed["lines"] == lines, "\n".join([f"at {at}", "terminal:", *lines, "replay:", *replayed["lines"]])
        seen.add("\n".join(lines))
    return len(seen)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    world = World()
    try:
        yield world.start()
    finally:
        world.stop()


def seconds(world, key):
    entry = next(one for one in world.gateway.recordings() if one["audit_key"] == key)
    return entry["duration_seconds"]


@pytest.mark.row("B1", "B7")
def test_the_replayed_screen_is_the_terminals(shared, folder):
    """vim, less, a Japanese session, tmux and much output: at each step both screens are the same."""
    watched = Watched(shared, folder)
    terminal = watched.terminal
    watched.begin()
    text = folder / "議事録.txt"
    text.write_text("".join(f"{n} 日本語の行、全角と半角 mixed {'長い' * (n % 30)}\n" for n in range(200)))
    steps = [
        (f"cat {text} | head -40", r"39 日本語"),
        ("printf '\\033[31;1mred \\033[0;44m blue \\033[m\\033[4mline\\033[24m\\n'", "red"),
        (f"LESS= less {text}", "議事録|:"),
        (" ", ":"), ("G", "END"), ("q", r"shell\$ *\s*\Z"),
        (f"vim -u NONE -N -n {text}", "1 日本語"),
        ("30G", "29"), ("dd", None), ("oここに挿入\x1b", "ここに挿入"), (":set number\r", " 30 "), (":q!\r", r"shell\$ *\s*\Z"),
    ]
    for typed, wanted in steps:
        if len(typed) > 3 and typed[0] not in ":o":
            terminal.line(typed)
        else:
            terminal.type(typed)
        if wanted:
            terminal.wait_for(wanted)
        watched.same()
    watched.terminal.resize(100, 30)
    terminal.line(f"vim -u NONE -N -n {text}")
    terminal.wait_for("1 日本語")
    assert len(watched.same()) == 30
    terminal.type(":q!\r")
    terminal.wait_for(r"shell\$ *\s*\Z")
    terminal.line("clear; seq 1 20000 | sed 's/$/ lines of a log that pours/'; echo poured | tr a-z A-Z")
    terminal.wait_for("POURED")
    watched.same()
    key = watched.key
    watched.end()
    wait_until(lambda: all(one["state"] != "live" for one in shared.gateway.recordings()), "the recording to end")
    assert shared.gateway.command("recordings", "verify", key).ok()
    assert compare_at_random_times(watched, key, folder, 12) > 4
    played = shared.gateway.command("recordings", "play", "--no-wait", "--from", "1", key)
    assert played.status == 0, played
    assert shared.gateway.command("recordings", "show", "--at", "1:99", key).status == 2


@pytest.mark.row("B7")
@pytest.mark.parametrize("program", [("htop -d 100", "q", "PID"), ("tmux -L inner-{name} -f /dev/null", "exit\r", r"\[0\] \d:")],
                         ids=lambda one: one[0].split()[0])
def test_full_screen_programs_replay(shared, folder, program):
    command, leave, wanted = program
    watched = Watched(shared, folder)
    watched.begin()
    watched.terminal.line(command.format(name=watched.terminal.name))
    watched.terminal.wait_for(wanted)
    if command.startswith("tmux"):
        watched.terminal.line("echo within tmux; printf '日本語\\n'")
        watched.terminal.wait_for("日本語\n")
    watched.same()
    watched.terminal.type(leave)
    watched.terminal.wait_for(r"shell\$ *\s*\Z")
    key = watched.key
    watched.end()
    wait_until(lambda: all(one["state"] != "live" for one in shared.gateway.recordings()), "the recording to end")
    assert compare_at_random_times(watched, key, folder, 6) > 2


@pytest.mark.row("B7")
@pytest.mark.soak
def test_a_hundred_megabytes_replay(shared, folder):
    watched = Watched(shared, folder)
    watched.begin()
    text = folder / "log"
    dice = random.Random(1)
    with text.open("w") as file:
        for n in range(1_300_000):
            colour = f"\033[3{dice.randrange(8)}m" if n % 3 == 0 else ""
            file.write(f"{colour}{n} {'entry ' * dice.randrange(4, 16)}日本\033[m\n")
    watched.terminal.line(f"cat {text}; echo poured | tr a-z A-Z")
    watched.terminal.wait_for("POURED", timeout=120)
    watched.same()
    key = watched.key
    watched.end()
    wait_until(lambda: all(one["state"] != "live" for one in shared.gateway.recordings()), "the recording to end")
    assert compare_at_random_times(watched, key, folder, 8) > 4


def commands(world, key, *arguments):
    return json.loads(world.gateway.command("recordings", "show", "--commands", "--json", *arguments, key).ok().out)


@pytest.mark.row("E6", "F6")
def test_typed_commands_are_read_from_the_screen(shared, folder):
    watched = Watched(shared, folder, width=60)
    terminal = watched.terminal
    watched.begin()
    terminal.line("echo one")
    terminal.wait_for("one\nshell")
    terminal.type("echo twx")
    terminal.key("BSpace")
    terminal.line("o")
    terminal.wait_for("two\nshell")
    terminal.key("Up")
    terminal.wait_for(r"shell\$ echo two\s*\Z")
    terminal.line(" more")
    terminal.wait_for("two more\nshell")
    terminal.key("C-r")
    terminal.type("one")
    terminal.wait_for("echo one")
    terminal.key("Enter")
    terminal.wait_for(r"echo one *\none\nshell\$ *\s*\Z")
    terminal.type("ls /usr/bin/ssh-keyg")
    terminal.key("Tab")
    terminal.wait_for("ssh-keygen ")
    terminal.key("Enter")
    terminal.wait_for(r"ssh-keygen\nshell\$ *\s*\Z")
    terminal.line("echo 議事録を見る; echo " + "長い行" * 15)
    terminal.wait_for(r"長い行\nshell\$ *\s*\Z")
    terminal.line("read -s -p 'Password: ' secret; echo")
    terminal.wait_for(r"\nPassword: *\s*\Z")
    terminal.line(MARKER)
    terminal.wait_for(r"shell\$ *\s*\Z")
    terminal.line("vim -u NONE -n /tmp/none")
    terminal.wait_for(r"~ *\n")
    terminal.line(":echo 'in vim'")
    terminal.type(":q!\r")
    terminal.wait_for(r"shell\$ *\s*\Z")
    key = watched.key
    watched.end()
    wait_until(lambda: all(one["state"] != "live" for one in shared.gateway.recordings()), "the recording to end")
    found = [one["text"] for one in commands(shared, key) if one["how"] == "typed"]
    assert found[1:] == [
        "echo one", "echo two", "echo two more", "echo one", "ls /usr/bin/ssh-keygen", "echo 議事録を見る; echo " + "長い行" * 15,
        "read -s -p 'Password: ' secret; echo", "vim -u NONE -n /tmp/none", "exit"], found
    prompts = {one["prompt"] for one in commands(shared, key)[1:]}
    assert prompts == {"shell$ "}, prompts
    out = shared.gateway.command("recordings", "export", "--format", "commands", "--output", "-", key).ok().out
    assert [json.loads(line)["text"] for line in out.splitlines()] == [one["text"] for one in commands(shared, key)]
    table = shared.gateway.command("recordings", "show", "--commands", key).ok().text
    assert "議事録を見る" in table and re.search(r"TIME +CHANNEL +TARGET +HOW +COMMAND", table)


@pytest.mark.row("E6", "F6")
def test_commands_that_were_typed_ahead(shared, folder):
    """While another runs, whole and in part: the terminal itself shows them at once, and the shell again, behind its prompt."""
    watched = Watched(shared, folder, width=60)
    terminal = watched.terminal
    watched.begin()
    go = folder / "go"
    long = "echo 議事録を見る; echo " + "長い行" * 15
    for typed in ([long, "Enter", "ls /usr/bin/ssh-keyg", "Tab", "Enter"], [long]):
        terminal.line(f"echo runs; until test -e {go}; do sleep 0.02; done")
        terminal.wait_for(r"\nruns\n\s*\Z")
        for one in typed:
            terminal.key(one) if one in ("Enter", "Tab") else terminal.type(one)
        terminal.wait_for("keyg" if len(typed) > 1 else r"長い行\s*\Z")
        go.touch()
        terminal.wait_for(r"ssh-keygen\s*\nshell\$ *\s*\Z" if len(typed) > 1 else r"行shell\$ echo.*行\s*\Z")
        go.unlink()
    terminal.key("Enter")
    terminal.wait_for(r"行\nshell\$ *\s*\Z")
    key = watched.key
    watched.end()
    wait_until(lambda: all(one["state"] != "live" for one in shared.gateway.recordings()), "the recording to end")
    found = [(one["prompt"], one["text"]) for one in commands(shared, key) if not one["text"].startswith(("echo runs", "export"))]
    assert found == [("shell$ ", one) for one in (long, "ls /usr/bin/ssh-keygen", long, "exit")], found


@pytest.mark.row("B1", "F6")
@pytest.mark.parametrize("kept", [False, True], ids=["hidden", "by-rule"])
def test_what_the_terminal_does_not_show_is_recorded_only_by_rule(shared, folder, kept):
    """Passwords that a shell, a program and a reader without a prompt ask for. All other keys are there, a pager's too."""
    access = shared.access()
    for rule in access["rule"]:
        if kept and rule["name"] == "guests type":
            rule["record_hidden_input"] = True
    shared.gateway.apply(access, "--prune")
    watched = Watched(shared, folder, user=shared.guest)
    terminal = watched.terminal
    typed = []

    def line(text, wanted, secret=False):
        terminal.line(text)
        typed.append((text if kept or not secret else "") + "\r")
        terminal.wait_for(wanted)
    prompt = r"shell\$ *\s*\Z"
    line("PS1='shell$ '; cd /; clear", r"\A\s*shell\$ *\s*\Z")
    line("read -s -p 'Password: ' secret; echo got ${#secret}", r"\nPassword: *\s*\Z")
    line(MARKER + "-1", rf"got {len(MARKER) + 2}\n" + prompt, True)
    line("python3 -c 'import getpass; print(len(getpass.getpass()), \"it has\")'", r"\nPassword: *\s*\Z")
    line(MARKER + "-22", rf"{len(MARKER) + 3} it has\n" + prompt, True)
    line("echo go; read -s secret; echo also ${#secret}", r"\ngo\s*\Z")
    line(MARKER + "-333", rf"also {len(MARKER) + 4}\n" + prompt, True)
    line("seq 1000 | less", r"\n:\s*\Z")
    for key, shown in ((" ", r"\n46\s*\n:\s*\Z"), ("q", prompt)):
        terminal.type(key)
        typed.append(key)
        terminal.wait_for(shown)
    line("cat > /dev/null", r"null\n\s*\Z")
    line("a line for a program", r"a program\n\s*\Z")
    terminal.key("C-d")
    typed.append("\x04")
    terminal.wait_for(prompt)
    key = watched.key
    watched.end()
    typed.append("exit\r")
    wait_until(lambda: all(one["state"] != "live" for one in shared.gateway.recordings()), "the recording to end")
    cast = shared.gateway.command("recordings", "export", "--format", "asciicast-v2", "--input", "--output", "-", key).ok().out.decode()
    events = [json.loads(text) for text in cast.splitlines()[1:]]
    assert "".join(text for _, code, text in events if code == "i") == "".join(typed)
    assert (MARKER in cast) == kept
    assert shared.gateway.command("recordings", "verify", key).ok()


@pytest.mark.row("E6")
def test_exec_is_a_command_exactly(shared):
    line = "echo  'two  spaces' ; true"
    shared.alice.ssh(shared.place(), line)
    (found,) = commands(shared, evidence.newest(shared, shared.alice)["audit_key"])
    assert (found["how"], found["text"], found["prompt"]) == ("exec", line, None), found
