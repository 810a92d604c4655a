"""Servers behind the gateway: OpenSSH, Dropbear and TinySSH on loopback, each with a folder of its own."""
import os
import pwd
import select
import shutil
import socket
import tempfile
from pathlib import Path

from processes import Daemon, free_port, run
from serving import Serving

LOGIN = pwd.getpwuid(os.getuid()).pw_name
NSS_WRAPPER = next((str(path) for path in Path("/usr/lib").glob("*/libnss_wrapper.so")), "libnss_wrapper.so")


def make_key(path, kind="ed25519", comment="test"):
    """A new key pair without a passphrase; returns its public line."""
    path = Path(path)
    path.unlink(missing_ok=True)
    bits = ["-b", "2048"] if kind == "rsa" else []
    run(["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-C", comment, "-f", path]).ok()
    return Path(f"{path}.pub").read_text().strip()


class OpenSshTarget:
    """A private sshd for the caller's own account, which trusts a CA and, where asked, single keys."""

    def __init__(self, folder, ca_lines=(), authorized=(), options=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.login = LOGIN
        self.host_key = " ".join(make_key(self.folder / "host_ed25519").split()[:2])
        (self.folder / "ca.pub").write_text("".join(line + "\n" for line in ca_lines))
        (self.folder / "authorized_keys").write_text("".join(line + "\n" for line in authorized))
        # What the caller's own shell start-up files do (version managers that take locks, prompts that ask a network) is not
        # what is tested, and can hang a command for a minute.
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        config = f"""
SetEnv HOME={home}
Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder}/host_ed25519
PidFile none
AuthorizedKeysFile {self.folder}/authorized_keys
TrustedUserCAKeys {self.folder}/ca.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PrintMotd no
PrintLastLog no
MaxSessions 1000
MaxStartups 1000
LoginGraceTime 30
LogLevel VERBOSE
AcceptEnv LANG LC_* SEKISHO_*
AllowAgentForwarding yes
Subsystem sftp /usr/lib/openssh/sftp-server
"""
        (self.folder / "sshd_config").write_text(config + "".join(option + "\n" for option in options))

    def start(self):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.daemon = Daemon(["/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"], self.folder / "sshd.log")
        self.daemon.wait_for_port(self.port)
        return self

    def stop(self):
        self.daemon.stop()

    def new_host_key(self):
        """Another host key under the same address, as after a reinstallation (or an attack)."""
        self.stop()
        self.host_key = " ".join(make_key(self.folder / "host_ed25519").split()[:2])
        return self.start()


class _WrappedAccount:
    """An account that exists for one server process only (nss_wrapper), with a home of its own."""

    def __init__(self, folder, authorized):
        self.folder = Path(folder)
        # Below the build folder: TinySSH refuses keys below a folder that everybody may write to, such as the one for temporary files.
        homes = Path(__file__).resolve().parents[2] / "build/homes"
        homes.mkdir(parents=True, exist_ok=True)
        self.home = Path(tempfile.mkdtemp(dir=homes))
        (self.home / ".ssh").mkdir()
        os.chmod(self.home, 0o755)
        os.chmod(self.home / ".ssh", 0o700)
        keys = self.home / ".ssh/authorized_keys"
        keys.write_text("".join(line + "\n" for line in authorized))
        os.chmod(keys, 0o600)
        (self.folder / "passwd").write_text(f"tester:x:{os.getuid()}:{os.getgid()}::{self.home}:/bin/sh\n")
        (self.folder / "group").write_text(f"tester:x:{os.getgid()}:\n")

    def remove(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def environment(self):
        return {**os.environ, "LD_PRELOAD": NSS_WRAPPER, "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
                "NSS_WRAPPER_GROUP": str(self.folder / "group"), "HOME": str(self.home)}


class DropbearTarget:
    login = "tester"

    def __init__(self, folder, authorized=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.account = _WrappedAccount(folder, authorized)
        self.port = free_port()
        key = self.folder / "host_ed25519"
        run(["dropbearkey", "-t", "ed25519", "-f", key]).ok()
        shown = run(["dropbearkey", "-y", "-f", key]).ok().text.splitlines()
        self.host_key = " ".join(next(line for line in shown if line.startswith("ssh-ed25519")).split()[:2])

    def start(self):
        self.daemon = Daemon(["dropbear", "-F", "-E", "-p", f"127.0.0.1:{self.port}", "-r", self.folder / "host_ed25519", "-P",
                              self.folder / "pid"], self.folder / "dropbear.log", env=self.account.environment())
        self.daemon.wait_for_port(self.port)
        return self

    def stop(self):
        self.daemon.stop()
        self.account.remove()


class TinySshTarget:
    login = "tester"

    def __init__(self, folder, authorized=()):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.account = _WrappedAccount(folder, authorized)
        self.port = free_port()
        run(["tinysshd-makekey", "-q", self.folder / "keys"]).ok()
        shown = run(["tinysshd-printkey", self.folder / "keys"]).ok().text
        self.host_key = next(line for line in shown.splitlines() if line.startswith("ssh-ed25519")).strip()

    def start(self):
        command = f"tinysshd -v {self.folder / 'keys'}"
        self.daemon = Daemon(["socat", f"TCP-LISTEN:{self.port},bind=127.0.0.1,reuseaddr,fork", f"EXEC:{command}"],
                             self.folder / "tinysshd.log", env=self.account.environment())
        self.daemon.wait_for_port(self.port)
        return self

    def stop(self):
        self.daemon.process.terminate()
        self.daemon.process.wait()
        self.account.remove()


class Doorway(Serving):
    """A port in front of a server that counts who knocked. With no server behind it, it greets nobody."""

    def __init__(self, behind=None, answer=None):
        self.behind = behind
        self.answer = answer
        super().__init__(socket.create_server(("127.0.0.1", 0), backlog=512))

    def serve(self, connection):
        with connection:
            if self.answer is not None:
                self.answer(connection)
            elif self.behind is not None:
                with socket.create_connection(("127.0.0.1", self.behind)) as other:
                    pump(connection, other)


def pump(one, other):
    """Copies both ways until either side ends."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            try:
                data = ready.recv(65536)
            except OSError:
                data = b""
            if not data:
                return
            (other if ready is one else one).sendall(data)


def echo(connection):
    """What a Doorway answers with to be a service: everything comes back, EOF as well."""
    while data := connection.recv(65536):
        connection.sendall(data)
