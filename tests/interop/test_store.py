"""The store: what a kill leaves of a change, and a whole gateway on PostgreSQL, also while that is not there."""
import base64
import hashlib
import itertools
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from urllib.parse import quote

import postgresql
import pytest
from clients import Clients
from processes import run, wait_until
from toml_text import access_text
from world import World

needs_postgresql = pytest.mark.skipif(postgresql.programs() is None, reason="postgresql-15 is not installed")


@pytest.fixture(scope="module")
def server():
    if postgresql.programs() is None:
        pytest.skip("postgresql-15 is not installed")
    server = postgresql.PostgreSql()
    try:
        yield server.start()
    finally:
        server.remove()


numbers = itertools.count()


@pytest.fixture
def fresh(server):
    """The name of an empty database that belongs to the gateway's role."""
    if not server.daemon.alive():  # a test failed before it started it again
        server.start()
    return server.database(f"test_{next(numbers)}")


@pytest.fixture
def store_url(server, fresh, folder):
    """Over TCP, with the password in a file of its own."""
    return server.url(fresh, passfile=server.passfile(folder / "pgpass"))


# --- a kill in the middle of a change ---

KILLS = 24  # at least, spread over the time of a change; more until enough of them hit a transaction
MOST_KILLS = 120
ENOUGH = 8
USERS = 3000


def key_line(seed):
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-ed25519", hashlib.sha256(seed.encode()).digest()))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def large_access(generation):
    """Every user differs from generation to generation; a tenth of them comes and goes, and so do rules."""
    names = [f"u{number:04}" for number in range(USERS) if (number + generation) % 10]
    users = [{"name": name, "email": f"{name}@generation-{generation}.example", "groups": ["all", f"g{generation}"],
              "keys": [key_line(f"{name} {generation}")]} for name in names]
    rules = [{"name": f"rule {number} of {generation}", "users": [f"@g{generation}"], "targets": ["*"], "allow": ["shell"]}
             for number in range(50)]
    return {"user": users, "rule": rules}


class SqliteWatch:
    """Whether a transaction that writes is open at this moment."""

    def __init__(self, gateway):
        self._file = gateway.data_dir / "sekisho.db"

    def writing(self):
        connection = sqlite3.connect(self._file, timeout=0, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            return False
        except sqlite3.OperationalError as error:
            assert "locked" in str(error), error
            return True
        finally:
            connection.close()


class PostgreSqlWatch:
    def __init__(self, server, database):
        self._server, self._database = server, database

    def writing(self):
        open_ones = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self._database}' AND backend_xid IS NOT NULL"
        return self._server.sql(open_ones) != "0"


def contents(gateway):
    """Everything that an access file says, as the listings give it."""
    return {kind: sorted(gateway.listing(kind, "ls"), key=lambda item: item["name"]) for kind in ("user", "target", "rule")}


def changes_after(gateway, number):
    """The records of changes behind that one: how many, and the last one's number."""
    records = gateway.listing("audit", "ls", "--kind", "access.changed", "--after", str(number), "--most", "100000")
    return len(records), records[-1]["sequence"] if records else number


