"""SMTP relays of the tests: aiosmtpd, which lets mails down in every way that a test asks for; and postfix, as it is."""
import asyncio
import email
import email.policy
import os
import pwd
import socket
import threading
from collections import Counter
from dataclasses import dataclass

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from processes import PATIENCE, Daemon, run, wait_until

USER, PASSWORD = "gate@example.com", "pässword with blanks"


@dataclass
class Arrived:
    sender: str
    recipients: list
    raw: bytes
    tls: bool
    user: str

    @property
    def message(self):
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def id(self):
        return self.message["Message-ID"]

    @property
    def subject(self):
        return str(self.message["Subject"])

    @property
    def text(self):
        return self.message.get_body().get_content()


class Relay:
    """Takes mails on a port of loopback. `mode` is what happens to those that come:
    take | 451 | 550 (at RCPT) | 554-data (behind the data) | slow (answers when `go` is set) | cut (hangs up in the middle of the data) |
    no-answer (hangs up behind the last dot, and has not taken it) | answer-lost (the same, and has) | 535 (sign-in refused).
    To a recipient that is called like a mode, that happens `times` times, and then what happens to all."""

    MODES = ("451", "550", "554-data", "cut", "no-answer", "answer-lost")

    def __init__(self, port, context=None, user=USER, password=PASSWORD):
        self.mode = "take"
        self.port = port
        self.arrived = []
        self.go = threading.Event()
        self.times = 2
        self.signed_in = 0  # attempts
        self._done = Counter()
        self._context = context
        self._user, self._password = user, password
        self._controller = None

    def start(self):
        outer = self

        class Server(SMTP):
            async def smtp_DATA(self, arg):
                self.envelope.mode = outer._mode_for(self.envelope.rcpt_tos[0]) if self.envelope.rcpt_tos else "take"
                if self.envelope.mode != "cut":
                    return await super().smtp_DATA(arg)
                await self.push("354 go on")
                await self._reader.read(64)
                self.transport.abort()
                return None

        class Handling(Controller):
            def factory(self):
                return Server(self.handler, **self.SMTP_kwargs)
        more = {}
        if self._context:
            more = {"tls_context": self._context, "require_starttls": True}
            if self._user:
                more.update(auth_required=True, auth_require_tls=True, authenticator=self._authenticate)
        self._controller = Handling(self, hostname="127.0.0.1", port=self.port, ready_timeout=30 * PATIENCE, **more)
        self._controller.start()
        return self

    def stop(self):
        if self._controller:
            self._controller.stop()
            self._controller = None

    # --- aiosmtpd's hooks ---
    def _authenticate(self, _server, _session, _envelope, mechanism, data):
        assert mechanism in ("PLAIN", "LOGIN")
        self.signed_in += 1
        if self.mode == "535":
            self._done["535"] += 1
        fine = self.mode != "535" and data.login == self._user.encode() and data.password == self._password.encode()
        return AuthResult(success=fine, handled=False, auth_data=data)

    def _mode_for(self, address):
        name = address.split("@")[0]
        if name not in self.MODES or self._done[name] >= self.times:
            name = self.mode
        self._done[name] += 1
        return name

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        name = address.split("@")[0]
        mode = self._mode_for(address) if name in ("451", "550") or self.mode in ("451", "550") else "take"
        if mode in ("451", "550"):
            return f"{mode} not now"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):
        if envelope.mode == "554-data":
            return "554 no"
        if envelope.mode == "slow":
            while not self.go.is_set():
                await asyncio.sleep(0.05)
        if envelope.mode != "no-answer":
            self.arrived.append(Arrived(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content or envelope.content,
                                        session.ssl is not None, session.auth_data.login.decode() if session.auth_data else ""))
        if envelope.mode in ("no-answer", "answer-lost"):
            server.transport.abort()
        return "250 taken"

    def times_of(self, mode):
        return self._done[mode]

    # --- for the tests ---
    def wait_for(self, count, timeout=30):
        wait_until(lambda: len(self.arrived) >= count, f"{count} mails at the relay", timeout)
        return self.arrived

    def about(self, user):
        return [mail for mail in self.arrived if user in mail.subject]


def password_file(folder, password=PASSWORD):
    path = folder / "smtp.password"
    path.write_text(password + "\n")
    os.chmod(path, 0o600)
    return path


class Postfix:
    """postfix in a folder of its own, with STARTTLS and AUTH; what it delivers is in a Maildir for each recipient. Wants root."""

    SERVICES = """127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
"""

    def __init__(self, folder, port, certificate, key):
        self.folder, self.port = folder / "postfix", port
        owner = pwd.getpwnam("postfix")
        for name in ("conf", "conf/sasl", "queue", "data", "mail"):
            (self.folder / name).mkdir(parents=True)
        for name in ("data", "mail"):
            os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        for path in (folder, self.folder):
            os.chmod(path, 0o755)
        conf = self.folder / "conf"
        (conf / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = example.com
virtual_mailbox_base = {self.folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{owner.pw_uid}
virtual_gid_maps = static:{owner.pw_gid}
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {conf}/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
""")
        (conf / "master.cf").write_text(self.SERVICES.format(port=port))
        base = conf / "sasl/sasldb2"
        (conf / "sasl/smtpd.conf").write_text(f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: {base}\n")
        name, domain = USER.split("@")
        run(["saslpasswd2", "-p", "-c", "-u", domain, "-f", base, name], given=PASSWORD.encode()).ok()
        os.chown(base, owner.pw_uid, owner.pw_gid)
        self.daemon = None

    def start(self):
        self.daemon = Daemon(["postfix", "-c", self.folder / "conf", "start-fg"], self.folder / "postfix.out")

        def ready():
            assert self.daemon.alive(), self.daemon.said() + self.said()
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                    return connection.recv(100).startswith(b"220")
            except OSError:
                return False
        wait_until(ready, "postfix's greeting")
        return self

    def stop(self):
        if self.daemon:
            run(["postfix", "-c", self.folder / "conf", "stop"])
            self.daemon.stop()
            self.daemon = None

    def said(self):
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    @property
    def arrived(self):
        return [Arrived("", [], path.read_bytes(), True, "") for path in sorted((self.folder / "mail/all/new").glob("*"))]

    def wait_for(self, count, timeout=30):
        wait_until(lambda: len(self.arrived) >= count, f"{count} mails delivered by postfix", timeout)
        return self.arrived
