"""The processes of a measurement: OpenSSH servers, a gateway, and stock ssh clients, all on free loopback ports in one
private folder. Everything started here is stopped by its own process id.
"""
import contextlib
import os
import subprocess

from gateway import Gateway
from targets import LOGIN, OpenSshTarget, make_key
from volume import folder_of_its_own

CIPHER = "aes128-gcm@openssh.com"
KEX = "curve25519-sha256"
CLIENT_OPTIONS = {
    "BatchMode": "yes", "IdentitiesOnly": "yes", "IdentityAgent": "none", "StrictHostKeyChecking": "no",
    "UserKnownHostsFile": "/dev/null", "GlobalKnownHostsFile": "/dev/null", "LogLevel": "ERROR", "ControlPath": "none",
    "Compression": "no", "KexAlgorithms": KEX, "Ciphers": CIPHER, "HostKeyAlgorithms": "ssh-ed25519",
    "PreferredAuthentications": "publickey", "IgnoreUnknown": "ObscureKeystrokeTiming", "ObscureKeystrokeTiming": "no",
}


class Server(OpenSshTarget):
    """An sshd for the account that runs this, with the fixed algorithms that every ratio is about, and a quiet log."""

    def __init__(self, folder, options=(), cipher=CIPHER, **more):
        super().__init__(folder, options=[f"KexAlgorithms {KEX}", f"Ciphers {cipher}", "UseDNS no", *options], **more)
        config = self.folder / "sshd_config"
        config.write_text(config.read_text().replace("LogLevel VERBOSE", "LogLevel ERROR"))


class Bench:
    """The private folder, the user's key, and everything started in it. A context manager."""

    def __init__(self, program):
        self.program = program
        self.m_room = contextlib.ExitStack()
        self.folder = self.m_room.enter_context(folder_of_its_own())
        self.user_key = self.folder / "user"
        self.user_line = make_key(self.user_key)
        self.m_running = []
        self.m_count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while self.m_running:
            self.stop(self.m_running[-1])
        self.m_room.close()

    def start(self, server):
        self.m_running.append(server)
        return server.start()

    def stop(self, server):
        self.m_running.remove(server)
        if getattr(server, "daemon", None):
            server.stop()

    def new_folder(self, name):
        self.m_count += 1
        return self.folder / f"{name}{self.m_count}"

    def start_sshd(self, ca_lines=(), options=(), cipher=CIPHER):
        return self.start(Server(self.new_folder("sshd"), options=options, cipher=cipher, ca_lines=ca_lines,
                                 authorized=[self.user_line]))

    def start_gateway(self, config=None, cipher=CIPHER):
        """A target and a gateway with one user, whose name for it is `bulk` (metadata only) or `term` (recorded in full)."""
        gateway = Gateway(self.new_folder("gateway"), config=config, program=self.program).init()
        target = self.start_sshd(ca_lines=[gateway.user_ca], cipher=cipher)
        access = {"user": [{"name": "bench", "keys": [self.user_line]}], "target": [], "rule": []}
        for name, record in (("bulk", "metadata"), ("term", "full")):
            access["target"].append({"name": name, "address": f"127.0.0.1:{target.port}", "logins": [LOGIN],
                                     "auth": "certificate", "host_keys": [target.host_key]})
            access["rule"].append({"name": name, "users": ["bench"], "targets": [name], "logins": [LOGIN],
                                   "allow": ["shell", "exec"], "record": record})
        gateway.apply(access)
        return target, self.start(gateway)

    def start_crowd(self, targets, forward):
        """A gateway before several targets, t0 and so on, with the patience that a machine full of clients needs; the user may also
        reach port `forward` of this machine."""
        config = {"ssh": {"login_grace": "10m"}, "target": {"connect_timeout": "5m", "login_timeout": "5m"}}
        gateway = Gateway(self.new_folder("gateway"), config=config, program=self.program).init()
        lenient = ["LoginGraceTime 600", "MaxStartups 4000"]
        servers = [self.start_sshd(ca_lines=[gateway.user_ca], options=lenient) for _ in range(targets)]
        access = {"user": [{"name": "bench", "keys": [self.user_line]}], "target": [], "rule": [
            {"name": "crowd", "users": ["bench"], "targets": ["t*"], "logins": [LOGIN], "allow": ["shell", "exec"], "record": "metadata"},
            {"name": "echo", "users": ["bench"], "allow": ["local-forward"], "forward": [f"127.0.0.1:{forward}"], "record": "metadata"}]}
        for number, server in enumerate(servers):
            access["target"].append({"name": f"t{number}", "address": f"127.0.0.1:{server.port}", "logins": [LOGIN],
                                     "auth": "certificate", "host_keys": [server.host_key]})
        gateway.apply(access)
        return servers, self.start(gateway)

    def ssh(self, server, *arguments, login=LOGIN, options=()):
        """A command line of the stock client towards a server started here."""
        command = ["ssh", "-F", "none", "-i", str(self.user_key), "-p", str(server.port), "-l", login]
        for name, value in {**CLIENT_OPTIONS, **dict(options)}.items():
            command += ["-o", f"{name}={value}"]
        return [*command, "127.0.0.1", *arguments]

    def through_jump(self, jump, target, *arguments, options=()):
        """The same, with `ssh -W` through `jump` as its way to `target`: what `ssh -J` runs."""
        way = self.ssh(jump, options=options)
        proxy = " ".join(f"'{word}'" for word in [*way[:-1], "-W", f"127.0.0.1:{target.port}", way[-1]])
        return self.ssh(target, *arguments, options={**dict(options), "ProxyCommand": proxy})

    def through_gateway(self, gateway, name, *arguments, options=()):
        return self.ssh(gateway, *arguments, login=f"{LOGIN}@{name}", options=options)


class Conversation:
    """A running ssh client on pipes. The remote command says a word when it is ready and reads a line when it may go on."""

    def __init__(self, command):
        self.m_process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.m_in, self.m_out = self.m_process.stdin.fileno(), self.m_process.stdout.fileno()
        self.m_buffer = bytearray(1 << 18)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            os.set_blocking(self.m_in, False)  # a client that stopped reading keeps nobody
            self.say(b"\n\x04")  # the line that the command waits for, and an end that a terminal understands
        self.m_process.stdin.close()
        try:
            self.m_process.wait(10)
        except subprocess.TimeoutExpired:
            self.m_process.kill()
            self.m_process.wait()
        self.m_process.stdout.close()

    def say(self, data=b"\n"):
        return os.write(self.m_in, data)

    def read_exactly(self, count):
        while count > 0:
            got = os.readv(self.m_out, [memoryview(self.m_buffer)[:min(count, len(self.m_buffer))]])
            self.m_require(got)
            count -= got

    def read_until(self, mark):
        """Reads up to and with `mark`, which must be the last thing that the peer says; gives the number of bytes."""
        tail, count = b"", 0
        while not tail.endswith(mark):
            got = os.readv(self.m_out, [self.m_buffer])
            self.m_require(got)
            count += got
            tail = (tail + bytes(self.m_buffer[max(0, got - len(mark)):got]))[-len(mark):]
        return count

    def m_require(self, got):
        if got == 0:
            raise RuntimeError(f"ssh ended early, exit status {self.m_process.wait()}")

