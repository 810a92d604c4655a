"""One user, target, rule, group or key at a time, by the commands that an operator types, while a gateway runs and people work."""
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import Clients
from processes import run, wait_until
from targets import OpenSshTarget, make_key


def changed(gateway):
    return [record for record in gateway.audit() if record["kind"] == "access.changed"]


@pytest.mark.row("D1")
def test_access_made_by_commands_alone(make_gateway, folder):
    """No access file at all: a user, a key, a target and a rule, one command each, and the user is in."""
    gateway = make_gateway().start()
    target = OpenSshTarget(folder / "web", ca_lines=[gateway.user_ca]).start()
    alice = Clients(folder / "alice", "alice")
    alice.server(gateway.port, gateway.host_key)
    try:
        gateway.command("user", "add", "alice", "email=alice@example.com").ok()
        gateway.command("key", "add", "alice", given=alice.public_key.encode()).ok()
        gateway.command("target", "add", "web", f"address=127.0.0.1:{target.port}", f"logins={target.login}",
                        f"host_keys={target.host_key}", "labels.env=prod").ok()
        place = f"{target.login}@web@gw"
        assert alice.ssh(place, "true").status != 0
        gateway.command("rule", "add", "ops on prod", "users=@ops", "targets=env=prod", "allow=exec").ok()
        assert alice.ssh(place, "true").status != 0, "she is in no group yet"
        gateway.command("group", "add", "ops", "alice").ok()
        assert alice.ssh(place, "echo in").ok().out == b"in\n"
        gateway.command("rule", "set", "ops on prod", "targets=env=test").ok()
        assert alice.ssh(place, "true").status != 0
        shown = gateway.command("rule", "show", "ops on prod").ok().text
        assert "targets        env=test\n" in shown and "allow          exec\n" in shown, shown
        assert gateway.listing("user", "ls")[0]["groups"] == ["ops"]
        assert gateway.listing("group", "ls") == [{"name": "ops", "users": ["alice"]}]
        assert "alice" in gateway.command("user", "ls").ok().text
        subjects = [record["subject"] for record in changed(gateway)]
        assert subjects == ["user alice", "user alice", "target web", "rule ops on prod", "user alice", "rule ops on prod"], subjects
        last = changed(gateway)[-1]
        assert last["source"] == f"uid {os.getuid()}" and 'targets: "env=prod" → "env=test"' in last["reason"], last
    finally:
        target.stop()


def test_what_is_wrong_is_named_and_changes_nothing(make_gateway):
    gateway = make_gateway().start()
    gateway.command("user", "add", "alice").ok()
    before = json.loads(gateway.command("user", "ls", "--json").ok().text), len(changed(gateway))
    for words, said in [
        (["user", "add", "alice"], "a user is called alice already"),
        (["user", "add", "Bob"], 'name "Bob": a user\'s name is a lower-case letter'),
        (["user", "set", "alice", "mail=x"], "unknown field mail of a user; did you mean email?"),
        (["user", "set", "alice", "locked=maybe"], "locked is true or false"),
        (["user", "set", "alice", "expires=tomorrow"], "expires is a time with its zone"),
        (["user", "set", "alice", "groups-=ops"], 'groups does not have "ops"'),
        (["user", "set", "alice"], "nothing to set"),
        (["user", "set", "bob", "locked=true"], "no user is called bob"),
        (["target", "add", "web", "address=10.0.0.5"], "address \"10.0.0.5\": an address is host:port"),
        (["target", "add", "web", "address=10.0.0.5:22"], "how the target's host key is known is missing"),
        (["rule", "add", "r", "users=alice", "allow=shel"], "did you mean shell?"),
        (["group", "add", "ops", "bob"], "no user is called bob"),
        (["group", "rm", "ops"], "name the users who leave the group, or say --all"),
        (["key", "add", "alice"], "no key came on standard input"),
        (["key", "rm", "alice", "laptop"], "has no key laptop"),
    ]:
        done = gateway.command(*words)
        assert done.status == 1 and said in done.err and done.out == b"", (words, done)
    assert gateway.command("user", "add").status == 2
    assert (json.loads(gateway.command("user", "ls", "--json").ok().text), len(changed(gateway))) == before


def test_fifty_at_once_lose_nothing(make_gateway):
    """Each adds a group of their own to one user, and half of them a user, too."""
    gateway = make_gateway().start()
    gateway.command("user", "add", "alice").ok()
    work = [["group", "add", f"g{i}", "alice"] if i % 2 else ["user", "add", f"user{i}"] for i in range(30)]
    work += [["user", "set", "alice", f"groups+=h{i}"] for i in range(20)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda words: gateway.command(*words), work))
    # A refusal is permitted where every attempt was too late, if it says so; then nothing of it may be there.
    groups, users = set(), {"alice"}
    for words, done in zip(work, results, strict=True):
        if done.status != 0:
            assert "somebody else" in done.err, done
        elif words[0] == "user" and words[1] == "add":
            users.add(words[2])
        else:
            groups.add(words[2] if words[0] == "group" else words[3].removeprefix("groups+="))
    assert sum(done.status == 0 for done in results) >= 45
    there = {user["name"]: user for user in gateway.listing("user", "ls")}
    assert set(there) == users
    assert set(there["alice"]["groups"]) == groups
    assert len(changed(gateway)) == 1 + sum(done.status == 0 for done in results)


