"""Audit records told to machines as they come: syslog, JSON lines, webhooks. Every record arrives, also those of an outage."""
import json
import os
import re
import signal

import pytest
from buckets import certified
from listeners import Rsyslog, Socat, Webhook, structured
from processes import run, wait_until
from world import World

SECRET = "a secret of enough letters"


class Told:
    def __init__(self, folder, **config):
        self.folder = folder
        context, authority = certified(folder, run, "localhost")
        secret = folder / "webhook.secret"
        secret.write_text(f"an older secret, still valid\n{SECRET}\n")
        os.chmod(secret, 0o600)
        self.rsyslog = Rsyslog(folder, authority, folder / "tls.key")
        self.stream = Socat(folder / "stream.sock", "stream", folder / "stream.jsonl")
        self.datagrams = Socat(folder / "datagrams.sock", "datagrams", folder / "datagrams.jsonl")
        self.webhook = Webhook(SECRET, context)
        self.file = folder / "audit" / "audit.jsonl"
        self.world = World(config={
            "syslog": {"to": self.rsyslog.places, "ca_file": str(authority)},
            "json": {"to": [f"file:{self.file}", f"unix:{self.stream.path}", f"unix-dgram:{self.datagrams.path}"]},
            "webhook": {"to": [f"https://localhost:{self.webhook.port}/hook?token=hidden"], "secret_file": str(secret),
                        "ca_file": str(authority)}, **config})

    def start(self):
        for one in (self.rsyslog, self.stream, self.datagrams):
            one.start()
        self.world.start()
        return self

    def stop(self):
        for one in (self.world, self.rsyslog, self.stream, self.datagrams):
            one.stop()
        self.webhook.close()

    def records(self):
        """By number, from the first that is told: those before are from the making of the store."""
        return {record["sequence"]: record for record in self.world.gateway.audit()}

    def lines(self, *paths):
        found = {}
        for path in paths:
            for text in path.read_text().replace("}{", "}\n{").splitlines() if path.exists() else ():
                record = json.loads(text)
                found.setdefault(record.pop("sequence"), record)
        return found

    def told(self, way):
        """{number: record} of what came this way, each once."""
        if way in Rsyslog.WAYS:
            return {int(values["sequence"]): {**values, "message": message}
                    for message in self.rsyslog.messages(way) for values in [structured(message)]}
        if way == "webhook":
            return {record["sequence"]: record for record in self.webhook.records}
        paths = {"file": [self.file.with_suffix(".jsonl.1"), self.file], "stream": [self.stream.into],
                 "datagrams": [self.datagrams.into]}[way]
        return self.lines(*paths)

    def wait_for(self, ways):
        """Every record up to now came every way."""
        last = max(self.records())
        for way in ways:
            wait_until(lambda way=way: last in self.told(way), f"record {last} by {way}", 30)
        return {way: self.told(way) for way in ways}


@pytest.fixture
def told(folder):
    one = Told(folder)
    try:
        yield one.start()
    finally:
        one.stop()


LOSSLESS = ("tcp", "tls", "file", "stream", "webhook")


def test_every_record_arrives_everywhere(told):
    world = told.world
    world.alice.ssh(world.place(), "true").ok()
    assert world.guest.ssh(world.place(), "true").status != 0
    assert world.alice.ssh("-W", "no]whe\"re\\:1", "alice@gw").status != 0
    ways = told.wait_for((*LOSSLESS, "udp", "datagrams"))
    records = told.records()
    first = next(number for number, record in records.items() if record["kind"] == "gateway.start")
    wanted = {number: record for number, record in records.items() if number >= first}
    host = os.uname().nodename
    for way in ("file", "stream", "webhook", "datagrams"):
        assert set(wanted) <= set(ways[way]), way
        for number, record in wanted.items():
            there = {"sequence": number, **ways[way][number]}
            assert there == {**{name: value for name, value in record.items() if name != "time_ms"}, "host": host}, way
    severities = {"ok": "info", "refused": "warning", "failed": "err"}
    for way in Rsyslog.WAYS:
        assert set(wanted) <= set(ways[way]), way
        for number, record in wanted.items():
            values = dict(ways[way][number])
            message = values.pop("message")
            assert values == {"sequence": str(number), **{name: record[name] for name in (
                "session", "user", "source", "subject", "outcome", "reason") if record[name]}}, way
            assert (message["app-name"], message["msgid"], message["hostname"]) == ("sekisho", record["kind"], host)
            assert message["procid"] == str(world.gateway.daemon.pid)
            assert (message["syslogfacility-text"], message["syslogseverity-text"]) == ("authpriv", severities[record["outcome"]])
            assert message["timereported"] == record["time"]
            assert message["msg"].startswith(record["kind"])
    assert any('rule "alice works everywhere"' in record["reason"] for record in wanted.values()), "quotes were escaped"
    assert not told.webhook.wrong
    assert "hidden" not in world.gateway.daemon.log.read_text() + json.dumps(list(records.values()))


