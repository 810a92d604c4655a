"""One gateway, one target and many users whose rules each leave something out, for tests that try to get around them; and what it
takes to say to the gateway what no stock client says."""
import os
import re
import struct
import tempfile
import threading
from pathlib import Path

import paramiko
from clients import Clients
from gateway import Gateway, binary
from paramiko.common import MSG_CHANNEL_FAILURE, cMSG_CHANNEL_OPEN, cMSG_CHANNEL_REQUEST, cMSG_GLOBAL_REQUEST
from paramiko.message import Message
from processes import PATIENCE, free_port
from targets import LOGIN, Doorway, OpenSshTarget, echo, make_key

PERMITTED_COMMANDS = ["uptime", "echo *", "git-upload-pack *"]


class House:
    """One gateway, one target, users whose rules each leave something out. The gateway has a hosts file of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-test-"))
        os.chmod(self.folder, 0o755)
        self.hosts = self.folder / "hosts"
        self.names()
        make_key(self.folder / "ca")
        make_key(self.folder / "foreign")
        self.gateway = Gateway(self.folder / "gateway").init()
        self.gateway.configure(ssh={"user_ca": [(self.folder / "ca.pub").read_text().strip()], "auth_attempts": 20})
        self.start_gateway()
        self.target = OpenSshTarget(self.folder / "web", ca_lines=[self.gateway.user_ca]).start()
        self.echo = Doorway(answer=echo)
        self.forbidden = Doorway(answer=echo)
        self.listen = free_port()
        self.marks = self.folder / "marks"
        self.marks.mkdir()
        (self.folder / "kept").mkdir()
        (self.folder / "kept/out").symlink_to(self.marks)
        self.users = {}
        self.transports = {}
        self.apply()
        self.seen = 0

    def start_gateway(self):
        """In a mount namespace, where the hosts file can be changed under the gateway's hands."""
        wrapper = self.folder / "in-its-own-namespace"
        as_whom = "" if os.geteuid() == 0 else "--map-root-user "
        wrapper.write_text(f"""#!/bin/sh
exec unshare {as_whom}--mount --propagation private sh -c 'mount --bind {self.hosts} /etc/hosts && exec {binary()} "$@"' sh "$@"
""")
        wrapper.chmod(0o755)
        self.gateway.program = wrapper
        self.gateway.start()
        self.gateway.program = binary()

    def names(self, **addresses):
        """What names mean to the gateway from now on; written in place, since it is the file that is mounted."""
        lines = ["127.0.0.1 localhost", "::1 localhost"] + [f"{address} {name}.test" for name, address in addresses.items()]
        self.hosts.write_text("".join(line + "\n" for line in lines))

    def user(self, name):
        if name not in self.users:
            self.users[name] = Clients(self.folder / "users" / name, name, self.gateway.port, self.gateway.host_key)
        return self.users[name]

    def access(self, hours=None):
        options = {"forced": 'command="echo forced" ', "restricted": "restrict ", "bound": f'permitopen="127.0.0.1:{self.echo.port}" ',
                   "elsewhere": 'from="192.0.2.0/24" ', "stale": 'expiry-time="20200101" ', "dumb": "no-pty "}
        rules = {
            "typist": {"allow": ["shell"]}, "runner": {"allow": ["exec"]}, "files": {"allow": ["sftp"]}, "copier": {"allow": ["scp"]},
            "reader": {"allow": ["sftp", "scp"], "sftp_read_only": True},
            "keeper": {"allow": ["sftp", "scp"], "sftp_paths": [f"{self.folder}/kept/**"]},
            "git": {"allow": ["exec"], "commands": PERMITTED_COMMANDS}, "dumb": {"allow": ["shell", "exec"]},
            "jumper": {"allow": ["local-forward", "remote-forward", "socket-forward", "shell"],
                       "forward": [f"127.0.0.1:{self.echo.port}", f"localhost:{self.listen}", f"{self.folder}/open/*"]},
            "forced": {"allow": ["shell", "exec", "sftp"]}, "restricted": {"allow": ["shell", "exec", "agent", "x11"]},
            "elsewhere": {"allow": ["shell", "exec"]}, "stale": {"allow": ["exec"]}, "locked": {"allow": ["exec"]},
            "expired": {"allow": ["exec"]}, "late": {"allow": ["exec"], **({"when": {"hours": hours}} if hours else {})},
        }
        here = {
            "partner": {"forward": [f"127.0.0.1:{self.echo.port}", f"rebind.test:{self.forbidden.port}",
                                    f"localhost:{self.forbidden.port}", "10.1.0.0/16:5432"]},
            "porter": {"allow": ["remote-forward"], "forward": [f"localhost:{self.listen}", "127.0.0.2:*"],
                       "accept_from": ["127.0.0.2", "127.0.0.64/26"]},
            "bound": {"forward": ["127.0.0.0/8:*"]}, "restricted": {"forward": [f"127.0.0.1:{self.echo.port}"]},
        }
        names = sorted({*rules, *here, "nobody"})
        return {
            "user": [{"name": name, "email": f"{name}@example.com", "keys": [options.get(name, "") + self.user(name).public_key],
                      **({"locked": True} if name == "locked" else {}),
                      **({"expires": "2020-01-01T00:00:00Z"} if name == "expired" else {})} for name in names],
            "target": [{"name": name, "address": f"127.0.0.1:{port}", "logins": [LOGIN], "auth": "certificate",
                        "host_keys": [self.target.host_key], "labels": {"env": "prod"}}
                       for name, port in (("web", self.target.port), ("vault", self.forbidden.port))],
            "rule": [{"name": f"{name} at web", "users": [name], "targets": ["web"], **rule} for name, rule in rules.items()] +
                    [{"name": f"{name} at the gateway", "users": [name], "allow": ["local-forward"], **rule} for name,
                        rule in here.items()],
        }

    def apply(self, **changes):
        self.gateway.apply(self.access(**changes), "--prune")

    def audit(self):
        """The records since `settle`."""
        return self.gateway.listing("audit", "ls", "--after", self.seen)

    def settle(self):
        self.seen = max([self.seen] + [record["sequence"] for record in self.audit()])

    def mark(self):
        return self.marks / "made"

    def ssh(self, user, *arguments, **options):
        return self.user(user).ssh(*arguments, **options)

    def transport(self, user, place=f"{LOGIN}@web"):
        """A connection of this user, kept for the ways that come later."""
        kept = self.transports.get((user, place))
        if kept is None or not kept.is_active():
            kept = self.fresh(user, place)
            self.transports[user, place] = kept
        return kept

    def fresh(self, user, place=f"{LOGIN}@web"):
        made = paramiko.Transport(("127.0.0.1", self.gateway.port))
        made._channel_handler_table = {**made._channel_handler_table, MSG_CHANNEL_FAILURE: told_no}
        made.start_client(timeout=20 * PATIENCE)
        made.auth_publickey(place, paramiko.Ed25519Key.from_private_key_file(str(self.user(user).key)))
        return made

    def close(self):
        for kept in self.transports.values():
            kept.close()
        try:
            self.gateway.stop()
        finally:
            self.target.stop()
            for door in (self.echo, self.forbidden):
                door.close()
            for user in self.users.values():
                user.stop_agent()


