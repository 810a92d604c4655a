"""The stock clients of one user: their configuration, keys and known hosts in a folder, nothing of the caller's own."""
import base64
import hashlib
import os
import re
import subprocess
import time
from pathlib import Path

from processes import run
from targets import make_key

SUPPORT = Path(__file__).resolve().parent


class Clients:
    """`gw` in every command is the server at `port`. Each instance is one user with one key."""

    def __init__(self, folder, name, port=None, host_key=None, key=None, options=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.key = Path(key) if key else self.folder / "id_ed25519"
        self.public_key = Path(f"{self.key}.pub").read_text().strip() if key else make_key(self.key, comment=f"{name}@test")
        self.captures = self.folder / "captures"
        self.captures.mkdir(exist_ok=True)
        self.options = options
        self._agent = None
        self.server(port, host_key)

    def server(self, port, host_key):
        """Where `gw` is, and the host key it must show."""
        self.port, self.host_key = port, host_key
        if port is None:
            return
        (self.folder / "known_hosts").write_text(f"gw,[127.0.0.1]:{port} {host_key}\n")
        lines = [f"Port {port}", "HostName 127.0.0.1", "HostKeyAlias gw", f"UserKnownHostsFile {self.folder}/known_hosts",
                 "GlobalKnownHostsFile /dev/null", "StrictHostKeyChecking yes", f"IdentityFile {self.key}", "IdentitiesOnly yes",
                 "BatchMode yes", "CheckHostIP no", "UpdateHostKeys no", *self.options]
        (self.folder / "config").write_text("Host *\n" + "".join(f"    {line}\n" for line in lines))

    @property
    def config(self):
        return self.folder / "config"

    def environment(self, **more):
        env = {key: value for key, value in os.environ.items() if key not in ("SSH_AUTH_SOCK", "LC_ALL", "TMUX")}
        env.update(SEKISHO_SSH_CONFIG=str(self.config), SEKISHO_CAPTURES=str(self.captures), HOME=str(self.folder), TERM="xterm")
        if self._agent:
            env["SSH_AUTH_SOCK"] = self._agent[0]
        env.update(more)
        return env

    @property
    def program(self):
        """An `ssh` for other programs to call, which keeps what it wrote in `captures`."""
        return SUPPORT / "capturing_ssh.py"

    def ssh(self, *arguments, given=b"", timeout=60, **env):
        return run(["ssh", "-F", self.config, *arguments], given=given, timeout=timeout, env=self.environment(**env))

    def captured_ssh(self, *arguments, given=b"", timeout=60, **env):
        return run([self.program, *arguments], given=given, timeout=timeout, env=self.environment(**env))

    def start(self, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        """ssh beside the test, with pipes."""
        return subprocess.Popen(["ssh", "-F", str(self.config), *[str(argument) for argument in arguments]], stdin=stdin, stdout=stdout,
                                stderr=stderr, env=self.environment())

    def run(self, *arguments, given=b"", timeout=60, cwd=None, **env):
        return run(arguments, given=given, timeout=timeout, env=self.environment(**env), cwd=cwd)

    def captured(self):
        """What the channels of the captured runs wrote to stdout: [(arguments, bytes)]."""
        runs = [(path.read_text().split("\n")[:-1], path.with_suffix(".out").read_bytes())
                for path in sorted(self.captures.glob("*.args")) if path.with_suffix(".out").exists()]
        return [(arguments, out) for arguments, out in runs if "-G" not in arguments]  # with -G, which git asks, ssh connects nowhere

    def keep(self, what, received):
        """Adds what a forward brought to `captured`."""
        name = self.captures / f"{time.time_ns()}-{what.replace(' ', '-')}"
        name.with_suffix(".args").write_text(what + "\n")
        name.with_suffix(".out").write_bytes(received)

    # --- agent ---
    def start_agent(self):
        """An agent of this user that holds the key; later commands see it."""
        if self._agent is None:
            told = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
            self._agent = (re.search(r"SSH_AUTH_SOCK=([^;]+)", told)[1], int(re.search(r"SSH_AGENT_PID=(\d+)", told)[1]))
            self.run("ssh-add", "-q", self.key).ok()

    def stop_agent(self):
        if self._agent is not None:
            os.kill(self._agent[1], 15)
            self._agent = None

    # --- other implementations ---
    @property
    def host_fingerprint(self):
        digest = hashlib.sha256(base64.b64decode(self.host_key.split()[1])).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def putty_key(self):
        path = self.folder / "id.ppk"
        if not path.exists():
            self.run("puttygen", self.key, "-O", "private", "-o", path).ok()
        return path

    def dropbear_key(self):
        path = self.folder / "id_dropbear"
        if not path.exists():
            self.run("dropbearconvert", "openssh", "dropbear", self.key, path).ok()
        return path
