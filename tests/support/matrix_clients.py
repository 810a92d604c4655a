"""Peers of the matrix as clients. Each says what it can do (`lists`), and does it with an algorithm forced by its own options."""
import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import implementations
from processes import PATIENCE, end_client, free_port, run, wait_until

KINDS = ("kex", "host key", "cipher", "mac")


class Lacks(Exception):
    """The peer has no such feature, or no option that chooses it; the text says which."""


@dataclass
class Outcome:
    status: int | None
    out: bytes
    err: str
    rekeys: int | None = None


@dataclass
class Place:
    """Where a client connects: a port on loopback, a user name, what may be shown there; and whose key is used."""
    port: int
    user: str
    user_folder: Path
    key: Path
    known_hosts: Path
    fingerprints: list
    environment: dict


def in_terminal(command, env, size, typed=b"", resize=None, timeout=30):
    """Runs a program in a terminal of its own; types once it shows a prompt, changes the size once it says that it is ready."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen([str(word) for word in command], stdin=other, stdout=other, stderr=other, env=env, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(other)
    seen, end = b"", time.monotonic() + timeout * PATIENCE
    try:
        while time.monotonic() < end:
            if select.select([main], [], [], 0.2)[0]:
                try:
                    data = os.read(main, 65536)
                except OSError:
                    break
                if not data:
                    break
                seen += data
            if typed and re.search(rb"[#$] (\x1b\[\S*)?$", seen):
                os.write(main, typed)
                typed = b""
            if resize and b"ready" in seen:
                fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", resize[1], resize[0], 0, 0))
                resize = None
        else:
            raise AssertionError(f"no end within {timeout} s; the terminal shows {seen[-1000:]!r}")
        return Outcome(process.wait(10), seen, "")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(main)


def through_port(process_of, payload):
    """Starts a client that forwards a local port, sends the payload through it and returns what came back."""
    port = free_port()
    process = process_of(port)
    try:
        def connect():
            assert process.poll() is None, f"the client ended: {process.stderr.read()[-1000:]}"
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=20)
            except OSError:
                return None
        with wait_until(connect, "the client to listen") as connection:
            threading.Thread(target=lambda: (connection.sendall(payload), connection.shutdown(socket.SHUT_WR)), daemon=True).start()
            got = b""
            while data := connection.recv(65536):
                got += data
        return got
    finally:
        end_client(process)
        process.stderr.close()


@dataclass
class Ask:
    """How a session is wanted: `forced` algorithms, what to type or send, a terminal's size and its later size, and the rest."""
    forced: dict | None = None
    stdin: bytes = b""
    size: list | None = None
    resize: list | None = None
    agent: bool = False
    keepalive: int = 0  # seconds
    rekey: int = 0      # bytes until the peer starts one
    count: bool = False # its rekeys


def beside(line, env):
    """A client that runs beside the test, with its complaints in a pipe."""
    return subprocess.Popen([str(word) for word in line], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            env=env)


def forward_option(port, destination):
    return ["-N", "-L", f"127.0.0.1:{port}:{destination[0]}:{destination[1]}"]


class Client:
    counts_rekeys = True
    payloads = 1  # in a transfer, each way
    own_rekey = True

    def missing(self):
        """Why this peer is not here, or nothing."""
        return None

    def names_one(self, kind):
        """Whether its options can choose any one algorithm of that kind."""
        return True


