"""The admin socket for other accounts: who they are is the kernel's word, what they may do their role's, and each refusal is a record."""
import json
import os
import shutil

import pytest
from processes import run
from world import World

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="becoming another account needs root")

ADMIN, AUDITOR, OPERATOR, STRANGER, GROUP = 60101, 60102, 60103, 60104, 60900
ACCOUNTS = {"admin": ["--reuid", ADMIN, "--regid", ADMIN, "--clear-groups"],
            "auditor": ["--reuid", AUDITOR, "--regid", AUDITOR, "--clear-groups"],
            "operator": ["--reuid", STRANGER, "--regid", STRANGER, "--groups", GROUP],  # by a supplementary group
            "stranger": ["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"]}


class Accounts:
    """Commands of other accounts on one world's gateway."""

    def __init__(self, world):
        self.world = world
        # Where the binary was built may be closed to other accounts.
        self.program = world.folder / "sekisho"
        shutil.copy(world.gateway.program, self.program)

    def command(self, who, *arguments):
        env = {"SEKISHO_CONFIG": str(self.world.gateway.config_path), "NO_COLOR": "1", "PATH": os.environ["PATH"]}
        return run(["setpriv", *ACCOUNTS[who], self.program, *arguments], env=env)

    def ask(self, who, method, path, body=""):
        """Status and text of one request."""
        send = ["--data", body, "-H", "Content-Type: application/json"] if body else []
        done = run(["setpriv", *ACCOUNTS[who], "curl", "-s", "-X", method, *send, "--unix-socket", self.world.gateway.folder / "admin.sock",
                    "-w", "\n%{http_code}", f"http://gateway{path}"]).ok()
        text, _, status = done.text.rpartition("\n")
        return int(status), text


@pytest.fixture
def accounts():
    world = World().start()
    world.gateway.stop()
    world.gateway.configure(admin={"admins": [str(ADMIN)], "auditors": [str(AUDITOR)], "operators": [str(OPERATOR), f"@{GROUP}"]})
    world.gateway.start()
    try:
        yield Accounts(world)
    finally:
        world.stop()


def refusals(world):
    return [record for record in world.gateway.audit() if record["kind"] == "admin.refused"]


def test_each_route_is_for_the_roles_that_the_description_names(accounts):
    status, text = accounts.ask("auditor", "GET", "/openapi.json")
    assert status == 200
    refused = 0
    for path, operations in json.loads(text)["paths"].items():
        for method, operation in operations.items():
            body = "{}" if "requestBody" in operation else ""  # which says nothing: nobody changes anything here
            for who in ACCOUNTS:
                name = path.replace("{audit_key}", "none").replace("{name}", "none").replace("{id}", "none")
                status, text = accounts.ask(who, method.upper(), name, body)
                permitted = who in operation["x-roles"]
                assert (status == 403) == (not permitted), (who, method, path, status, text)
                if not permitted:
                    refused += 1
                    said = json.loads(text)["error"]
                    assert said.startswith("the admin socket is for root" if who == "stranger" else f"the role {who} may not "), said
    records = refusals(accounts.world)
    assert refused == len(records) and refused > 60
    assert {record["source"] for record in records} == {f"uid {AUDITOR}", f"uid {STRANGER}"}
    assert all(record["outcome"] == "refused" and record["subject"] and record["reason"] for record in records)


def test_what_people_do_in_each_role(accounts):
    world = accounts.world
    world.alice.ssh("-tt", world.place(), "echo evidence").ok()
    key = world.gateway.recordings()[0]["audit_key"]

    # The auditor reads everything, recordings too, and that is a record; and changes nothing.
    assert key in accounts.command("auditor", "recordings", "ls").ok().text
    assert b"evidence" in accounts.command("auditor", "recordings", "play", key, "--raw").ok().out
    assert "intact" in accounts.command("auditor", "recordings", "verify", key).ok().text
    read = [record for record in world.gateway.audit() if record["kind"] == "recording.read"]
    assert [(record["source"], record["subject"]) for record in read] == [(f"uid {AUDITOR}", key)] * 2
    assert "alice" in accounts.command("auditor", "user", "ls").ok().text
    assert "alice" in accounts.command("auditor", "audit", "ls").ok().text
    for words in (["user", "rm", "alice"], ["group", "add", "ops", "alice"], ["key", "rm", "alice", "alice@test"], ["ca", "rotate"]):
        done = accounts.command("auditor", *words)
        assert done.status == 1 and "the role auditor may not change anything" in done.err, (words, done)

    # The operator looks and ends sessions; recordings and access are not theirs.
    with world.alice.start(world.place(), "echo in; cat") as client:
        assert client.stdout.readline() == b"in\n"
        live = json.loads(accounts.command("operator", "sessions", "ls", "--live", "--json").ok().text)[0]["id"]
        done = accounts.command("auditor", "sessions", "end", live)
        assert done.status == 1 and "the role auditor may not end sessions; admin and operator may" in done.err
        accounts.command("operator", "sessions", "end", live, "--reason", "noon").ok()
        assert client.wait(20) != 0 and b"noon" in client.stderr.read()
    done = accounts.command("operator", "recordings", "play", key)
    assert done.status == 1 and "the role operator may not read recordings" in done.err and not done.out
    assert "may not change anything" in accounts.command("operator", "user", "set", "alice", "locked=true").err

    # Another admin changes access, under their own number.
    accounts.command("admin", "user", "set", "alice", "email=new@example.com").ok()
    last = [record for record in world.gateway.audit() if record["kind"] == "access.changed"][-1]
    assert last["source"] == f"uid {ADMIN}" and "new@example.com" in last["reason"]

    # And whoever has no role gets a sentence.
    done = accounts.command("stranger", "user", "ls")
    assert done.status == 1 and "admin.operators" in done.err
    assert world.alice.ssh(world.place(), "echo in").ok().out == b"in\n"


def test_without_roles_the_socket_is_closed(own_world):
    accounts = Accounts(own_world)
    assert oct(os.stat(own_world.gateway.folder / "admin.sock").st_mode & 0o777) == "0o600"
    done = accounts.command("operator", "user", "ls")
    assert done.status == 1 and "permission denied for the admin socket" in done.err
    assert refusals(own_world) == []


def test_a_name_that_nobody_has_is_an_error_at_the_start(make_gateway):
    gateway = make_gateway(admin={"auditors": ["no-such-account"]})
    done = gateway.command("serve")
    assert done.status == 1 and "admin.auditors: this machine has no account no-such-account" in done.err
    assert "no account no-such-account" in gateway.command("check").text
    gateway.configure(admin={"operators": ["1234"], "socket": "admin.sock"})
    assert "put it where they can reach it" in gateway.command("check").ok().text
    gateway.configure(admin={"operators": ["a b"]})
    assert "is not the name or number of an account" in gateway.command("check").err + gateway.command("check").text


def test_strangers_do_not_take_the_places_of_others(accounts):
    """Connections of an account without a role are few, and leave room."""
    holding = run(["setpriv", *ACCOUNTS["stranger"], "/usr/bin/python3", "-c", f"""
import socket
kept = []
for _ in range(100):
    one = socket.socket(socket.AF_UNIX)
    one.connect("{accounts.world.gateway.folder}/admin.sock")
    one.settimeout(60)
    kept.append(one)
ended = sum(one.recv(1) == b"" for one in kept)
print(ended)
"""], timeout=60)
    assert holding.ok().text.strip() == "100"
    assert accounts.command("operator", "sessions", "ls").status == 0
