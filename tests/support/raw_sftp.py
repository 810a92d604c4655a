"""An sftp client made by hand on a channel of Paramiko: any bytes as a request, in any pieces, and the answers taken apart."""
import struct

from house import s, u32
from processes import PATIENCE

INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, \
    READLINK, SYMLINK = range(1, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
EXTENDED = 200
OK, EOF, NO_SUCH_FILE, DENIED, FAILURE, BAD, _, _, UNSUPPORTED = range(9)
READ_FLAG, WRITE_FLAG, APPEND_FLAG, CREATE_FLAG, TRUNCATE_FLAG, EXCLUSIVE_FLAG = (1 << bit for bit in range(6))
NO_ATTRIBUTES = u32(0)


def packet(kind, content):
    return u32(len(content) + 1) + bytes([kind]) + content


class RawSftp:
    def __init__(self, transport, greet=True, before=lambda channel: None):
        self.channel = transport.open_session(timeout=20)
        self.channel.settimeout(20 * PATIENCE)
        before(self.channel)
        self.channel.invoke_subsystem("sftp")
        self.last = 0
        if greet:
            self.send(packet(INIT, u32(3)))
            kind, content = self.answer()
            assert kind == VERSION and content[:4] == u32(3), (kind, content)
            self.extensions = content

    def send(self, data, piece=None):
        for at in range(0, len(data), piece or len(data)):
            self.channel.sendall(data[at:at + (piece or len(data))])

    def exactly(self, count):
        got = b""
        while len(got) < count:
            data = self.channel.recv(count - len(got))
            assert data, f"the channel ended after {got!r}"
            got += data
        return got

    def answer(self):
        content = self.exactly(struct.unpack(">I", self.exactly(4))[0])
        return content[0], content[1:]

    def request(self, kind, content):
        """Sends a request under the next number and leaves it unanswered."""
        self.last += 1
        self.send(packet(kind, u32(self.last) + content))
        return self.last

    def answer_to(self, number):
        kind, content = self.answer()
        assert content[:4] == u32(number), (kind, content, number)
        return kind, content[4:]

    def ask(self, kind, content):
        """(type, what follows the number)"""
        return self.answer_to(self.request(kind, content))

    def status(self, kind, content):
        """(code, text); anything but a status is code 0, with its type for a text."""
        answer, content = self.ask(kind, content)
        if answer != STATUS:
            return OK, str(answer)
        (length,) = struct.unpack(">I", content[4:8])
        return struct.unpack(">I", content[:4])[0], content[8:8 + length].decode(errors="replace")

    def extended(self, name, content):
        return self.status(EXTENDED, s(name) + content)

    def open(self, path, flags=READ_FLAG):
        """The handle, or the status."""
        kind, content = self.ask(OPEN, s(path) + u32(flags) + NO_ATTRIBUTES)
        return content[4:] if kind == HANDLE else struct.unpack(">I", content[:4])[0]

    def read(self, handle, count=32768, at=0):
        kind, content = self.ask(READ, s(handle) + struct.pack(">QI", at, count))
        return content[4:] if kind == DATA else None

    def realpath(self, path):
        kind, content = self.ask(REALPATH, s(path))
        return content[8:8 + struct.unpack(">I", content[4:8])[0]].decode() if kind == NAME else None

    def close(self):
        self.channel.close()
