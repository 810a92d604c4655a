"""The matrix of peers, roles, algorithms and features: the gateway it runs against, and the runs that fill its rows.

Every row is the outcome of a connection made for it. What was negotiated is read from the wire (wire_tap), not from options; a
transfer goes both ways and is compared with its SHA-256; the gateway asks for new keys after each MiB, so every transfer meets
several rekeys, and the peers that tell are asked how many they saw."""
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

from clients import Clients
from gateway import Gateway
from matrix_clients import KINDS, Lacks, OpenSsh, Place
from matrix_servers import KEY_KINDS, SERVERS, HostKeys, both_ways
from processes import run
from targets import Doorway, OpenSshTarget, echo
from wire_tap import Hello, Tap, chosen

MIB = 1 << 20
TRANSFER = 4 * MIB
PEER_REKEYS_AT = 600 * 1024  # before the gateway would
EVERYTHING = ["shell", "exec", "sftp", "scp", "local-forward", "agent"]
SIZE, NEW_SIZE = [90, 25], [100, 30]
WINDOW_COMMAND = "stty size; echo ready; until [ \"$(stty size)\" = '30 100' ]; do sleep 0.05; done; echo resized; exit 5"


@dataclass
class Row:
    peer: str
    version: str
    role: str    # the peer's: client (of our front hop) or target
    kind: str    # kex, host key, cipher, mac, user key, feature
    name: str
    result: str  # ok; failed: …; not tried: …
    rekeys: int | None = None
    seconds: float = 0

    @property
    def failed(self):
        return self.result.startswith("failed")


