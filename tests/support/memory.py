"""What is inside another process: its children, its memory, and what it may do. For root."""
import ctypes
import os
import re
import socket
import struct
from pathlib import Path

from processes import run

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
    """Makes the process call functions of its C library, through a debugger: [(result, errno)]. A call: "open(\"/x\", 0)"."""
    arguments = ["gdb", "-nx", "-q", "-batch", "-p", pid, "-ex", "set debuginfod enabled off", "-ex", "set print address off"]
    for text in calls:
        name, rest = text.split("(", 1)
        arguments += ["-ex", f"print ((long(*)()){name})({rest}", "-ex", "print *((int*(*)())__errno_location)()"]
    done = run(arguments, timeout=60)
    values = [int(value) for value in re.findall(r"^\$\d+ = (-?\d+)", done.text, re.M)]
    assert len(values) == 2 * len(calls), f"{done.text}\n{done.err}"
    signed = [ctypes.c_int(value & 0xffffffff).value for value in values]
    return list(zip(signed[::2], signed[1::2], strict=True))


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