def timed_apply(gateway, path):
    began = time.monotonic()
    gateway.command("apply", path, "--prune").ok()
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def test_a_kill_in_the_middle_of_apply_leaves_the_old_or_the_new_state(database, request, make_gateway, folder, record_property):
    if database == "postgresql":
        url, name = request.getfixturevalue("store_url"), request.getfixturevalue("fresh")
        gateway = make_gateway(store={"url": url})
        watch = PostgreSqlWatch(request.getfixturevalue("server"), name)
    else:
        gateway = make_gateway()
        watch = SqliteWatch(gateway)
    gateway.start()
    states, sizes, last = [], [], 0
    for generation in (0, 1, 0):
        path = folder / f"access-{generation}.toml"
        gateway.apply(large_access(generation), "--prune")
        (gateway.folder / "access.toml").rename(path)
        states.append(contents(gateway))
        size, last = changes_after(gateway, last)
        sizes.append(size)
    assert states[0] == states[2] and states[0] != states[1]
    whole = min(timed_apply(gateway, folder / f"access-{generation}.toml") for generation in (1, 0, 1))
    size, last = changes_after(gateway, last)
    now = 1
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    in_the_middle = came = kills = 0
    while kills < KILLS or (in_the_middle < ENOUGH and kills < MOST_KILLS):
        other = 1 - now
        client = subprocess.Popen([gateway.program, "apply", str(folder / f"access-{other}.toml"), "--prune"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, "SEKISHO_CONFIG": str(gateway.config_path)})
        time.sleep(whole * (kills % KILLS + chance.random()) / KILLS)  # the moment of the kill is the input of this test
        # Held still, so that one can look whether it is in the middle; for the database a process that stops is no different.
        gateway.daemon.process.send_signal(signal.SIGSTOP)
        writing = watch.writing()
        gateway.kill()
        client.wait(60)
        gateway.start()
        in_the_middle += writing
        found = contents(gateway)
        assert found in (states[0], states[1]), f"neither the old nor the new state (kill {kills} of seed {seed})"
        changed = found == states[other]
        size, last = changes_after(gateway, last)
        assert size == (sizes[2 - other] if changed else 0), f"the records do not fit the state (kill {kills} of seed {seed})"
        kills += 1
        came += changed
        now = other if changed else now
    record_property("figures", f"{kills} kills over {whole:.2f} s, {in_the_middle} of them in a transaction, {came} changes came through")
    print(f"{database}: {kills} kills over {whole:.2f} s, {in_the_middle} in a transaction, {came} changes came through")
    assert in_the_middle >= ENOUGH, f"only {in_the_middle} of {kills} kills hit a transaction: the test says nothing"


def test_every_change_of_access_says_who_and_what(make_gateway):
    gateway = make_gateway()
    # Longer than what is kept of a stranger's words.
    line = f'from="{",".join(f"10.{a}.{b}.0/24" for a in range(4) for b in range(200))}" {key_line("bob")}'
    assert len(line) > 8192
    for running in (False, True):  # by the command itself, then by the gateway for it
        if running:
            gateway.start()
        gateway.apply({"user": [{"name": "alice", "email": "old@example.com"}]}, "--prune")
        gateway.apply({"user": [{"name": "alice", "email": "new@example.com", "keys": [line]}]})
        gateway.apply({"rule": [{"name": "nobody's", "users": ["*"], "allow": ["exec"]}]}, "--prune")
        records = gateway.listing("audit", "ls", "--kind", "access.changed")
        assert {record["source"] for record in records} == {f"uid {os.getuid()}"}, records
        told = {record["reason"].split(";")[0]: record["reason"] for record in records if record["subject"] == "user alice"}
        assert set(told) == {"added", "changed", "removed"}
        assert 'email: "" → "old@example.com"' in told["added"]
        assert 'email: "old@example.com" → "new@example.com"' in told["changed"] and f'keys: "" → "{line}"' in told["changed"]
        assert 'email: "new@example.com" → ""' in told["removed"] and f'keys: "{line}" → ""' in told["removed"]
        assert any(record["subject"] == "rule nobody's" and record["reason"].startswith("added") for record in records)
        gateway.apply({"user": []}, "--prune")


def write(gateway, access):
    path = gateway.folder / "more.toml"
    path.write_text(access_text(access))
    return path


# --- PostgreSQL ---

def assert_no_password(*texts):
    for text in texts:
        for form in (postgresql.PASSWORD, quote(postgresql.PASSWORD, safe=""), quote(postgresql.PASSWORD)):
            assert form not in text


@pytest.fixture
def make_world():
    made = []

    def make(**config):
        made.append(World(config=config))
        return made[-1].start()
    yield make
    for world in made:
        world.stop()


