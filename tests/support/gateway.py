"""The gateway under test: the built binary with a data folder, a configuration and a port of its own."""
import json
import os
import signal
from pathlib import Path

from processes import PATIENCE, Completed, Daemon, free_port, run
from toml_text import access_text, config_text

ROOT = Path(__file__).resolve().parents[2]


def binary():
    path = Path(os.environ.get("SEKISHO_BIN", "build/release/sekisho"))
    return path if path.is_absolute() else ROOT / path


class Gateway:
    """`start()` after `init()`; everything else through the commands that an operator types."""

    def __init__(self, folder, port=None, config=None, program=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.program = program or binary()
        self.port = port or free_port()
        self.data_dir = self.folder / "data"
        self.config_path = self.folder / "sekisho.toml"
        self.daemon = None
        self.configure(**(config or {}))

    def configure(self, **tables):
        """Writes the configuration; `tables` are laid over the usual one, e.g. recording={"on_failure": "end"}."""
        config = {
            "data_dir": str(self.data_dir),
            "ssh": {"listen": [f"127.0.0.1:{self.port}"]},
            # Tests refuse what they refuse; what a network earns that way is tested from other addresses of loopback.
            "ssh.penalties": {"exempt": ["127.0.0.1"]},
            "admin": {"socket": str(self.folder / "admin.sock")},
            "store": {"url": "sqlite:sekisho.db"},
            "recording": {"on_failure": "refuse"},
            "log.monthly": {"dir": str(self.folder / "monthly")},
        }
        (self.folder / "monthly").mkdir(exist_ok=True)
        for name, table in tables.items():
            name = name.replace("__", ".")
            config[name] = {**config.get(name, {}), **table} if isinstance(table, dict) else table
        self.config_path.write_text(config_text(config))

    # --- commands ---
    def command(self, *arguments, timeout=60, given=b"") -> Completed:
        env = {**os.environ, "SEKISHO_CONFIG": str(self.config_path), "NO_COLOR": "1"}
        return run([self.program, *arguments], timeout=timeout, env=env, given=given)

    def listing(self, *arguments):
        """A listing as values. Both a list and an object with one list in it are taken."""
        value = json.loads(self.command(*arguments, "--json").ok().text)
        if isinstance(value, dict):
            value = next(item for item in value.values() if isinstance(item, list))
        return value

    def init(self):
        self.command("init", "--data-dir", self.data_dir).ok()
        return self

    def apply(self, access, *arguments):
        path = self.folder / "access.toml"
        path.write_text(access if isinstance(access, str) else access_text(access))
        return self.command("apply", path, *arguments).ok()

    def sessions(self):
        return self.listing("sessions", "ls")

    def recordings(self):
        return self.listing("recordings", "ls")

    def audit(self):
        return self.listing("audit", "ls")

    def play(self, audit_key, *arguments, timeout=120) -> bytes:
        """A recording's output bytes, without pauses."""
        return self.command("recordings", "play", audit_key, "--speed", "1000", "--max-pause", "0", *arguments, timeout=timeout).ok().out

    def channels(self, audit_key):
        """A recording's channels: number, type, target, destination, command, bytes, exit."""
        return self.listing("recordings", "show", audit_key)

    def export(self, audit_key, form, prefix):
        """The files that an export writes, data first."""
        self.command("recordings", "export", audit_key, "--format", form, "--output", prefix).ok()
        made = sorted(Path(prefix).parent.glob(Path(prefix).name + "*"))
        assert made, "the export wrote no file"
        return made

    # --- keys ---
    @property
    def host_key(self):
        return " ".join((self.data_dir / "keys/host_ed25519.pub").read_text().split()[:2])

    @property
    def user_ca(self):
        """The line for a target's TrustedUserCAKeys."""
        lines = [line for line in self.command("ca", "show").ok().text.splitlines() if line.startswith(("ssh-", "ecdsa-"))]
        assert lines, "`ca show` printed no line that begins with a key type"
        return lines[0]

    # --- life ---
    def start(self):
        env = {**os.environ, "SEKISHO_CONFIG": str(self.config_path)}
        self.daemon = Daemon([self.program, "serve", "--config", self.config_path], self.folder / "gateway.log", env=env)
        self.daemon.wait_for_port(self.port)
        return self

    def reload(self):
        """SIGHUP; returns when the gateway says that it took it."""
        before = self.daemon.said().count("reload")
        self.daemon.process.send_signal(signal.SIGHUP)
        from processes import wait_until
        wait_until(lambda: self.daemon.said().count("reload") > before, "the log's word that the configuration was read again")

    def stop(self):
        if self.daemon is None:
            return 0
        status = self.daemon.stop(timeout=20 * PATIENCE)
        said = self.daemon.said()
        for sign in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer"):
            assert sign not in said, f"the gateway's log has {sign}:\n" + said[max(0, said.index(sign) - 500):][:6000]
        return status

    def kill(self):
        self.daemon.kill()
