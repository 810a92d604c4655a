"""What is inside another process: its children, its memory, and what it may do. For root."""
import ctypes
import os
import re
import socket
import struct
from pathlib import Path


PIDFD_GETFD = 438  # the same on every machine; Python has no name for it


def children(pid):
    """{name: pid}"""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(text[text.rindex(")") + 2:].split()[1]) == pid:
            found[text[text.index("(") + 1:text.rindex(")")]] = int(entry.name)
    return found


def image(pid):
    """Every readable mapping, one after the other."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            begin, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if "r" not in rights or "[v" in line:
                continue
            begin, end = int(begin, 16), int(end, 16)
            parts = []
            try:
                memory.seek(begin)
                while begin < end and (part := memory.read(min(end - begin, 1 << 24))):
                    parts.append(part)
                    begin += len(part)
            except (OSError, OverflowError):
                pass
            yield b"".join(parts)


def found(pid, needles):
    """The names of those `needles` ({name: bytes}) that stand in the memory of the process."""
    names = set()
    for part in image(pid):
        names |= {name for name, needle in needles.items() if name not in names and needle in part}
    return names


def call(pid, *calls):
    """Makes the process do system calls, as a debugger would: [(result, errno)]. A call: "open(\"/x\", 0)"."""
    with Traced(pid) as traced:
        return [traced.call(text) for text in calls]


class Traced:
    """A process whose first thread is held at a place where it can be made to do system calls (ptrace(2), x86-64)."""
    ATTACH, DETACH, GETREGS, SETREGS, SINGLESTEP = 16, 17, 12, 13, 9
    WALL = 0x40000000
    R10, R9, R8, RAX, RDX, RSI, RDI, ORIG_RAX, RIP, RSP = 7, 8, 9, 10, 12, 13, 14, 15, 16, 19
    NUMBERS = {"open": 257, "execve": 59, "ptrace": 101, "fork": 56, "unshare": 272, "mount": 165, "process_vm_readv": 310, "socket": 41,
               "personality": 135, "setuid": 105, "unlink": 87}
    BEFORE = {"open": [-100], "fork": [0x1200011, 0, 0, 0, 0]}  # openat(AT_FDCWD, …) and clone(SIGCHLD …), as the C library does

    def __init__(self, pid):
        self.m_pid = int(pid)
        self.m_libc = ctypes.CDLL(None, use_errno=True)
        self.m_libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2
        self.m_libc.ptrace.restype = ctypes.c_long

    def __enter__(self):
        self._ptrace(self.ATTACH)
        os.waitpid(self.m_pid, self.WALL)
        try:
            self.m_memory = open(f"/proc/{self.m_pid}/mem", "r+b", buffering=0)
            self.m_regs = self._regs()
            self.m_place = self._syscall_instruction()
        except BaseException:
            self._ptrace(self.DETACH)
            raise
        return self

    def __exit__(self, *_):
        self._ptrace(self.SETREGS, self.m_regs)
        self.m_memory.close()
        self._ptrace(self.DETACH)

    def call(self, text):
        name, rest = re.fullmatch(r"(\w+)\((.*)\)", text).groups()
        words = re.findall(r'"[^"]*"|[^\s,]+', rest)
        free = self.m_regs[self.RSP] - 4096  # below what the thread may use beyond its stack's end
        values = list(self.BEFORE.get(name, []))
        for word in words:
            if word.startswith('"'):
                data = word.strip('"').encode() + b"\0"
                self.m_memory.seek(free)
                self.m_memory.write(data)
                values.append(free)
                free += len(data)
            else:
                values.append(int(word, 8) if re.fullmatch("0[0-7]+", word) else int(word, 0))
        regs = (ctypes.c_uint64 * 27)(*self.m_regs)
        regs[self.RAX], regs[self.RIP], regs[self.ORIG_RAX] = self.NUMBERS[name], self.m_place, 2 ** 64 - 1
        for place, value in zip((self.RDI, self.RSI, self.RDX, self.R10, self.R8, self.R9), values, strict=False):
            regs[place] = value & (2 ** 64 - 1)
        self._ptrace(self.SETREGS, regs)
        self._ptrace(self.SINGLESTEP)
        os.waitpid(self.m_pid, self.WALL)
        result = ctypes.c_int64(self._regs()[self.RAX]).value
        return (-1, -result) if -4096 < result < 0 else (result, 0)

    def _syscall_instruction(self):
        with open(f"/proc/{self.m_pid}/maps") as maps:
            for line in maps:
                begin, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
                if "x" not in rights or "[v" in line:
                    continue
                self.m_memory.seek(int(begin, 16))
                at = self.m_memory.read(int(end, 16) - int(begin, 16)).find(b"\x0f\x05")
                if at >= 0:
                    return int(begin, 16) + at
        raise AssertionError("the process has no system call")

    def _regs(self):
        regs = (ctypes.c_uint64 * 27)()
        self._ptrace(self.GETREGS, regs)
        return regs

    def _ptrace(self, request, data=None):
        if self.m_libc.ptrace(request, self.m_pid, None, data) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request}")


def socket_made_by(maker, pid):
    """A copy of the stream socket that `pid` has from a pair made by `maker`."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                    continue
            except FileNotFoundError:
                continue
            fd = libc.syscall(PIDFD_GETFD, process, int(name), 0)
            if fd < 0:
                continue
            copy = socket.socket(fileno=fd)
            if copy.family == socket.AF_UNIX and copy.type == socket.SOCK_STREAM:
                by, _, _ = struct.unpack("3i", copy.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                if by == maker:
                    return copy
            copy.close()
    finally:
        os.close(process)
    raise AssertionError(f"process {pid} has no socket of a pair made by {maker}")
