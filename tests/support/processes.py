"""Processes of the tests: started with their output in a file, waited for by what they do, ended by their own id."""
import itertools
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# Sanitizer builds are several times slower; every wait is scaled by this.
PATIENCE = 4 if os.environ.get("SEKISHO_SANITIZED") else 1


def ports():
    """Ports that this process may give away, one after the other: below those that the system gives to connections, so that none of these
    takes one between the end of a server and its next start; and other ones for each process that runs tests beside this one."""
    first, size, workers = 10_000, 22_000, 8
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{workers - 1}").removeprefix("gw")) % workers
    own = range(first + worker * (size // workers), first + (worker + 1) * (size // workers))
    return itertools.cycle([*own[os.getpid() % len(own):], *own[:os.getpid() % len(own)]])


PORTS = ports()


def free_port():
    for port in PORTS:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(holds, what, timeout=20):
    """Returns what `holds()` gives as soon as that is true; fails naming `what` when it never is."""
    end = time.monotonic() + timeout * PATIENCE
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout * PATIENCE} s in vain: {what}")
        time.sleep(0.02)


def end_client(process):
    """Ends a client by SIGTERM, said again until it is heard: OpenSSH before 9.3 overlooks one that comes just before it
    waits, and then sits there until the next packet."""
    process.terminate()
    while process.poll() is None:
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            process.terminate()


def greeting(port, timeout=2):
    """The first line that an SSH server on loopback sends, or nothing."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.settimeout(timeout)
            return connection.recv(255)
    except OSError:
        return b""


@dataclass
class Completed:
    status: int
    out: bytes
    err: str

    @property
    def text(self):
        return self.out.decode(errors="replace")

    def ok(self):
        """Itself, after making sure that the command succeeded."""
        assert self.status == 0, f"exit status {self.status}\nstdout: {self.text[-2000:]}\nstderr: {self.err[-2000:]}"
        return self


def run(arguments, given=b"", timeout=60, env=None, cwd=None):
    """Runs a command to its end. `given` is its stdin: bytes, or an open file."""
    stdin = {"input": given} if isinstance(given, bytes) else {"stdin": given}
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, timeout=timeout * PATIENCE,
                          env=env, cwd=cwd, **stdin)
    return Completed(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


class Daemon:
    """A process that runs beside the test. Its output goes to a file, which stays readable after its end."""

    def __init__(self, arguments, log, env=None, cwd=None):
        self.log = Path(log)
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def said(self):
        """What this run has written so far."""
        with open(self.log, "rb") as log:
            log.seek(self._begin)
            return log.read().decode(errors="replace")

    def wait_for(self, pattern, timeout=20):
        def seen():
            found = re.search(pattern, self.said())
            if not found and not self.alive():
                raise AssertionError(f"ended with {self.process.returncode} before it said {pattern!r}:\n{self.said()[-3000:]}")
            return found
        return wait_until(seen, f"{pattern!r} in {self.log}", timeout)

    def wait_for_port(self, port, timeout=30):
        def answers():
            if not self.alive():
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.said()[-3000:]}")
            return greeting(port).startswith(b"SSH-")
        wait_until(answers, f"an SSH greeting on port {port}", timeout)

    def stop(self, timeout=20):
        """SIGTERM, then waits. Returns the exit status."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.process.args[0]} did not end within {timeout * PATIENCE} s after SIGTERM")

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()

    # --- what it costs, from /proc ---
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory_kib(self, field="RssAnon"):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {field} in /proc/{self.pid}/status")