def test_who_looks_into_the_database_takes_nothing_away(make_world, folder):
    """SQLite's log is deleted by the last one to leave: others who come and go must never believe that they are."""
    gateway = make_world(json={"to": [f"file:{folder / 'audit.jsonl'}"]}).gateway  # which is a second reader in the gateway
    file = gateway.data_dir / "sekisho.db"
    log = file.with_name("sekisho.db-wal")
    inode = log.stat().st_ino
    gateway.apply({"user": [{"name": "before"}]})
    look = ("import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
            "print(db.execute(\"SELECT COUNT(*) FROM users WHERE name = 'before'\").fetchone()[0]); db.close()")
    for _ in range(3):
        seen = run([sys.executable, "-c", look, file]).ok().out
        assert seen == b"1\n"
        assert log.stat().st_ino == inode
    gateway.apply({"user": [{"name": "after"}]})
    gateway.kill()  # no last words: what counts is in the database
    gateway.start()
    assert {"before", "after"} <= {user["name"] for user in gateway.listing("user", "ls")}


# What new sessions meet while the database is away, by the answer to missing evidence.
OUTAGES = [("refuse", signal.SIGINT), ("end", signal.SIGQUIT), ("alarm", signal.SIGINT)]


@pytest.mark.parametrize(("on_failure", "how"), OUTAGES)
def test_a_whole_gateway_survives_an_outage(server, fresh, store_url, make_world, on_failure, how):
    world = make_world(store={"url": store_url}, recording={"on_failure": on_failure})
    gateway, pid = world.gateway, world.gateway.daemon.pid
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"
    wait_until(lambda: [session["user"] for session in gateway.sessions() if session.get("finished")] == ["alice"], "the session's end")
    assert {"session.start", "session.finish", "access.changed"} <= {record["kind"] for record in gateway.audit()}

    with world.alice.start(world.place(), "echo live; cat") as live:
        assert live.stdout.readline() == b"live\n"
        server.stop(how)

        # Who is in stays in.
        live.stdin.write(b"still here\n")
        live.stdin.flush()
        assert live.stdout.readline() == b"still here\n"
        # Who comes now hears what the rule says.
        done = world.alice.ssh(world.place(), "echo through")
        if on_failure == "alarm":
            assert done.ok().out == b"through\n"
        else:
            assert (done.status, done.out) == (255, b""), done
            assert "cannot keep its records" in done.err
        # And an operator hears where it is.
        listing = gateway.command("sessions", "ls")
        assert listing.status == 1 and f"PostgreSQL database {fresh} at 127.0.0.1:{server.port}" in listing.err, listing.err
        refused = gateway.command("apply", write(gateway, {"user": []}))
        assert refused.status == 1 and "PostgreSQL" in refused.err
        live.stdin.close()
        assert live.wait(20) == 0
    gateway.daemon.wait_for("store.lost")

    server.start()
    assert world.alice.ssh(world.place(), "echo again").ok().out == b"again\n"
    assert gateway.daemon.pid == pid and gateway.daemon.alive()

    def all_ended():
        sessions = gateway.sessions()
        return len(sessions) == 4 and all(session.get("finished") for session in sessions)
    wait_until(all_ended, "all sessions with their ends in the store")
    audit = gateway.audit()
    for session in gateway.sessions():
        kinds = [record["kind"] for record in audit if record["session"] == session["id"]]
        assert kinds.count("session.start") == kinds.count("session.finish") == 1, (session, kinds)
    failed = [record for record in audit if record["kind"] == "store.failed"]
    assert [record["outcome"] for record in failed] == ["failed" if on_failure == "alarm" else "refused"], failed
    access = world.access()
    access["rule"] = [rule for rule in access["rule"] if rule["users"] != ["guest"]]
    gateway.apply(access, "--prune")
    assert world.guest.ssh(world.place(), "true").status != 0
    assert_no_password(gateway.daemon.said(), listing.err, refused.err)


