"""Peers of the matrix as targets. Each starts with an algorithm forced by its own options, and again for the next one."""
import json
import os
import re

import implementations
from processes import Daemon, free_port, run
from targets import LOGIN, DropbearTarget, TinySshTarget, make_key

KEY_KINDS = {"ed25519": ["-t", "ed25519"], "ecdsa256": ["-t", "ecdsa", "-b", "256"], "ecdsa384": ["-t", "ecdsa", "-b", "384"],
             "ecdsa521": ["-t", "ecdsa", "-b", "521"], "rsa": ["-t", "rsa", "-b", "3072"]}


class HostKeys:
    """A host key of every kind, each with a certificate for the given names."""

    def __init__(self, folder, names, prefix="host_"):
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = make_key(folder / "host_ca")
        self.files, self.lines = [], []
        for kind, options in KEY_KINDS.items():
            path = folder / f"{prefix}{kind}"
            path.unlink(missing_ok=True)
            run(["ssh-keygen", "-q", *options, "-N", "", "-f", path]).ok()
            run(["ssh-keygen", "-q", "-s", folder / "host_ca", "-I", kind, "-h", "-n", ",".join(names), f"{path}.pub"]).ok()
            self.files.append(path)
            self.lines.append(" ".join((path.parent / (path.name + ".pub")).read_text().split()[:2]))

    def fingerprints(self):
        return [run(["ssh-keygen", "-lf", f"{path}.pub"]).ok().text.split()[1] for path in self.files]


def both_ways(payload, times=1):
    return "sha256sum; cat" + f" {payload}" * times


class Server:
    login = LOGIN
    auth = "agent"
    certificate_keys = False  # shows host certificates
    counts = None             # what its log says for each exchange
    own_rekey = True
    drain = ""                # a command that waits until the server has read what those before it wrote
    lacks = {}

    def both_ways(self, size, payload):
        """The command that says the checksum of what comes in, and then sends the payload."""
        del size
        return both_ways(payload)

    def __init__(self, folder, name, authorized, ca):
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.target = name
        (self.folder / "home").mkdir(exist_ok=True)
        (self.folder / "authorized_keys").write_text("".join(line + "\n" for line in authorized))
        self.authorized, self.ca = authorized, ca
        self.daemon = None
        self.prepare()

    def prepare(self):
        self.keys = HostKeys(self.folder / "keys", [self.target, "127.0.0.1"])
        self.host_keys = self.keys.lines

    def missing(self):
        return None

    def lists(self):
        return None

    def names_one(self, kind):
        return True

    def start(self, forced=None, rekey=0):
        self.stop()
        self.port = free_port()
        command, env = self.command(forced or {}, rekey)
        self.daemon = Daemon(command, self.folder / "server.log", env={**os.environ, **env})
        self.daemon.wait_for_port(self.port)
        return self

    def rekeys(self):
        return len(re.findall(self.counts, self.daemon.said())) - 1 if self.counts else None

    def stop(self):
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon = None

    def close(self):
        self.stop()


class OpenSshServer(Server):
    auth = "certificate"
    certificate_keys = True
    counts = r"SSH2_MSG_NEWKEYS received"

    def __init__(self, version, *arguments):
        self.name, self.version = f"OpenSSH {version}", version
        self.root = implementations.openssh_folder(version)
        super().__init__(*arguments)

    def missing(self):
        return None if self.root else "not below build/peers; ./dev peers fetches it"

    def lists(self):
        def asked(what):
            return run([self.root / "usr/bin/ssh", "-Q", what]).ok().text.split()
        return {"kex": asked("kex"), "cipher": asked("cipher"), "mac": asked("mac")}

    def command(self, forced, rekey):
        names = {"kex": "KexAlgorithms", "host key": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}
        (self.folder / "ca.pub").write_text(self.ca + "\n")
        lines = [f"Port {self.port}", "ListenAddress 127.0.0.1", "PidFile none", "StrictModes no", "UsePAM no", "PermitRootLogin yes",
                 "PasswordAuthentication no", "PrintMotd no", "PrintLastLog no", "LogLevel DEBUG", "AllowAgentForwarding yes",
                 f"TrustedUserCAKeys {self.folder}/ca.pub", f"SetEnv HOME={self.folder}/home",
                 f"Subsystem sftp {self.root}/usr/lib/openssh/sftp-server"]
        for path in self.keys.files:
            lines += [f"HostKey {path}", f"HostCertificate {path}-cert.pub"]
        lines += [f"{names[kind]} {value}" for kind, value in forced.items()]
        if rekey:
            lines.append(f"RekeyLimit {rekey}")
        if self.version != "9.2":
            lines += [f"SshdSessionPath {self.root}/usr/lib/openssh/sshd-session", f"SshdAuthPath {self.root}/usr/lib/openssh/sshd-auth"]
        (self.folder / "sshd_config").write_text("".join(line + "\n" for line in lines))
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        return [self.root / "usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"], {}