@pytest.mark.row("A6")
@pytest.mark.parametrize("form", ["OpenSSH", "RFC4716", "PKCS8", "PEM"])
def test_a_key_in_every_form_opens_the_gateway(own_world, folder, form):
    world = own_world
    make_key(folder / "key", kind="rsa" if form in ("PKCS8", "PEM") else "ed25519", comment="")
    text = (folder / "key.pub").read_text()
    if form != "OpenSSH":
        text = run(["ssh-keygen", "-e", "-m", form, "-f", folder / "key.pub"]).ok().text
    options = ["-i", folder / "key", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
    gateway = world.gateway
    gateway.command("user", "add", "carol").ok()
    gateway.command("key", "add", "carol", "--comment", f"her {form}", given=text.encode()).ok()
    gateway.command("rule", "add", "carol", "users=carol", f"targets={world.main}", "allow=exec").ok()
    place = f"carol@{world.place()}"
    assert world.alice.ssh(*options, place, "echo in").ok().out == b"in\n"
    key = json.loads(gateway.command("key", "ls", "carol", "--json").ok().text)[0]
    assert key["fingerprint"] in run(["ssh-keygen", "-l", "-f", folder / "key.pub"]).ok().text
    assert key["fingerprint"] in gateway.command("key", "ls").ok().text
    # Its options count, and so does its end.
    gateway.command("key", "set", "carol", key["fingerprint"], 'options=from="192.0.2.0/24"').ok()
    assert world.alice.ssh(*options, place, "true").status == 255
    gateway.command("key", "set", "carol", key["fingerprint"], "options=").ok()
    assert world.alice.ssh(*options, place, "echo in").ok().out == b"in\n"
    gateway.command("key", "rm", "carol", key["fingerprint"][:20]).ok()
    assert world.alice.ssh(*options, place, "true").status == 255


@pytest.mark.row("A6")
def test_a_whole_file_of_authorized_keys_with_its_options(own_world, folder):
    world = own_world
    lines = ["# team keys", "", 'from="192.0.2.0/24" ' + make_key(folder / "away"),
             "restrict " + make_key(folder / "here", comment="at home")]
    (folder / "authorized_keys").write_text("\n".join(lines) + "\n")
    world.gateway.command("user", "add", "carol").ok()
    world.gateway.command("rule", "add", "carol", "users=carol", f"targets={world.main}", "allow=exec,shell").ok()
    world.gateway.command("key", "add", "carol", folder / "authorized_keys").ok()
    assert [user for user in world.gateway.listing("user", "ls") if user["name"] == "carol"][0]["keys"] == lines[2:]
    for name, status in (("away", 255), ("here", 0)):
        options = ["-i", folder / name, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"]
        assert world.alice.ssh(*options, f"carol@{world.place()}", "true").status == status, name
    broken = "\n".join([*lines, "ssh-ed25519 AAAA broken"])
    done = world.gateway.command("key", "add", "carol", given=broken.encode())
    assert done.status == 1 and "line 5" in done.err, done


def test_who_is_removed_is_gone(own_world):
    """The live session ends with a word why; somebody else's goes on."""
    world = own_world
    with world.meta.start(world.place(), "echo in; cat") as stays, world.alice.start(world.place(), "echo in; cat") as goes:
        for client in (stays, goes):
            assert client.stdout.readline() == b"in\n"
        done = world.gateway.command("user", "rm", "alice").ok()
        assert "no user is called alice" in done.text, "rules that name her are told of"
        assert goes.wait(20) != 0
        assert b"removed" in goes.stderr.read()
        stays.stdin.write(b"still here\n")
        stays.stdin.close()
        assert stays.stdout.read() == b"still here\n"
    ended = wait_until(lambda: [record for record in world.gateway.audit() if record["kind"] == "session.end"], "the audit record")
    assert [(record["user"], record["reason"]) for record in ended] == [("alice", "the user was removed")]
    assert world.alice.ssh(world.place(), "true").status == 255


def test_whoever_apply_removes_is_gone_too(own_world):
    world = own_world
    with world.alice.start(world.place(), "echo in; cat") as goes:
        assert goes.stdout.readline() == b"in\n"
        access = world.access()
        access["user"] = [user for user in access["user"] if user["name"] != "alice"]
        world.gateway.apply(access, "--prune")
        assert goes.wait(20) != 0


def test_without_a_gateway_the_store_itself_is_changed(make_gateway):
    gateway = make_gateway()
    gateway.command("user", "add", "alice", "groups=ops").ok()
    gateway.command("group", "add", "dev", "alice").ok()
    assert gateway.listing("user", "ls")[0]["groups"] == ["ops", "dev"]
    assert len(changed(gateway)) == 2


def test_help_names_every_field(make_gateway):
    gateway = make_gateway()
    for kind, fields in (("user", ["email", "groups", "expires"]), ("target", ["host_ca", "labels.NAME"]),
                         ("rule", ["when.hours", "on_failure"])):
        text = gateway.command(kind, "set", "--help").ok().text
        assert all(f"  {field} " in text for field in fields), text
