"""One gateway with the users, targets and rules that most tests need, and the servers behind it."""
import os
import shutil
import tempfile
from pathlib import Path

from clients import Clients
from gateway import Gateway
from targets import LOGIN, Doorway, DropbearTarget, OpenSshTarget, TinySshTarget, echo

EVERYTHING = ["shell", "exec", "sftp", "scp", "local-forward", "agent"]


class World:
    """Users: alice may everything and is recorded in full; meta likewise, recorded as metadata; guest may shells only; partner
    may forwards only. Targets: web (OpenSSH, certificate; `main` renames it), key (OpenSSH, the user's agent), drop and tiny (agent)."""

    def __init__(self, direct=False, main="web", config=None):
        self.main = main
        self.config = config  # tables laid over the gateway's usual ones
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-test-"))
        os.chmod(self.folder, 0o755)
        self.direct = direct  # the clients speak with the target itself: proves the tests, not the gateway
        self.gateway = None
        self.users = {name: Clients(self.folder / "users" / name, name) for name in ("alice", "meta", "guest", "partner")}
        self.echo = Doorway(answer=echo)
        self.forbidden = Doorway(answer=echo)
        self._targets = {}

    def __getattr__(self, name):
        users = self.__dict__.get("users", {})
        if name in users:
            return users[name]
        raise AttributeError(name)

    def start(self):
        if self.direct:
            web = self.target(self.main)
            for user in self.users.values():
                user.server(web.port, web.host_key)
            return self
        self.gateway = Gateway(self.folder / "gateway", config=self.config).init()
        self.gateway.start()
        self.target(self.main)
        self.apply()
        for user in self.users.values():
            user.server(self.gateway.port, self.gateway.host_key)
        return self

    def target(self, name):
        """The server of that name, started at its first use."""
        if name not in self._targets:
            keys = [user.public_key for user in self.users.values()]
            folder = self.folder / "targets" / name
            if name == self.main:
                ca = [] if self.direct else [self.gateway.user_ca]
                self._targets[name] = OpenSshTarget(folder, ca_lines=ca, authorized=keys if self.direct else ())
            elif name == "key":
                self._targets[name] = OpenSshTarget(folder, authorized=keys)
            else:
                self._targets[name] = {"drop": DropbearTarget, "tiny": TinySshTarget}[name](folder, authorized=keys)
            self._targets[name].start()
            if name != self.main and not self.direct:
                self.apply()
        return self._targets[name]

    def access(self):
        targets = []
        for name, target in self._targets.items():
            targets.append({"name": name, "address": f"127.0.0.1:{target.port}", "logins": [target.login],
                            "auth": "certificate" if name == self.main else "agent", "host_keys": [target.host_key]})
        forward = [f"127.0.0.1:{self.echo.port}"]
        return {
            "user": [{"name": name, "email": f"{name}@example.com", "groups": ["test"], "keys": [user.public_key]}
                     for name, user in self.users.items()],
            "target": targets,
            "rule": [
                {"name": "alice works everywhere", "users": ["alice"], "targets": ["*"], "allow": EVERYTHING, "record": "full"},
                {"name": "meta works everywhere", "users": ["meta"], "targets": ["*"], "allow": EVERYTHING, "record": "metadata"},
                {"name": "guests type", "users": ["guest"], "targets": [self.main], "allow": ["shell"], "record": "full"},
                {"name": "forwards to the echo service", "users": ["alice", "partner"], "allow": ["local-forward"],
                 "forward": forward, "record": "full"},
            ],
        }

    def apply(self):
        self.gateway.apply(self.access(), "--prune")

    def place(self, target=None):
        """How a user names their login on the target: login@target@gw."""
        target = target or self.main
        login = self.target(target).login
        return f"{login}@gw" if self.direct else f"{login}@{target}@gw"

    def user_place(self, user):
        """How a user names the gateway itself."""
        return f"{LOGIN}@gw" if self.direct else f"{user.name}@gw"

    def stop(self):
        try:
            if self.gateway is not None:
                self.gateway.stop()
        finally:
            for user in self.users.values():
                user.stop_agent()
            for target in self._targets.values():
                target.stop()
            self.echo.close()
            self.forbidden.close()
        if not os.environ.get("SEKISHO_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)