class OpenSsh(Client):
    def __init__(self, version):
        self.name = f"OpenSSH {version}"
        self.version = version
        self.root = implementations.openssh_folder(version)

    def missing(self):
        return None if self.root else "not below build/peers; ./dev peers fetches it"

    def program(self, name):
        return self.root / "usr/bin" / name

    def lists(self):
        def asked(what):
            return run([self.program("ssh"), "-Q", what]).ok().text.split()
        return {"kex": asked("kex"), "host key": asked("HostKeyAlgorithms"), "cipher": asked("cipher"), "mac": asked("mac")}

    def options(self, place, forced=None, rekey=0, keepalive=0):
        result = ["-F", "none"]
        settings = {"Port": place.port, "UserKnownHostsFile": place.known_hosts, "GlobalKnownHostsFile": "/dev/null",
                    "StrictHostKeyChecking": "yes", "IdentityFile": place.key, "IdentitiesOnly": "yes", "BatchMode": "yes",
                    "UpdateHostKeys": "no", "HostKeyAlias": "gw"}
        names = {"kex": "KexAlgorithms", "host key": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}
        settings.update({names[kind]: value for kind, value in (forced or {}).items()})
        if rekey:
            settings["RekeyLimit"] = rekey
        if keepalive:
            settings.update(ServerAliveInterval=keepalive, ServerAliveCountMax=1)
        for name, value in settings.items():
            result += ["-o", f"{name}={value}"]
        return result

    def session(self, place, command, **how):
        ask = Ask(**how)
        switches = (["-A"] if ask.agent else []) + (["-v"] if ask.count else []) + (["-tt"] if ask.size else [])
        line = [self.program("ssh"), *self.options(place, ask.forced, ask.rekey, ask.keepalive), *switches, "-l", place.user, "127.0.0.1",
                *([command] if command else [])]
        if ask.size:
            return in_terminal(line, place.environment, ask.size, ask.stdin, ask.resize)
        done = run(line, given=ask.stdin, env=place.environment)
        return Outcome(done.status, done.out, done.err, done.err.count("SSH2_MSG_NEWKEYS received") - 1 if ask.count else None)

    def _copy(self, place, line, put, there, get):
        user = f"{place.user}@127.0.0.1"
        run([*line, put, f"{user}:{there}"], env=place.environment).ok()
        run([*line, f"{user}:{there}", get], env=place.environment).ok()

    def scp(self, place, put, there, get):
        self._copy(place, [self.program("scp"), "-q", "-O", "-S", self.program("ssh"), *self.options(place)], put, there, get)

    def sftp(self, place, put, there, get):
        batch = place.user_folder / "sftp-batch"
        batch.write_text(f"put {put} {there}\nget {there} {get}\n")
        run([self.program("sftp"), "-q", "-b", batch, "-S", self.program("ssh"), *self.options(place), f"{place.user}@127.0.0.1"],
            env=place.environment).ok()

    def forward(self, place, destination, payload):
        def start(port):
            return beside([self.program("ssh"), *self.options(place), *forward_option(port, destination), "-l", place.user, "127.0.0.1"],
                          place.environment)
        return through_port(start, payload)

    def shared(self, place, count):
        """So many commands at once over one connection; what each said."""
        master = place.user_folder / f"cm{self.version}"
        base = [str(word) for word in [self.program("ssh"), *self.options(place), "-S", master, "-l", place.user]]
        keeper = beside([*base, "-M", "-N", "127.0.0.1"], place.environment)
        try:
            wait_until(lambda: master.exists() or keeper.poll() is not None, "the control socket")
            others = [subprocess.Popen([*base, "127.0.0.1", f"echo {number}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       env=place.environment) for number in range(count)]
            return [other.communicate(timeout=30)[0].strip() for other in others]
        finally:
            end_client(keeper)
            keeper.stderr.close()


# PuTTY knows algorithms by families; within one it has its own order.
PUTTY_KEX = ["ecdh", "ntru-curve25519", "dh-gex-sha1", "dh-group18", "dh-group17", "dh-group16", "dh-group15", "dh-group14-sha1", "rsa",
             "WARN", "dh-group1-sha1"]
PUTTY_CIPHERS = ["aes", "chacha20", "aesgcm", "3des", "WARN", "des", "blowfish", "arcfour"]
PUTTY_HOST_KEYS = ["ed448", "ed25519", "ecdsa", "rsa", "dsa", "WARN"]
PUTTY_SETTINGS = (("kex", "KEX", PUTTY_KEX), ("cipher", "Cipher", PUTTY_CIPHERS), ("host key", "HostKey", PUTTY_HOST_KEYS))


def _first(family, families):
    return ",".join([family, *[other for other in families if other != family]])


class Putty(Client):
    name = "PuTTY"
    payloads = 3  # it sends all that the window takes before it answers a rekey: more is needed for as many

    def names_one(self, kind):
        return False

    def lists(self):
        return None  # its algorithm lists on the wire are all that it has

    def _family(self, kind, value):
        if kind == "kex":
            for part, family in (("sntrup", "ntru-curve25519"), ("exchange", "dh-gex-sha1"), ("group14", "dh-group14-sha1")):
                if part in value:
                    return family
            return "dh-" + value.split("-")[2] if "group" in value else "ecdh"
        if kind == "cipher":
            return "aesgcm" if "gcm" in value else "chacha20" if "chacha" in value else "3des" if "3des" in value else "aes"
        return "ed25519" if "ed25519" in value else "ecdsa" if "ecdsa" in value else "ed448" if "448" in value else "rsa"

    def options(self, place, forced=None, rekey=0, keepalive=0):
        """A saved session of its own for each run; returns options and environment."""
        folder = place.user_folder / "putty"
        (folder / "sessions").mkdir(parents=True, exist_ok=True)
        lines = []
        for kind, name, families in PUTTY_SETTINGS:
            if forced and kind in forced:
                lines.append(f"{name}={_first(self._family(kind, forced[kind]), families)}\n")
        lines += ["PreferKnownHostKeys=0\n", "Protocol=ssh\n", f"PortNumber={place.port}\n"]
        if rekey:  # half of it: what its window takes goes out before it acts upon the count
            lines.append(f"RekeyBytes={rekey // 2}\n")
        if keepalive:
            lines.append(f"PingIntervalSecs={keepalive}\nPingInterval=0\n")
        (folder / "sessions/matrix").write_text("".join(lines))
        key = place.user_folder / (Path(place.key).name + ".ppk")
        if not key.exists():
            run(["puttygen", place.key, "-O", "private", "-o", key]).ok()
        shown = [word for fingerprint in place.fingerprints for word in ("-hostkey", fingerprint)]
        options = ["-load", "matrix", "-batch", "-P", place.port, "-i", key, *shown, "-l", place.user]
        return options, {**place.environment, "PUTTYDIR": str(folder)}

    def session(self, place, command, **how):
        ask = Ask(**how)
        options, env = self.options(place, ask.forced, ask.rekey, ask.keepalive)
        switches = (["-A"] if ask.agent else []) + (["-t"] if ask.size and command else []) + (["-v"] if ask.count else [])
        line = ["plink", *options, *switches, "127.0.0.1", *([command] if command else [])]
        if ask.size:
            return in_terminal(line, env, ask.size, ask.stdin, ask.resize)
        done = run(line, given=ask.stdin, env=env)
        return Outcome(done.status, done.out, done.err, done.err.count("outbound encryption") - 1 if ask.count else None)

    def scp(self, place, put, there, get):
        options, env = self.options(place)
        run(["pscp", "-scp", "-q", *options, put, f"127.0.0.1:{there}"], env=env).ok()
        run(["pscp", "-scp", "-q", *options, f"127.0.0.1:{there}", get], env=env).ok()

    def sftp(self, place, put, there, get):
        options, env = self.options(place)
        batch = place.user_folder / "psftp-batch"
        batch.write_text(f"put {put} {there}\nget {there} {get}\nquit\n")
        run(["psftp", *options, "-b", batch, "127.0.0.1"], env=env).ok()

    def forward(self, place, destination, payload):
        options, env = self.options(place)

        def start(port):
            return beside(["plink", *options, *forward_option(port, destination), "127.0.0.1"], env)
        return through_port(start, payload)

    def shared(self, place, count):
        options, env = self.options(place)
        keeper = beside(["plink", *options, "-share", "-N", "127.0.0.1"], env)
        try:
            wait_until(lambda: keeper.poll() is not None or run(["plink", "-shareexists", *options, "127.0.0.1"], env=env).status == 0,
                       "the shared connection")
            return [run(["plink", *options, "-share", "127.0.0.1", f"echo {number}"], env=env).ok().out.strip() for number in range(count)]
        finally:
            end_client(keeper)
            keeper.stderr.close()


class Dropbear(Client):
    name = "Dropbear"
    counts_rekeys = False
    own_rekey = False

    def lists(self):
        return None

    def names_one(self, kind):
        return kind in ("cipher", "mac")

    def line(self, place, forced=None, keepalive=0):
        key = place.user_folder / (Path(place.key).name + ".dropbear")
        if not key.exists():
            run(["dropbearconvert", "openssh", "dropbear", place.key, key]).ok()
        result = ["dbclient", "-y", "-y", "-i", key, "-p", place.port, "-l", place.user]
        if forced and "cipher" in forced:
            result += ["-c", forced["cipher"]]
        if forced and "mac" in forced:
            result += ["-m", forced["mac"]]
        if keepalive:
            result += ["-K", keepalive]
        return result

    def session(self, place, command, **how):
        ask = Ask(**how)
        if ask.rekey:
            raise Lacks("no option for rekeying")
        line = [*self.line(place, ask.forced, ask.keepalive), *(["-A"] if ask.agent else []), *(["-t"] if ask.size else []), "127.0.0.1",
                *([command] if command else [])]
        if ask.size:
            return in_terminal(line, place.environment, ask.size, ask.stdin, ask.resize)
        done = run(line, given=ask.stdin, env=place.environment)
        return Outcome(done.status, done.out, done.err)

    def wrapper(self, place):
        """scp and sftp of others run over it."""
        path = place.user_folder / "dbclient-for-scp"
        line = " ".join(f"'{word}'" for word in self.line(place))
        # OpenSSH's scp and sftp pass options of OpenSSH's ssh before the host.
        path.write_text(f"""#!/bin/sh
subsystem=
while :; do
    case $1 in
        -o|-l|-p|-F) shift 2;;
        -o*|-x|-q|-a) shift;;
        -s) subsystem=-s; shift;;
        --) shift; break;;
        *) break;;
    esac
done
shift
exec {line} $subsystem 127.0.0.1 "$@"
""")
        path.chmod(0o755)
        return path

    def scp(self, place, put, there, get):
        line = ["scp", "-q", "-O", "-S", self.wrapper(place)]
        run([*line, put, f"127.0.0.1:{there}"], env=place.environment).ok()
        run([*line, f"127.0.0.1:{there}", get], env=place.environment).ok()

    def sftp(self, place, put, there, get):
        batch = place.user_folder / "sftp-batch"
        batch.write_text(f"put {put} {there}\nget {there} {get}\n")
        run(["sftp", "-q", "-b", batch, "-S", self.wrapper(place), "127.0.0.1"], env=place.environment).ok()

    def forward(self, place, destination, payload):
        def start(port):
            return beside([*self.line(place), *forward_option(port, destination), "127.0.0.1"], place.environment)
        return through_port(start, payload)

    def shared(self, place, count):
        raise Lacks("no connection sharing")


class Library(Client):
    """A library, driven by a small program of ours that takes a job and answers."""
    lacks = {}

    def line(self, argument):
        return [implementations.PYTHON, implementations.DRIVERS / self.driver, argument]

    def lists(self):
        return json.loads(run(self.line("lists")).ok().text)

    def job(self, place, action, timeout=60, **more):
        out, err = place.user_folder / "driver.out", place.user_folder / "driver.err"
        for path in (out, err):
            path.unlink(missing_ok=True)
        job = {"action": action, "port": place.port, "user": place.user, "key": str(place.key), "known_hosts": str(place.known_hosts),
               "out": str(out), "err": str(err), **more}
        done = run(self.line(json.dumps(job)), timeout=timeout, env=place.environment)
        assert done.status == 0, f"{self.driver}: exit status {done.status}: " + " | ".join(done.err.strip().splitlines()[-4:])
        answer = json.loads(done.text.splitlines()[-1])
        came = [path.read_bytes() if path.exists() else b"" for path in (out, err)]
        return Outcome(answer["status"], came[0], came[1].decode(errors="replace"), answer["rekeys"])

    def check(self, feature):
        if feature in self.lacks:
            raise Lacks(self.lacks[feature])

    def session(self, place, command, **how):
        ask = Ask(**how)
        for feature, wanted in (("agent", ask.agent), ("rekey", ask.rekey)):
            if wanted:
                self.check(feature)
        given = place.user_folder / "driver.in"
        given.write_bytes(ask.stdin)
        return self.job(place, "session", command=command, forced=ask.forced or {}, stdin=str(given), pty=ask.size, resize=ask.resize,
                        agent=ask.agent, keepalive=ask.keepalive, rekey=ask.rekey)

    def sftp(self, place, put, there, get):
        self.job(place, "sftp", put=str(put), there=str(there), get=str(get))

    def scp(self, place, put, there, get):
        self.check("scp")
        self.job(place, "scp", put=str(put), there=str(there), get=str(get))

    def forward(self, place, destination, payload):
        given = place.user_folder / "driver.in"
        given.write_bytes(payload)
        return self.job(place, "forward", destination=list(destination), stdin=str(given)).out

    def shared(self, place, count):
        raise Lacks("no connection sharing between processes")


class Paramiko(Library):
    name = "Paramiko"
    driver = "paramiko_client.py"
    lacks = {"scp": "the library has no scp"}


class AsyncSsh(Library):
    name = "AsyncSSH"
    driver = "asyncssh_client.py"


class Libssh(Library):
    name = "libssh"
    driver = "libssh_client.py"
    lacks = {"agent": "the library leaves agent channels to its caller"}

    def lists(self):
        return None


class Libssh2(Library):
    name = "libssh2"
    driver = "libssh2_client.py"
    counts_rekeys = False
    own_rekey = False
    lacks = {"agent": "the library has no agent channels", "rekey": "the library starts no rekey"}

    def _curl(self, scheme, place, put, there, get):
        # A fingerprint of the key that its order of host keys prefers is wanted; the sessions above check the key itself.
        line = ["curl", "-sS", "--insecure", "-u", f"{place.user}:", "--key", place.key, "--pubkey", f"{place.key}.pub"]
        url = f"{scheme}://127.0.0.1:{place.port}{there}"
        run([*line, "-T", put, url], env=place.environment).ok()
        run([*line, "-o", get, url], env=place.environment).ok()

    def sftp(self, place, put, there, get):
        self._curl("sftp", place, put, there, get)

    def scp(self, place, put, there, get):
        self._curl("scp", place, put, there, get)


class NodeSsh2(Library):
    name = "node ssh2"
    driver = "ssh2_client.js"
    own_rekey = False  # its server has rekey(), its client has not
    lacks = {"scp": "the library has no scp"}

    def missing(self):
        return None if implementations.node_ssh2() else "not below build/peers; ./dev peers fetches it"

    def line(self, argument):
        return ["node", implementations.DRIVERS / self.driver, argument, implementations.node_ssh2()]


def all_clients():
    return [OpenSsh("9.2"), OpenSsh("10.0"), Putty(), Dropbear(), Libssh(), Libssh2(), Paramiko(), AsyncSsh(), NodeSsh2()]