class DropbearServer(Server):
    name = "Dropbear"
    own_rekey = False
    login = DropbearTarget.login

    def prepare(self):
        self.target_server = DropbearTarget(self.folder, authorized=self.authorized)
        self.key_files, self.host_keys = {}, []
        for kind, options in KEY_KINDS.items():
            path = self.folder / f"dropbear_{kind}"
            path.unlink(missing_ok=True)
            run(["dropbearkey", "-f", path, *[option.replace("-b", "-s") for option in options]]).ok()
            shown = run(["dropbearkey", "-y", "-f", path]).ok().text
            self.host_keys.append(" ".join(re.search(r"(?m)^(?:ssh|ecdsa)-.*$", shown)[0].split()[:2]))
            self.key_files[kind] = path

    def lists(self):
        return {"host key": ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-256"]}

    def names_one(self, kind):
        return kind == "host key"

    def command(self, forced, rekey):
        wanted = forced.get("host key", "ssh-ed25519")  # it takes four keys at most; the algorithm is chosen by giving it one
        kinds = [kind for kind in KEY_KINDS if kind == wanted.replace("ecdsa-sha2-nistp", "ecdsa").replace("ssh-", "") or
                 (kind == "rsa" and wanted.startswith("rsa-"))]
        keys = [word for kind in kinds for word in ("-r", self.key_files[kind])]
        return ["dropbear", "-F", "-E", "-p", f"127.0.0.1:{self.port}", *keys, "-P", self.folder / "pid"], \
            self.target_server.account.environment()

    def close(self):
        self.stop()
        self.target_server.account.remove()


class TinySshServer(Server):
    name = "TinySSH"
    own_rekey = False
    login = TinySshTarget.login
    lacks = {"sftp": "its sftp is a program of somebody else, set by an option", "agent": "no agent forwarding"}

    def prepare(self):
        self.target_server = TinySshTarget(self.folder, authorized=self.authorized)
        self.host_keys = [self.target_server.host_key]

    def names_one(self, kind):
        return False

    def command(self, forced, rekey):
        switches = "-v -x sftp=/usr/lib/openssh/sftp-server"
        if "kex" in forced:
            switches += " -s -p" if forced["kex"].startswith("sntrup") else " -s -P"
        command = f"tinysshd {switches} {self.folder / 'keys'}"
        line = ["socat", f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr,fork", f"EXEC:{command}"]
        return line, self.target_server.account.environment()

    def close(self):
        self.stop()
        self.target_server.account.remove()


class LibraryServer(Server):
    counts = r"(?m)^exchange$"

    def argument(self, forced, rekey):
        return json.dumps({"port": self.port, "host_keys": self.key_files(forced), "authorized": str(self.folder / "authorized_keys"),
                           "forced": forced, "rekey": rekey, "home": str(self.folder / "home")})

    def key_files(self, forced):
        """The only key that the server is given decides the host key algorithm, with or without a certificate beside it."""
        wanted = forced.get("host key")
        if not wanted:
            return [str(path) for path in self.keys.files]
        plain = wanted.replace("-cert-v01@openssh.com", "").replace("ecdsa-sha2-nistp", "ecdsa").replace("ssh-", "")
        kind = "rsa" if plain.startswith("rsa") else plain
        path = next(path for path in self.keys.files if path.name == f"host_{kind}")
        if "-cert-" in wanted:
            return [str(path)]
        bare = path.with_name(path.name + ".bare")
        bare.write_bytes(path.read_bytes())
        bare.with_name(bare.name + ".pub").write_bytes(path.with_name(path.name + ".pub").read_bytes())
        return [str(bare)]

    def command(self, forced, rekey):
        return [implementations.PYTHON, implementations.DRIVERS / self.driver, self.argument(forced, rekey)], {}


class AsyncSshServer(LibraryServer):
    name = "AsyncSSH"
    driver = "asyncssh_server.py"
    auth = "certificate"
    certificate_keys = True

    def lists(self):
        offers = json.loads(run([implementations.PYTHON, implementations.DRIVERS / "asyncssh_client.py", "lists"]).ok().text)
        del offers["host key"]
        return offers

    def command(self, forced, rekey):
        (self.folder / "authorized_keys").write_text(f"cert-authority {self.ca}\n")
        return super().command(forced, rekey)

    def names_one(self, kind):
        return kind != "host key"


class ParamikoServer(LibraryServer):
    name = "Paramiko"
    driver = "paramiko_server.py"
    lacks = {"agent": "our small server program does without it"}


class NodeSsh2Server(LibraryServer):
    name = "node ssh2"
    driver = "ssh2_server.js"
    lacks = {feature: "node has no terminals of its own" for feature in ("shell with pty", "window change")} | {
        "agent": "our small server program does without it"}

    def missing(self):
        return None if implementations.node_ssh2() else "not below build/peers; ./dev peers fetches it"

    def names_one(self, kind):
        return kind != "host key"

    def command(self, forced, rekey):
        return ["node", implementations.DRIVERS / self.driver, self.argument(forced, rekey), implementations.node_ssh2()], {}


class LibsshServer(Server):
    name = "libssh"
    counts = r"Received SSH_MSG_NEWKEYS"
    own_rekey = False
    lacks = {feature: "its example server tells no command where the input ends, and hangs before OpenSSH's own client as well"
             for feature in ("sftp", "scp")} | {"agent": "its example server does without it"}

    def missing(self):
        return None if implementations.libssh_server() else "its example server is not below build/peers; ./dev peers fetches it"

    # The example forgets what is in its pipes when the command ends.
    drain = """python3 -c "import fcntl, struct, termios, time
while any(struct.unpack('i', fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0] for pipe in (1, 2)): time.sleep(0.01)"; """

    def both_ways(self, size, payload):
        return f"head -c {size} | sha256sum; cat {payload}; {self.drain}"

    def prepare(self):
        super().prepare()
        # The example reads one authorized key.
        (self.folder / "authorized_keys").write_text(self.authorized[0] + "\n")

    def command(self, forced, rekey):
        names = {"kex": "KexAlgorithms", "host key": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}
        config = self.folder / "libssh.config"
        config.write_text("".join(f"{names[kind]} {value}\n" for kind, value in forced.items()))
        keys = [word for path in self.keys.files for word in ("-k", path)]
        line = [implementations.libssh_server(), "-v", "-p", self.port, "-a", self.folder / "authorized_keys", "-u", self.login, *keys,
                "127.0.0.1"]
        return line, {"LIBSSH_SERVER_CONFIG": str(config), "HOME": str(self.folder / "home")}


SERVERS = {
    "OpenSSH 9.2": lambda *arguments: OpenSshServer("9.2", *arguments),
    "OpenSSH 10.0": lambda *arguments: OpenSshServer("10.0", *arguments),
    "Dropbear": DropbearServer, "TinySSH": TinySshServer, "libssh": LibsshServer, "Paramiko": ParamikoServer, "AsyncSSH": AsyncSshServer,
    "node ssh2": NodeSsh2Server,
}