class MatrixWorld:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-matrix-"))
        os.chmod(self.folder, 0o755)
        self.alice = Clients(self.folder / "alice", "alice")
        self.user_keys = {}
        for kind, options in KEY_KINDS.items():
            path = self.folder / "alice" / f"key_{kind}"
            run(["ssh-keygen", "-q", *options, "-N", "", "-f", path]).ok()
            self.user_keys[kind] = path
        self.front_keys = HostKeys(self.folder / "front", ["gw", "127.0.0.1"])
        self.gateway = Gateway(self.folder / "gateway", config={"ssh": {
            "rekey_bytes": "1M", "host_keys": [str(path) for path in self.front_keys.files]}}).init()
        self.echo = Doorway(answer=echo)
        self.payload = os.urandom(TRANSFER)
        (self.folder / "payload").write_bytes(self.payload)
        self.main = OpenSshTarget(self.folder / "main", ca_lines=[self.gateway.user_ca])
        self.front = Tap()
        self.targets = {}

    def start(self):
        self.gateway.start()
        self.main.start()
        self.front.behind = self.gateway.port
        self.alice.start_agent()
        self.apply()
        return self

    def apply(self):
        targets = [{"name": "main", "address": f"127.0.0.1:{self.main.port}", "logins": [self.main.login], "auth": "certificate",
                    "host_keys": [self.main.host_key]}]
        for server, tap in self.targets.values():
            target = {"name": server.target, "address": f"127.0.0.1:{tap.port}", "logins": [server.login], "auth": server.auth,
                      "host_keys": server.host_keys}
            if server.certificate_keys:
                target["host_ca"] = [server.keys.ca]
            targets.append(target)
        keys = [self.alice.public_key] + [Path(f"{path}.pub").read_text().strip() for path in self.user_keys.values()]
        self.gateway.apply({
            "user": [{"name": "alice", "email": "alice@example.com", "groups": ["test"], "keys": keys}],
            "target": targets,
            "rule": [{"name": "everything", "users": ["alice"], "targets": ["*"], "allow": EVERYTHING, "record": "metadata"},
                     {"name": "echo", "users": ["alice"], "allow": ["local-forward"], "forward": [f"127.0.0.1:{self.echo.port}"]}],
        }, "--prune")

    def server(self, name):
        """The target of that name, known to the gateway through a tap."""
        if name not in self.targets:
            title = "t-" + name.lower().replace(" ", "-")
            server = SERVERS[name](self.folder, title, [self.alice.public_key], self.gateway.user_ca)
            self.targets[name] = (server, Tap())
            self.apply()
        return self.targets[name]

    def place(self, user, tapped=True, key=None):
        port = self.front.port if tapped else self.gateway.port
        known = self.alice.folder / f"known_hosts_{port}"
        hosts = f"gw,[127.0.0.1]:{port},127.0.0.1"
        known.write_text("".join(f"{hosts} {line}\n" for line in self.front_keys.lines) + f"@cert-authority {hosts} {self.front_keys.ca}\n")
        return Place(port, user, self.alice.folder, key or self.alice.key, known, self.front_keys.fingerprints(),
                     self.alice.environment(HOME=str(self.alice.folder)))

    def stop(self):
        try:
            self.gateway.stop()
        finally:
            self.alice.stop_agent()
            self.main.stop()
            self.echo.close()
            self.front.close()
            for server, tap in self.targets.values():
                server.close()
                tap.close()
        if not os.environ.get("SEKISHO_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


def forced_for(kind, name):
    """A MAC shows only with a cipher that has none of its own."""
    return {"mac": name, "cipher": "aes128-ctr"} if kind == "mac" else {kind: name}


class Run:
    """The rows of one peer in one role. `client` speaks with the front hop at `place`; `tap` sees the peer's connection."""

    def __init__(self, world, peer, role, client, place, tap, server=None):
        self.world, self.peer, self.role = world, peer, role
        self.client, self.place, self.tap, self.server = client, place, tap, server
        self.rows = []
        self.version = ""

    # --- one row ---
    def row(self, kind, name, work):
        begin, result, rekeys = time.monotonic(), "ok", None
        try:
            rekeys = work()
        except Lacks as why:
            result = f"not tried: {why}"
        except Exception as error:  # a row that fails is a row; the test fails at its end
            first = str(error).strip() or type(error).__name__
            result = "failed: " + first[-1500:] if not isinstance(error, AssertionError) else "failed: " + first[:1500]
            if os.environ.get("SEKISHO_MATRIX_TRACE"):
                traceback.print_exc()
        row = Row(self.peer, self.version, self.role, kind, name, result, rekeys, round(time.monotonic() - begin, 2))
        print(f"{row.peer:13} {row.role:7} {row.kind:9} {row.name:45} {row.result[:200]} {row.rekeys} {row.seconds}", flush=True)
        self.rows.append(row)

    # --- transfers ---
    def transfer(self, forced=None, peer_rekeys=False, place=None):
        """4 MiB there and back in one command; returns how many rekeys the peer saw, if it says."""
        world = self.world
        rekey = PEER_REKEYS_AT if peer_rekeys else 0
        if self.server:
            self.tap.behind = self.server.start(forced, rekey).port
        self.tap.forget()
        payload = world.folder / "payload"
        sent = world.payload * (1 if self.server else self.client.payloads)
        command = self.server.both_ways(TRANSFER, payload) if self.server else both_ways(payload, self.client.payloads)
        if self.server:
            done = self.client.session(self.place, command, stdin=world.payload, agent=True)
            rekeys = self.server.rekeys()
        else:
            done = self.client.session(place or self.place, command, forced=forced, stdin=sent, rekey=rekey, count=True)
            rekeys = done.rekeys if self.client.counts_rekeys else None
        assert done.status == 0, f"exit status {done.status}: {done.err[-700:]}"
        up, _, down = done.out.partition(b"\n")
        digest = hashlib.sha256(sent).hexdigest()
        assert up.split()[:1] == [digest.encode()], f"up: another SHA-256: {up[:100]!r}"
        assert hashlib.sha256(down).hexdigest() == digest, f"down: another SHA-256, {len(down)} bytes"
        assert rekeys is None or rekeys >= 4, f"{rekeys} rekeys seen in {2 * len(sent) // MIB} MiB"
        return rekeys

    def common(self):
        """What both ends have, from the last connection. A peer's own word goes before its list on the wire, which may leave out
        what it does only when asked."""
        client, server = self.tap.hellos() or (Hello(), Hello())
        ours, theirs = (server, client) if self.server is None else (client, server)
        self.version = theirs.identification.removeprefix("SSH-2.0-")
        asked = (self.server or self.client).lists() or {}
        return {kind: [name for name in ours.offers.get(kind, []) if name in (asked.get(kind) or theirs.offers[kind])] for kind in KINDS}

    def algorithm(self, kind, name):
        def work():
            forced, peer = forced_for(kind, name), self.server or self.client
            try:
                rekeys = self.transfer(forced)
            finally:
                pair = self.tap.hellos()
            seen = chosen(*pair)[kind]
            if seen != name and not peer.names_one(kind):
                raise Lacks(f"the peer has no option that leads to it (it took {seen})")
            assert seen == name, f"negotiated {seen}"
            if kind == "kex" and peer.own_rekey:
                self.transfer(forced, peer_rekeys=True)
            return rekeys
        self.row(kind, name, work)

    def plain(self):
        self.row("feature", "transfer with the peer's own choice", self.transfer)

    def algorithms(self):
        self.plain()
        common = self.common()
        self.rows[-1].version = self.version
        for kind in KINDS:
            for name in common[kind]:
                self.algorithm(kind, name)

    # --- features ---
    def features(self):
        if self.server:
            self.tap.behind = self.server.start().port
        for name, work in (("shell with pty", self.shell), ("exec: exit status and stderr", self.exec), ("window change", self.window),
                           ("sftp", self.sftp), ("scp", self.scp), ("agent", self.agent), ("keepalive", self.keepalive),
                           ("rekey, started by the peer", self.peer_rekey)):
            def checked(name=name, work=work):
                if self.server and name in self.server.lacks:
                    raise Lacks(self.server.lacks[name])
                return work()
            self.row("feature", name, checked)
        if self.server is None:
            self.row("feature", "connection sharing", self.shared)
            self.row("feature", "local forward", self.forward)
            for kind, key in self.world.user_keys.items():
                self.row("user key", kind, lambda key=key: self.user_key(key))

    def session(self, *arguments, **more):
        if self.server:
            more["agent"] = True
        return self.client.session(self.place, *arguments, **more)

    def shell(self):
        done = self.session(None, stdin=b"stty size; tty; exit 5\n", size=SIZE)
        text = re.sub(rb"\x1b\[[?0-9;]*[a-zA-Z]|\r", b"", done.out)
        assert b"\n25 90\n" in text and b"\n/dev/pts/" in text, text[-700:]
        assert done.status == 5, f"exit status {done.status}"

    def exec(self):
        drain = self.server.drain if self.server else ""
        done = self.session(f"echo out; echo err >&2; {drain}exit 7")
        assert (done.status, done.out) == (7, b"out\n") and "err\n" in done.err, (done.status, done.out, done.err[-500:])

    def window(self):
        done = self.session(WINDOW_COMMAND, size=SIZE, resize=NEW_SIZE)
        text = done.out.replace(b"\r", b"")
        assert b"25 90\nready\nresized\n" in text, text[-700:]
        assert done.status == 5, f"exit status {done.status}"

    def _files(self, copy):
        folder = Path(tempfile.mkdtemp(dir=self.world.folder))
        try:
            os.chmod(folder, 0o755)
            copy(self.place, self.world.folder / "payload", folder / "there", folder / "back")
            for name in ("there", "back"):
                assert hashlib.sha256((folder / name).read_bytes()).digest() == hashlib.sha256(self.world.payload).digest(), name
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sftp(self):
        self._files(self.client.sftp)

    def scp(self):
        self._files(self.client.scp)

    def agent(self):
        done = self.session("ssh-add -l", agent=True)
        assert b"alice@test" in done.out, (done.status, done.out, done.err[-500:])

    def keepalive(self):
        done = self.session("sleep 3; echo alive", keepalive=1)
        assert (done.status, done.out) == (0, b"alive\n"), (done.status, done.out, done.err[-500:])

    def shared(self):
        said = self.client.shared(self.place, 5)
        assert said == [b"%d" % number for number in range(5)], said

    def peer_rekey(self):
        if not (self.server or self.client).own_rekey:
            raise Lacks("no rekey option")
        return self.transfer(peer_rekeys=True)

    def forward(self):
        place = self.world.place("alice")
        got = self.client.forward(place, ("127.0.0.1", self.world.echo.port), self.world.payload[:MIB])
        assert got == self.world.payload[:MIB], f"{len(got)} bytes came back"

    def user_key(self, key):
        place = self.world.place(self.place.user, key=key)
        done = self.client.session(place, "echo in")
        assert (done.status, done.out) == (0, b"in\n"), (done.status, done.out, done.err[-700:])


def client_run(world, client):
    return Run(world, client.name, "client", client, world.place(f"{world.main.login}@main"), world.front)


def target_run(world, name):
    """OpenSSH 9.2 is the client in front of every target; on the front hop nothing is forced."""
    server, tap = world.server(name)
    missing = server.missing()
    if missing:
        return missing
    return Run(world, server.name, "target", _WithAgent("9.2"), world.place(f"{server.login}@{server.target}", tapped=False), tap, server)


class _WithAgent(OpenSsh):
    """The client before a target: the user's agent opens the target."""

    def options(self, *arguments, **more):
        return [*super().options(*arguments, **more), "-o", "ForwardAgent=yes"]


def write_rows(path, rows, missing=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"missing": missing, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")