def test_the_gateway_connects_again_from_inside_its_sandbox(server, fresh, folder, make_gateway):
    """Over the socket and over TCP, with the password in the URL, in a passfile and in the environment's."""
    passfile = server.passfile(folder / "pgpass")
    socket = f"postgresql:///{fresh}?host={quote(str(server.socket_folder), safe='')}&port={server.port}&user=postgres"
    urls = [(server.url(fresh, password=postgresql.PASSWORD), {}), (server.url(fresh, passfile=passfile), {}),
            (server.url(fresh, sslmode="disable"), {"PGPASSFILE": str(passfile)}), (server.url(fresh), {"PGPASSWORD": postgresql.PASSWORD}),
            (socket, {})]
    for url, variables in urls:
        kept = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            gateway = make_gateway(store={"url": url})
            if postgresql.PASSWORD in url or quote(postgresql.PASSWORD, safe="") in url:
                told = gateway.command("check")
                assert told.status == 1 and f"chmod 600 {gateway.config_path}" in told.text
                assert_no_password(told.text, told.err)
                gateway.config_path.chmod(0o600)
            gateway.command("check").ok()
            gateway.start()
            for _ in range(2):
                server.sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{fresh}'")
                assert gateway.listing("sessions", "ls") == []
                gateway.apply({"user": [{"name": "alice"}]})
            log = gateway.daemon.said()
            assert gateway.stop() == 0
            assert "store.connected" in log, log
            assert_no_password(log)
        finally:
            for name, value in kept.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def test_what_keeps_a_gateway_from_its_database_is_said_without_the_password(server, fresh, folder, make_gateway):
    gateway = make_gateway()
    wrong = "wrong/pass@word"
    for url, hint in ((server.url(fresh, password=wrong), "password authentication failed"),
                      (server.url("nowhere", password=postgresql.PASSWORD), "does not exist"),
                      (server.url(fresh, passfile=folder / "none"), "cannot be read"),
                      (f"postgresql://{postgresql.USER}:{wrong}@127.0.0.1/{fresh}", "wanted"),
                      (f"postgresql://{postgresql.USER}:{postgresql.PASSWORD}@127.0.0.1/{fresh}", "%XX")):
        gateway.configure(store={"url": url})
        gateway.config_path.chmod(0o600)
        for command in (["sessions", "ls", "--json"], ["serve"], ["init"]):
            done = gateway.command(*command)
            assert done.status == 1 and hint in done.err, (command, done)
            assert_no_password(done.text, done.err)
            assert wrong not in done.text + done.err and quote(wrong, safe="") not in done.text + done.err
    # A URL that is not even quoted: the parser of TOML has its own words.
    text = gateway.config_path.read_text()
    gateway.config_path.write_text(re.sub(r'url = ".*"', f"url = postgresql://u:{wrong}@h/d", text))
    done = gateway.command("check")
    assert done.status == 1 and "wrong" not in (done.text + done.err).replace("wrong  ", ""), done


def test_two_gateways_on_one_database(server, store_url, make_world, make_gateway, folder):
    world = make_world(store={"url": store_url})
    with world.alice.start(world.place(), "echo live; cat") as live:
        assert live.stdout.readline() == b"live\n"
        second = make_gateway(store={"url": store_url}).start()
        # The other one's sessions are not dead because this one begins.
        assert [session["user"] for session in second.sessions() if not session.get("finished")] == ["alice"]
        guest = Clients(folder / "second", "guest", second.port, second.host_key, key=world.guest.key)
        assert guest.ssh("guest@gw").status != 255, "the second gateway does not know the users of the first"
        access = world.access()
        access["user"] = [user for user in access["user"] if user["name"] != "guest"]
        access["rule"] = [rule for rule in access["rule"] if rule["users"] != ["guest"]]
        world.gateway.apply(access, "--prune")
        wait_until(lambda: guest.ssh("guest@gw").status == 255, "the second gateway to hear of the change", 10)
        world.apply()
        wait_until(lambda: guest.ssh("guest@gw").status != 255, "the second gateway to hear of the next change", 10)
        # Killed and started again, each closes its own.
        second.kill()
        second.start()
        assert [session["user"] for session in second.sessions() if not session.get("finished")] == ["alice"]
        live.stdin.close()
        assert live.wait(20) == 0
    wait_until(lambda: all(session.get("finished") for session in world.gateway.sessions()), "the end of the live session")
