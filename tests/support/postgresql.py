"""A PostgreSQL of the tests' own: a cluster in a folder, on a free port of loopback and a socket beside it."""
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

from processes import PATIENCE, Daemon, free_port, run, wait_until

PR_SET_PDEATHSIG = 1
USER = "sekisho"
PASSWORD = "not'a \\secret?@/#%2"  # every character that a URL or a connection text could stumble over


def programs():
    """The folder of PostgreSQL's newest programs, or None: postgresql-15 is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def die_with_the_tests():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


class PostgreSql:
    """The role `postgres` comes in over the socket without a password, USER over TCP (and TLS) with PASSWORD. It forgets what a
    crash of the machine would lose (fsync = off), and nothing else."""

    def __init__(self, folder=None):
        if programs() is None:
            raise RuntimeError("postgresql-15 is not installed; ./dev deps installs it")
        self._own_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="sekisho-pg-"))
        self.folder.mkdir(exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.data = self.folder / "cluster"
        self.port = free_port()
        self.daemon = None
        # The server refuses to run as root.
        self._account = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        self.socket_folder = self.folder / "run"
        for path in (self.data, self.socket_folder):
            path.mkdir(mode=0o700)
            if self._account:
                shutil.chown(path, "postgres", "postgres")
        os.chmod(self.socket_folder, 0o755)
        self._run(programs() / "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-A", "trust")
        self._run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                  "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.data / "server.key", "-out",
                  self.data / "server.crt")
        self.ca = Path(shutil.copy(self.data / "server.crt", self.folder / "ca.pem"))  # signed by itself
        hba = self.data / "pg_hba.conf"
        hba.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")

    def _run(self, *command):
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, cwd=self.folder,
                              timeout=120 * PATIENCE, **self._account)
        assert done.returncode == 0, f"{command[0]}: {done.stdout.decode()}\n{done.stderr.decode()}"

    def start(self):
        """Returns when it takes connections."""
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.socket_folder,
                   "ssl": "on", "fsync": "off", "max_connections": 60, "logging_collector": "off", "shared_buffers": "32MB",
                   "log_min_messages": "warning"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self.daemon = Server([programs() / "postgres", "-D", self.data, *words], self.folder / "postgresql.log", cwd=self.folder,
                             **self._account)

        def ready():
            assert self.daemon.alive(), f"PostgreSQL ended:\n{self.daemon.said()[-3000:]}"
            return run([programs() / "pg_isready", "-q", "-h", self.socket_folder, "-p", self.port]).status == 0
        wait_until(ready, "PostgreSQL to take connections", 60)
        return self

    def stop(self, how=signal.SIGINT):
        """SIGINT ends sessions and stops (fast); SIGQUIT is a crash, after which it recovers."""
        if self.daemon is not None and self.daemon.alive():
            self.daemon.process.send_signal(how)
            self.daemon.process.wait(30 * PATIENCE)

    def remove(self):
        try:
            self.stop()
        finally:
            if self.daemon is not None and self.daemon.alive():
                self.daemon.kill()
            if self._own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statement, database="postgres"):
        """One statement as the role postgres; its answer without headings, columns between |."""
        return run([programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket_folder, "-p", self.port,
                    "-U", "postgres", "-d", database, "-c", statement]).ok().text.strip()

    def admin_url(self):
        return f"postgresql:///postgres?host={quote(str(self.socket_folder), safe='')}&port={self.port}&user=postgres"

    def database(self, name):
        """Makes an empty database that belongs to USER."""
        if self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{USER}'") != "1":
            escaped = PASSWORD.replace("'", "''")
            self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{escaped}'")
        self.sql(f"CREATE DATABASE {name} OWNER {USER}")
        return name

    def url(self, database, password=None, **options):
        """Over TCP as USER. Without a password the options name a passfile."""
        who = USER if password is None else f"{USER}:{quote(password, safe='')}"
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in options.items())
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}" + (f"?{query}" if query else "")

    def passfile(self, path, password=PASSWORD):
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        path = Path(path)
        path.write_text(f"127.0.0.1:{self.port}:*:{USER}:{escaped}\n")
        path.chmod(0o600)
        return path


class Server(Daemon):
    """Ends with the process that started it, however that ends."""

    def __init__(self, arguments, log, cwd, **account):
        self.log = Path(log)
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True,
                                            preexec_fn=die_with_the_tests, **account)
