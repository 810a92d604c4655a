"""Paramiko as a server. The argument is a JSON object: port, host_keys (files), authorized (file), forced, rekey, home."""
import base64
import fcntl
import json
import logging
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import threading
import warnings

warnings.filterwarnings("ignore")
import paramiko  # noqa: E402

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
KINDS = {"rsa": paramiko.RSAKey, "ecdsa": paramiko.ECDSAKey, "ed25519": paramiko.Ed25519Key}


class Count(logging.Handler):
    def emit(self, record):
        if "Switch to new keys" in record.getMessage():
            print("exchange", flush=True)


class Server(paramiko.ServerInterface):
    def __init__(self, task):
        self.task = task
        self.authorized = [base64.b64decode(line.split()[1]) for line in open(task["authorized"])]
        self.sizes, self.terminals = {}, {}

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if key.asbytes() in self.authorized else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, channel, term, width, height, pixelwidth, pixelheight, modes):
        self.sizes[channel.get_id()] = (width, height)
        return True

    def check_channel_window_change_request(self, channel, width, height, pixelwidth, pixelheight):
        main = self.terminals.get(channel.get_id())
        if main is not None:
            fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        return True

    def check_channel_shell_request(self, channel):
        return self.begin(channel, ["/bin/sh", "-i"])

    def check_channel_exec_request(self, channel, command):
        return self.begin(channel, ["/bin/sh", "-c", command])

    def check_channel_subsystem_request(self, channel, name):
        return name == "sftp" and self.begin(channel, [SFTP_SERVER])

    def begin(self, channel, command):
        work = self.in_terminal if channel.get_id() in self.sizes else self.with_pipes
        # The library says yes to the request after this returns; what a quick command writes must not come before.
        timer = threading.Timer(0.1, work, (channel, command))
        timer.daemon = True
        timer.start()
        return True

    def in_terminal(self, channel, command):
        main, other = pty.openpty()
        width, height = self.sizes[channel.get_id()]
        fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.terminals[channel.get_id()] = main
        env = {**os.environ, "HOME": self.task["home"], "TERM": "xterm"}
        child = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=env, start_new_session=True,
                                 preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(other)

        def typed():
            while data := channel.recv(4096):
                os.write(main, data)
        threading.Thread(target=typed, daemon=True).start()
        while True:
            try:
                data = os.read(main, 65536)
            except OSError:
                break
            channel.sendall(data)
        self.finish(channel, child)

    def with_pipes(self, channel, command):
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env={**os.environ, "HOME": self.task["home"]})

        def send_in():
            try:
                while data := channel.recv(65536):
                    child.stdin.write(data)
                    child.stdin.flush()
                child.stdin.close()
            except BrokenPipeError:
                pass

        def send_errors():
            while data := child.stderr.read1(65536):
                channel.sendall_stderr(data)
        errors = threading.Thread(target=send_errors, daemon=True)
        for thread in (threading.Thread(target=send_in, daemon=True), errors):
            thread.start()
        while data := child.stdout.read1(65536):
            channel.sendall(data)
        errors.join()
        self.finish(channel, child)

    def finish(self, channel, child):
        channel.send_exit_status(child.wait())
        channel.shutdown_write()
        channel.close()


def serve(connection, task):
    transport = paramiko.Transport(connection)
    if task.get("rekey"):
        transport.packetizer.REKEY_BYTES = task["rekey"]
    for path in task["host_keys"]:
        kind = open(path + ".pub").read().split()[0]
        transport.add_server_key(KINDS[next(name for name in KINDS if name in kind)].from_private_key_file(path))
    wanted, forced = transport.get_security_options(), task.get("forced", {})
    for ours, theirs in (("kex", "kex"), ("host key", "key_types"), ("cipher", "ciphers"), ("mac", "digests")):
        if ours in forced:
            setattr(wanted, theirs, [forced[ours]])
    try:
        transport.start_server(server=Server(task))
        kept = []  # the library closes a channel that nobody holds
        while transport.is_active():
            kept.append(transport.accept(5))
    except (paramiko.SSHException, EOFError) as error:
        print(f"ended: {error}", flush=True)


def main(task):
    logging.getLogger("paramiko").addHandler(Count())
    logging.getLogger("paramiko").setLevel(logging.DEBUG)
    paramiko.Transport.load_server_moduli()  # of OpenSSH's package; the group exchange needs them
    listener = socket.create_server(("127.0.0.1", task["port"]))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, task), daemon=True).start()


main(json.loads(sys.argv[1]))
