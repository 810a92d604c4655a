"""Completion in real shells: what Tab makes of a line, with names from a running gateway, and in silence without one."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from processes import PATIENCE, run

ACCESS = {"user": [{"name": "alice"}, {"name": "albert"}, {"name": "bob", "groups": ["ops"]}],
          "target": [{"name": "web1", "address": "10.0.0.5:22", "trust": "first-use"}],
          "rule": [{"name": "ops on web", "users": ["@ops"], "allow": ["shell"]}]}


@pytest.fixture
def gateway(make_gateway):
    gateway = make_gateway()
    gateway.apply(ACCESS)
    (gateway.folder / "bin").mkdir()
    (gateway.folder / "bin/sekisho").symlink_to(gateway.program)
    return gateway.start()


def environment(gateway):
    return {"PATH": f"{gateway.folder}/bin:{os.environ['PATH']}", "SEKISHO_CONFIG": str(gateway.config_path), "HOME": str(gateway.folder),
            "TERM": "dumb", "LANG": "C.UTF-8"}


class Shell:
    """An interactive shell on a terminal of its own; `line` is what its editor makes of keys."""

    def __init__(self, gateway, arguments, setup):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([str(word) for word in arguments], stdin=slave, stdout=slave, stderr=slave,
                                        env=environment(gateway), start_new_session=True, cwd=gateway.folder / "bin")
        os.close(slave)
        self.said = b""
        for text in setup:
            self.send(text + "\n")
        self.send("echo rea''dy\n")
        self.read_until(rb"\nready")

    def send(self, text):
        os.write(self.master, text.encode())

    def read_until(self, pattern):
        end = time.monotonic() + 20 * PATIENCE
        while not re.search(pattern, self.said):
            assert time.monotonic() < end, self.said[-2000:]
            if select.select([self.master], [], [], 0.2)[0]:
                self.said += os.read(self.master, 65536)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def tab_completes(shell):
    """The command that Tab completed is run: what it says shows how the shell completed and quoted it."""
    for keys, wanted in (("sekisho user show ali", r"name +alice"), ("sekisho rule show op", r"name +ops on web"),
                         ("sekisho target show w", r"name +web1"), ("sekisho target ls --js", r'"address": "10\.0\.0\.5:22"')):
        shell.said = b""
        shell.send(keys + "\t\n")
        shell.read_until(wanted.encode())


def bash_offers(gateway, line):
    """What the function for `complete` leaves in COMPREPLY for a line, split as bash splits it."""
    script = r"""
source <(sekisho completion bash)
COMP_LINE="$1" COMP_POINT=${#1}
# As readline does: words end at blanks, and at = : @ each of which stands alone.
mapfile -t COMP_WORDS < <(printf '%s' "$COMP_LINE" | grep -oE "[=:]+|([^][:space:]=:\\\\]|\\\\.)+")
[[ $COMP_LINE == *[[:space:]] ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_sekisho
printf '%s\n' "${COMPREPLY[@]}"
"""
    return run(["bash", "-c", script, "bash", line], env=environment(gateway)).ok().text.split()


def test_bash_by_its_function(gateway):
    assert bash_offers(gateway, "sekisho us") == ["user"]
    assert bash_offers(gateway, "sekisho user ") == ["add", "ls", "rm", "set", "show"]
    assert bash_offers(gateway, "sekisho user show al") == ["albert", "alice"]
    assert bash_offers(gateway, "sekisho sessions ls --l") == ["--live", "--login"]
    assert bash_offers(gateway, "sekisho sessions ls --user b") == ["bob"]
    assert bash_offers(gateway, "sekisho target set web1 au") == ["auth="]
    assert bash_offers(gateway, "sekisho target set web1 auth=ag") == ["agent"]
    assert bash_offers(gateway, "sekisho --config nowhere.toml user show al") == []
    gateway.stop()
    assert bash_offers(gateway, "sekisho user show al") == []
    assert bash_offers(gateway, "sekisho us") == ["user"]


def test_bash_with_tab(gateway):
    shell = Shell(gateway, ["bash", "--norc", "--noprofile", "-i"],
                  ["PS1='$ '", "bind 'set enable-bracketed-paste off'", "source <(sekisho completion bash)"])
    try:
        tab_completes(shell)
    finally:
        shell.close()


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_with_tab(gateway):
    shell = Shell(gateway, ["zsh", "-f", "-i"], ["PS1='$ '", "autoload -Uz compinit && compinit -u -D", "source <(sekisho completion zsh)"])
    try:
        tab_completes(shell)
    finally:
        shell.close()


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish(gateway):
    def offers(line):
        script = f"sekisho completion fish | source; complete --do-complete '{line}'"
        done = run(["fish", "--no-config", "-c", script], env=environment(gateway))
        return done.ok().text.splitlines()
    assert offers("sekisho us") == ["user"]
    assert offers("sekisho user show al") == ["albert", "alice"]
    assert offers("sekisho rule rm ") == ["ops on web"]
    assert offers("sekisho target set web1 auth=ag") == ["auth=agent"]


def test_another_shell_is_refused(gateway):
    done = gateway.command("completion", "tcsh")
    assert done.status == 2 and "tcsh" in done.err
