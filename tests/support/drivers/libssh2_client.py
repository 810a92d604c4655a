"""libssh2 as a client, by its C interface; see job.py."""
import base64
import ctypes
import json
import socket
import sys
import time

from job import CHUNK, READY, answer, given, job

# LIBSSH2_METHOD_* of libssh2.h
METHODS = {"kex": (0,), "host key": (1,), "cipher": (2, 3), "mac": (4, 5)}

WINDOW, PACKET = 2 * 1024 * 1024, 32768

lib = ctypes.CDLL("libssh2.so.1")
pointer = ctypes.c_void_p
for name in ("libssh2_session_init_ex", "libssh2_channel_open_ex", "libssh2_channel_direct_tcpip_ex"):
    getattr(lib, name).restype = pointer
lib.libssh2_channel_write_ex.restype = lib.libssh2_channel_read_ex.restype = ctypes.c_ssize_t


def lists():
    handle = pointer(lib.libssh2_session_init_ex(None, None, None, None))
    result = {}
    for kind, numbers in METHODS.items():
        found = ctypes.POINTER(ctypes.c_char_p)()
        count = lib.libssh2_session_supported_algs(handle, numbers[0], ctypes.byref(found))
        result[kind] = [found[index].decode() for index in range(max(count, 0))]
    return result


class Session:
    def __init__(self, task):
        self.handle = pointer(lib.libssh2_session_init_ex(None, None, None, None))
        for kind, value in task.get("forced", {}).items():
            for method in METHODS[kind]:
                self.done(lib.libssh2_session_method_pref(self.handle, method, value.encode()), f"method {kind} {value}")
        self.socket = socket.create_connection(("127.0.0.1", task["port"]))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.done(lib.libssh2_session_handshake(self.handle, self.socket.fileno()), "handshake")
        self.check_host_key(task)
        user, key = task["user"].encode(), task["key"].encode()
        self.done(lib.libssh2_userauth_publickey_fromfile_ex(self.handle, user, len(user), key + b".pub", key, None), "sign-in")

    def check_host_key(self, task):
        lib.libssh2_session_hostkey.restype = ctypes.POINTER(ctypes.c_ubyte)
        size, kind = ctypes.c_size_t(), ctypes.c_int()
        blob = lib.libssh2_session_hostkey(self.handle, ctypes.byref(size), ctypes.byref(kind))
        shown = base64.b64encode(bytes(blob[:size.value])).decode()
        known = [line.split()[2] for line in open(task["known_hosts"]) if not line.startswith("@")]
        assert shown in known, "another host key"

    def error(self):
        message = ctypes.c_char_p()
        code = lib.libssh2_session_last_error(self.handle, ctypes.byref(message), None, 0)
        return f"{code} {message.value}"

    def done(self, status, what):
        assert status == 0, f"{what}: {self.error()}"

    def open(self):
        channel = pointer(lib.libssh2_channel_open_ex(self.handle, b"session", 7, WINDOW, PACKET, None, 0))
        assert channel, self.error()
        return channel

    def write(self, channel, data):
        while data:
            written = lib.libssh2_channel_write_ex(channel, 0, data[:CHUNK], ctypes.c_size_t(min(len(data), CHUNK)))
            assert written > 0, f"write: {self.error()}"
            data = data[written:]

    def read_all(self, channel, path, stream=0, each=None):
        buffer = ctypes.create_string_buffer(65536)
        seen = bytearray()
        while (got := lib.libssh2_channel_read_ex(channel, stream, buffer, ctypes.c_size_t(len(buffer)))) > 0:
            seen += buffer.raw[:got]
            if each:
                each(seen)
        assert got == 0, f"read: {self.error()}"
        with open(path, "wb") as out:
            out.write(seen)


def session(ssh, task):
    channel = ssh.open()
    if task.get("pty"):
        ssh.done(lib.libssh2_channel_request_pty_ex(channel, b"xterm", 5, None, 0, *task["pty"], 0, 0), "pty")
    if task.get("command") is None:
        ssh.done(lib.libssh2_channel_process_startup(channel, b"shell", 5, None, 0), "shell")
    else:
        command = task["command"].encode()
        ssh.done(lib.libssh2_channel_process_startup(channel, b"exec", 4, command, len(command)), "exec")
    ssh.write(channel, given(task))
    if not task.get("pty"):
        ssh.done(lib.libssh2_channel_send_eof(channel), "eof")
    if task.get("keepalive"):
        lib.libssh2_keepalive_config(ssh.handle, 1, task["keepalive"])
        next_one = ctypes.c_int()
        time.sleep(task["keepalive"] + 0.1)
        ssh.done(lib.libssh2_keepalive_send(ssh.handle, ctypes.byref(next_one)), "keepalive")
    resized = []

    def resize(seen):
        if task.get("resize") and not resized and READY in seen:
            resized.append(True)
            ssh.done(lib.libssh2_channel_request_pty_size_ex(channel, *task["resize"], 0, 0), "resize")
    ssh.read_all(channel, task["out"], each=resize)
    ssh.read_all(channel, task["err"], stream=1)
    ssh.done(lib.libssh2_channel_wait_closed(channel), "close")
    return lib.libssh2_channel_get_exit_status(channel)


def forward(ssh, task):
    host, port = task["destination"]
    channel = pointer(lib.libssh2_channel_direct_tcpip_ex(ssh.handle, host.encode(), port, b"127.0.0.1", 1))
    assert channel, ssh.error()
    ssh.write(channel, given(task))
    ssh.done(lib.libssh2_channel_send_eof(channel), "eof")
    ssh.read_all(channel, task["out"])
    return 0


def main(task):
    assert lib.libssh2_init(0) == 0
    ssh = Session(task)
    status = {"session": session, "forward": forward}[task["action"]](ssh, task)
    lib.libssh2_session_disconnect_ex(ssh.handle, 11, b"done", b"")
    answer(status)


if sys.argv[1] == "lists":
    print(json.dumps(lists()))
else:
    main(job())
