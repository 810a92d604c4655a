"""libssh as a client, by its C interface; see job.py."""
import ctypes
import os
import re
import sys
import tempfile

from job import CHUNK, READY, answer, given, job

# enum ssh_options_e of libssh/libssh.h
HOST, PORT, USER, KNOWN_HOSTS, VERBOSITY = 0, 1, 4, 8, 13
CIPHERS, CIPHERS_BACK, KEX, HOST_KEYS, MACS, MACS_BACK, GLOBAL_KNOWN_HOSTS, PROCESS_CONFIG, REKEY = 15, 16, 24, 25, 29, 30, 35, 38, 39
OPTIONS = {"kex": (KEX,), "host key": (HOST_KEYS,), "cipher": (CIPHERS, CIPHERS_BACK), "mac": (MACS, MACS_BACK)}
KNOWN_HOST_OK, AUTH_SUCCESS, LOG_DEBUG, SCP_NEW_FILE = 1, 0, 3, 2

lib = ctypes.CDLL("libssh.so.4")
pointer = ctypes.c_void_p
for name in ("ssh_new", "ssh_channel_new", "sftp_new", "sftp_open", "ssh_scp_new"):
    getattr(lib, name).restype = pointer
lib.ssh_get_error.restype = ctypes.c_char_p
lib.sftp_write.restype = lib.sftp_read.restype = ctypes.c_ssize_t


class Session:
    def __init__(self, task):
        self.handle = pointer(lib.ssh_new())
        self.option(PROCESS_CONFIG, ctypes.byref(ctypes.c_bool(False)))
        self.option(VERBOSITY, ctypes.byref(ctypes.c_int(LOG_DEBUG)))
        self.option(HOST, b"127.0.0.1")
        self.option(PORT, ctypes.byref(ctypes.c_uint(task["port"])))
        self.option(USER, task["user"].encode())
        self.option(KNOWN_HOSTS, task["known_hosts"].encode())
        self.option(GLOBAL_KNOWN_HOSTS, b"/dev/null")
        if task.get("rekey"):
            self.option(REKEY, ctypes.byref(ctypes.c_uint64(task["rekey"])))
        for kind, value in task.get("forced", {}).items():
            for option in OPTIONS[kind]:
                self.option(option, value.encode())
        self.done(lib.ssh_connect(self.handle), "connect")
        assert lib.ssh_session_is_known_server(self.handle) == KNOWN_HOST_OK, "another host key"
        key = pointer()
        self.done(lib.ssh_pki_import_privkey_file(task["key"].encode(), None, None, None, ctypes.byref(key)), "key")
        assert lib.ssh_userauth_publickey(self.handle, None, key) == AUTH_SUCCESS, self.error()

    def option(self, number, value):
        self.done(lib.ssh_options_set(self.handle, number, value), f"option {number} {value}")

    def error(self):
        return lib.ssh_get_error(self.handle)

    def done(self, status, what):
        assert status == 0, f"{what}: {self.error()}"


class Channel:
    def __init__(self, session):
        self.session = session
        self.handle = pointer(lib.ssh_channel_new(session.handle))

    def write(self, data):
        for begin in range(0, len(data), CHUNK):
            piece = data[begin:begin + CHUNK]
            written = lib.ssh_channel_write(self.handle, piece, len(piece))
            assert written == len(piece), f"write: {written} {self.session.error()}"

    def read_all(self, path, errors=False, each=None):
        buffer = ctypes.create_string_buffer(65536)
        seen = bytearray()
        with open(path, "wb") as out:
            while (got := lib.ssh_channel_read(self.handle, buffer, len(buffer), int(errors))) > 0:
                seen += buffer.raw[:got]
                if each:
                    each(seen)
            assert got == 0, f"read: {self.session.error()}"
            out.write(seen)