# --- bytes ---

def s(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">I", len(data)) + data


def u32(number):
    return struct.pack(">I", number & 0xffffffff)


def message_of(number, payload):
    message = Message()
    message.add_bytes(bytes([number]) + payload)
    return message


# --- what Paramiko does not do by itself ---

def open_channel(transport, kind, payload):
    """A channel of any type with any payload; the channel, or the refusal."""
    number = transport._next_channel()
    message = Message()
    message.add_byte(cMSG_CHANNEL_OPEN)
    message.add_bytes(s(kind) + u32(number) + u32(1 << 20) + u32(32768) + payload)
    channel = paramiko.Channel(number)
    transport._channels.put(number, channel)
    event = transport.channel_events[number] = threading.Event()
    transport.channels_seen[number] = True
    channel._set_transport(transport)
    channel._set_window(1 << 20, 32768)
    transport._send_user_message(message)
    assert event.wait(20 * PATIENCE), f"no answer to the opening of {kind!r}"
    return transport._channels.get(number) or transport.get_exception()


def told_no(channel, _):
    """A refused request leaves the channel open; Paramiko's own reaction is to close it."""
    channel.event_ready = False
    channel.event.set()


def is_refused(answer):
    return isinstance(answer, paramiko.ChannelException)


def request(channel, kind, payload=b"", want_reply=True):
    """A channel request; was it answered by success?"""
    message = Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_bytes(u32(channel.remote_chanid) + s(kind) + bytes([want_reply]) + payload)
    if want_reply:
        channel._event_pending()
    channel.transport._send_user_message(message)
    if not want_reply:
        return False
    assert channel.event.wait(20 * PATIENCE), f"no answer to {kind!r}"
    return channel.event_ready


def ending(channel):
    """What a channel said, and how it ended."""
    channel.settimeout(20 * PATIENCE)
    said = b""
    for receive in (channel.recv, channel.recv_stderr):
        while data := receive(65536):
            said += data
    assert channel.status_event.wait(5 * PATIENCE) or channel.closed, "the channel neither told its status nor was closed"
    return channel.recv_exit_status() if channel.status_event.is_set() else None, said.decode(errors="replace")


def start(house, user, kind, payload, place=f"{LOGIN}@web", words="no rule lets"):
    """A start that must be refused in words."""
    channel = house.transport(user, place).open_session(timeout=20)
    request(channel, kind, payload)
    status, said = ending(channel)
    channel.close()
    assert status == 1 and re.search(words, said), f"{kind} {payload!r}: status {status}, {said!r}"


def global_request(transport, kind, payload):
    """The answer to a global request: None is a refusal."""
    transport.completion_event = threading.Event()
    message = Message()
    message.add_byte(cMSG_GLOBAL_REQUEST)
    message.add_bytes(s(kind) + b"\1" + payload)
    transport._send_user_message(message)
    assert transport.completion_event.wait(20 * PATIENCE), f"no answer to {kind}"
    return transport.global_response


def tcp(host, port):
    return s(host) + u32(port) + s("127.0.0.1") + u32(1)
