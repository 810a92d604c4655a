"""A port in front of an SSH server that reads what passes in the clear: identifications and the two algorithm lists."""
import socket
import struct
import threading
from dataclasses import dataclass, field

from serving import Serving

MOST = 64 * 1024
LISTS = ("kex", "host key", "cipher", "cipher back", "mac", "mac back", "compression", "compression back", "language", "language back")
KEXINIT = 20
AUTHENTICATED = ("-gcm@openssh.com", "chacha20-poly1305@openssh.com")


@dataclass
class Hello:
    """What one side said before encryption began."""
    identification: str = ""
    offers: dict = field(default_factory=dict)


def hello_of(data):
    """The hello at the beginning of a side's bytes, or nothing while it is incomplete."""
    while True:
        line, newline, data = data.partition(b"\n")
        if not newline:
            return None
        if line.startswith(b"SSH-"):
            break
    if len(data) < 6:
        return None
    length, _, kind = struct.unpack(">IBB", data[:6])
    if kind != KEXINIT or len(data) < 4 + length:
        return None
    hello, at = Hello(line.decode(errors="replace").rstrip("\r")), 6 + 16
    for name in LISTS:
        size = struct.unpack(">I", data[at:at + 4])[0]
        hello.offers[name] = data[at + 4:at + 4 + size].decode().split(",")
        at += 4 + size
    return hello


def chosen(client, server):
    """What two hellos agree on, by the rule of RFC 4253: the client's first that the server has, too."""
    def first(name):
        return next((offer for offer in client.offers[name] if offer in server.offers[name]), None)
    result = {name: first(name) for name in ("kex", "host key", "cipher", "mac", "compression")}
    if result["cipher"] and result["cipher"].endswith(AUTHENTICATED):
        result["mac"] = None
    return result


class _Side:
    """The bytes of one side; copied on by a thread of their own, so that a side that only writes stalls nobody."""

    def __init__(self, source):
        self.source = source
        self.data = b""

    def copy_to(self, other):
        try:
            while got := self.source.recv(65536):
                if len(self.data) < MOST:
                    self.data += got
                other.source.sendall(got)
        except OSError:
            pass
        try:
            other.source.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Tap(Serving):
    """`behind` may be changed between connections. `seen` has the sides of each connection, client first."""

    def __init__(self, behind=None):
        self.behind = behind
        self.seen = []
        super().__init__(socket.create_server(("127.0.0.1", 0), backlog=64))

    def serve(self, connection):
        try:
            with connection, socket.create_connection(("127.0.0.1", self.behind)) as other:
                for end in (connection, other):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sides = (_Side(connection), _Side(other))
                self.seen.append(sides)
                back = threading.Thread(target=sides[1].copy_to, args=(sides[0],), daemon=True)
                back.start()
                sides[0].copy_to(sides[1])
                back.join()
        except OSError:
            return

    def forget(self):
        self.seen = []

    def hellos(self):
        """The last connection on which both sides introduced themselves: (client's hello, server's hello)."""
        for client, server in reversed(self.seen):
            pair = hello_of(client.data), hello_of(server.data)
            if all(pair):
                return pair
        return None