def test_an_outage_and_a_restart_lose_nothing(told):
    world = told.world
    world.alice.ssh(world.place(), "true").ok()
    told.wait_for(LOSSLESS)
    told.rsyslog.stop()
    told.stream.stop()
    told.webhook.status = 503
    asked = told.webhook.asked
    world.alice.ssh(world.place(), "true").ok()
    told.file.rename(told.file.with_suffix(".jsonl.1"))
    world.gateway.daemon.process.send_signal(signal.SIGHUP)
    world.guest.ssh(world.place(), "true")
    wait_until(lambda: told.webhook.asked > asked, "a webhook that was tried")
    down = {record["subject"] for record in wait_until(
        lambda: [r for r in world.gateway.audit() if r["kind"] == "telling" and r["outcome"] == "failed"], "an outage in the audit")}
    assert all("token" not in place for place in down)
    world.gateway.kill()
    told.rsyslog.start()
    told.stream.start()
    told.webhook.status = 200
    world.gateway.start()
    world.alice.ssh(world.place(), "true").ok()
    ways = told.wait_for(LOSSLESS)
    records = told.records()
    first = next(number for number, record in records.items() if record["kind"] == "gateway.start")
    for way in LOSSLESS:
        missing = {number for number in records if number >= first} - set(ways[way])
        assert not missing, (way, missing)


def test_kinds_and_where_to_begin(make_gateway, folder):
    """Only what is asked for, and only from when it is asked for."""
    first, second = folder / "a" / "first.jsonl", folder / "a" / "second.jsonl"
    gateway = make_gateway(json={"to": [f"file:{first}"], "kinds": ["gateway.*"]}).start()
    gateway.stop()
    gateway.start()
    gateway.stop()  # what is in the store by then is told before the end
    kinds = [json.loads(line)["kind"] for line in first.read_text().splitlines()]
    assert kinds == ["gateway.start", "gateway.stop"] * 2
    # Another place begins with what is new; one that was taken away and comes again, too.
    gateway.configure(json={"to": [f"file:{second}"]})
    gateway.start()
    gateway.stop()
    gateway.configure(json={"to": [f"file:{first}"]})
    gateway.start()
    gateway.stop()
    for path, count in ((second, 1), (first, 3)):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["kind"] for line in lines].count("gateway.start") == count, path
    assert re.fullmatch(r"file-[0-9a-f]{16}", " ".join(os.listdir(gateway.data_dir / "telling")))


def test_what_is_wrong_is_said(make_gateway, folder):
    gateway = make_gateway()
    for tables, said in (
            ({"mail": {"smtp": "smtp://mail.example.com:587"}}, "mail.to"),
            ({"mail": {"smtp": "smtp://mail.example.com/x", "to": ["a@example.com"]}}, "smtp://HOST"),
            ({"mail": {"to": ["a@example.com\r\nBcc: b@example.com"]}}, "not a mail address"),
            ({"mail": {"smtp": "smtp://h", "to": ["a@example.com"], "tls": "none", "user": "u", "password_file": "p"}}, "in the clear"),
            ({"mail": {"language": "jp"}}, "did you mean"),
            ({"syslog": {"to": ["tls://host"]}}, "tls://HOST:PORT"),
            ({"json": {"to": ["file:relative"]}}, "file:/FOLDER/NAME"),
            ({"webhook": {"to": ["http://example.com/"], "secret_file": "s"}}, "this machine only"),
            ({"webhook": {"to": ["https://example.com/"]}}, "secret_file")):
        gateway.configure(**tables)
        done = gateway.command("check")
        assert done.status == 1 and said in done.text + done.err, (tables, done.text, done.err)
    secret = folder / "secret"
    secret.write_text("much too open, this one\n")
    os.chmod(secret, 0o644)
    gateway.configure(webhook={"to": ["https://localhost:1/"], "secret_file": str(secret)})
    done = gateway.command("serve", timeout=20)
    assert done.status == 1 and "others can read" in done.err
    keys = gateway.data_dir / "keys" / "audit.jsonl"
    gateway.configure(json={"to": [f"file:{keys}"]})
    done = gateway.command("serve", timeout=20)
    assert done.status == 1 and "choose another one" in done.err + done.text