def session(ssh, task):
    channel = Channel(ssh)
    ssh.done(lib.ssh_channel_open_session(channel.handle), "open")
    if task.get("pty"):
        ssh.done(lib.ssh_channel_request_pty_size(channel.handle, b"xterm", *task["pty"]), "pty")
    if task.get("command") is None:
        ssh.done(lib.ssh_channel_request_shell(channel.handle), "shell")
    else:
        ssh.done(lib.ssh_channel_request_exec(channel.handle, task["command"].encode()), "exec")
    channel.write(given(task))
    if not task.get("pty"):
        ssh.done(lib.ssh_channel_send_eof(channel.handle), "eof")
    if task.get("keepalive"):
        # The library leaves the rhythm to its caller.
        assert lib.ssh_send_keepalive(ssh.handle) == 0, ssh.error()
    resized = []

    def resize(seen):
        if task.get("resize") and not resized and READY in seen:
            resized.append(True)
            ssh.done(lib.ssh_channel_change_pty_size(channel.handle, *task["resize"]), "resize")
    channel.read_all(task["out"], each=resize)
    channel.read_all(task["err"], errors=True)
    return lib.ssh_channel_get_exit_status(channel.handle)


def sftp(ssh, task):
    handle = pointer(lib.sftp_new(ssh.handle))
    ssh.done(lib.sftp_init(handle), "sftp")
    file = pointer(lib.sftp_open(handle, task["there"].encode(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644))
    assert file, ssh.error()
    data = open(task["put"], "rb").read()
    for begin in range(0, len(data), CHUNK):
        piece = data[begin:begin + CHUNK]
        assert lib.sftp_write(file, piece, ctypes.c_size_t(len(piece))) == len(piece), ssh.error()
    assert lib.sftp_close(file) == 0
    file = pointer(lib.sftp_open(handle, task["there"].encode(), os.O_RDONLY, 0))
    buffer = ctypes.create_string_buffer(CHUNK)
    with open(task["get"], "wb") as out:
        while (got := lib.sftp_read(file, buffer, ctypes.c_size_t(CHUNK))) > 0:
            out.write(buffer.raw[:got])
    assert got == 0 and lib.sftp_close(file) == 0
    return 0


def scp(ssh, task):
    data = open(task["put"], "rb").read()
    folder, name = os.path.split(task["there"])
    handle = pointer(lib.ssh_scp_new(ssh.handle, 0, folder.encode()))
    ssh.done(lib.ssh_scp_init(handle), "scp -t")
    ssh.done(lib.ssh_scp_push_file(handle, name.encode(), ctypes.c_size_t(len(data)), 0o644), "push")
    ssh.done(lib.ssh_scp_write(handle, data, ctypes.c_size_t(len(data))), "scp write")
    ssh.done(lib.ssh_scp_close(handle), "scp close")
    handle = pointer(lib.ssh_scp_new(ssh.handle, 1, task["there"].encode()))
    ssh.done(lib.ssh_scp_init(handle), "scp -f")
    assert lib.ssh_scp_pull_request(handle) == SCP_NEW_FILE, ssh.error()
    ssh.done(lib.ssh_scp_accept_request(handle), "accept")
    buffer = ctypes.create_string_buffer(CHUNK)
    with open(task["get"], "wb") as out:
        while out.tell() < len(data) and (got := lib.ssh_scp_read(handle, buffer, ctypes.c_size_t(CHUNK))) > 0:
            out.write(buffer.raw[:got])
    return 0


def forward(ssh, task):
    channel = Channel(ssh)
    host, port = task["destination"]
    ssh.done(lib.ssh_channel_open_forward(channel.handle, host.encode(), port, b"127.0.0.1", 1), "forward")
    payload = given(task)
    channel.write(payload)
    ssh.done(lib.ssh_channel_send_eof(channel.handle), "eof")
    channel.read_all(task["out"])
    return 0


def main(task):
    # The library logs to stderr; the exchanges are counted there.
    with tempfile.TemporaryFile() as log:
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            ssh = Session(task)
            status = {"session": session, "sftp": sftp, "scp": scp, "forward": forward}[task["action"]](ssh, task)
            lib.ssh_disconnect(ssh.handle)
        finally:
            os.dup2(kept, 2)
            log.seek(0)
            said = log.read().decode(errors="replace")
            if os.environ.get("SEKISHO_MATRIX_TRACE"):
                sys.stderr.write(said)
            os.close(kept)
    answer(status, len(re.findall(r"Received SSH_MSG_NEWKEYS", said)) - 1)


main(job())
