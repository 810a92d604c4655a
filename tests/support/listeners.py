"""Who is told the audit records in the tests: rsyslogd as it is, socat at Unix sockets, and a webhook that checks signatures."""
import json
import re
import threading

from buckets import Answering, Listening
from gateway import ROOT
from processes import Daemon, free_port, wait_until


class Rsyslog:
    """One rsyslogd that listens by UDP, TCP and TLS. What it understood of each message is in a file of JSON lines for each way."""

    WAYS = ("udp", "tcp", "tls")

    def __init__(self, folder, certificate, key):
        self.folder = folder / "rsyslog"
        self.folder.mkdir()
        self.ports = {way: free_port() for way in self.WAYS}
        fields = ("syslogfacility-text", "syslogseverity-text", "hostname", "app-name", "procid", "msgid", "structured-data", "msg",
                  "timereported", "protocol-version")
        form = 'constant(value="{")' + 'constant(value=", ")'.join(
            f'property(name="{field}" format="jsonf"{" dateFormat=" + chr(34) + "rfc3339" + chr(34) if field == "timereported" else ""})'
            for field in fields) + 'constant(value="}\\n")'
        rulesets = "".join(
            f'ruleset(name="{way}") {{ action(type="omfile" file="{self.folder}/{way}.log" template="out" asyncWriting="off") }}\n'
            for way in self.WAYS)
        (self.folder / "rsyslog.conf").write_text(f"""
global(workDirectory="{self.folder}" maxMessageSize="64k" defaultNetstreamDriverCAFile="{certificate}"
    defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}")
module(load="imudp")
module(load="imtcp")
template(name="out" type="list") {{ {form} }}
{rulesets}
input(type="imudp" address="127.0.0.1" port="{self.ports["udp"]}" ruleset="udp")
input(type="imtcp" address="127.0.0.1" port="{self.ports["tcp"]}" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="{self.ports["tls"]}" ruleset="tls" streamDriver.name="ossl" streamDriver.mode="1"
    streamDriver.authMode="anon")
""")
        self.daemon = None

    @property
    def places(self):
        return [f"{way}://{'localhost' if way == 'tls' else '127.0.0.1'}:{self.ports[way]}" for way in self.WAYS]

    def start(self):
        self.daemon = Daemon(["rsyslogd", "-n", "-C", "-f", self.folder / "rsyslog.conf", "-i", self.folder / "pid"],
                             self.folder / "rsyslog.out")
        listening = {f"0100007F:{port:04X}" for port in self.ports.values()}

        def ready():
            assert self.daemon.alive(), self.daemon.said()
            tables = "".join(open(f"/proc/net/{name}").read() for name in ("tcp", "udp"))
            return all(place in tables for place in listening)
        wait_until(ready, "rsyslogd's listeners")
        return self

    def stop(self):
        if self.daemon:
            self.daemon.stop()
            self.daemon = None

    def messages(self, way):
        path = self.folder / f"{way}.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def structured(message):
    """The parameters of our element, unescaped as RFC 5424 §6.3.3 says."""
    whole = re.fullmatch(r'\[sekisho@32473((?: [^ ="\]]+="(?:[^"\\\]]|\\["\\\]])*")*)\]', message["structured-data"])
    assert whole, message["structured-data"]
    found = re.findall(r' ([^ ="\]]+)="((?:[^"\\\]]|\\["\\\]])*)"', whole[1])
    return {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in found}


class Socat:
    """Takes what comes to a Unix socket into a file."""

    def __init__(self, path, kind, into):
        self.path, self.into = path, into
        self._address = {"stream": f"UNIX-LISTEN:{path},fork,unlink-early", "datagrams": f"UNIX-RECV:{path},unlink-early"}[kind]
        self.daemon = None

    def start(self):
        self.daemon = Daemon(["socat", "-u", self._address, f"OPEN:{self.into},creat,append"], f"{self.into}.log")
        wait_until(self.path.exists, f"{self.path}")
        return self

    def stop(self):
        if self.daemon:
            self.daemon.stop()
            self.path.unlink(missing_ok=True)
            self.daemon = None


def genuine(header, body, secret):
    """As README shows it: by the very lines."""
    (shown,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    names = {}
    exec(shown, names)
    return names["genuine"](header, body, secret)


class Webhook(Listening):
    """Answers with `status`; what it took is in `records`. Checks signatures."""

    def __init__(self, secret, context):
        self.secret, self.status, self.asked = secret, 200, 0
        self.records, self.wrong = [], []
        outer = self

        class Handler(Answering):
            def do_POST(self):
                outer.handle(self)
        self._lock = threading.Lock()
        super().__init__(Handler, context=context)

    def handle(self, client):
        body = client.rfile.read(int(client.headers["Content-Length"]))
        with self._lock:
            self.asked += 1
            problem = self.problem(client.headers["Sekisho-Signature"], body)
            if problem:
                self.wrong.append(problem)
            elif self.status == 200:
                self.records += json.loads(body)["records"]
        client.answer(401 if problem else self.status, b"{}")

    def problem(self, signature, body):
        return "" if genuine(signature, body, self.secret.encode()) else "the signature is wrong, or it is old"
