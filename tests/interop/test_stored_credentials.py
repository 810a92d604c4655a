"""Targets that the gateway signs in to with a key or a password of its own: stored wrapped, used by the keyholder, shown to nobody."""
import base64
import json
import os

import memory
import pytest
from processes import run, wait_until
from targets import LOGIN, OpenSshTarget
from test_passthrough import PASSWORD as PASSWORD_OF_TARGET
from test_passthrough import PasswordTarget

PASSWORD = "wrapped-at-rest-4711"
ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="an sshd that checks passwords is root's")
KINDS = {"ed25519": ["-t", "ed25519"], "rsa": ["-t", "rsa", "-b", "3072"], "ecdsa": ["-t", "ecdsa", "-b", "256"]}


def secret(world, *arguments, given=b""):
    return world.gateway.command("target", "secret", *arguments, given=given)


def apply(world, *targets):
    access = world.access()
    access["target"] += targets
    world.gateway.apply(access, "--prune")


def entry(name, target, auth, **more):
    return {"name": name, "address": f"127.0.0.1:{target.port}", "logins": [target.login], "auth": auth,
            "host_keys": [target.host_key], **more}


def search(world, *markers):
    """Everything that the gateway writes: the store, logs, recordings, and what commands and API show."""
    for path in world.gateway.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for marker in markers:
                assert marker not in content, path
    shown = "".join(world.gateway.command(*words).ok().text for words in
                    (["target", "secret", "ls", "--json"], ["target", "ls", "--json"], ["audit", "ls", "--json"], ["ca", "show", "--json"]))
    for marker in markers:
        assert marker.decode() not in shown


def audited(world, kind, *words):
    wait_until(lambda: any(record["kind"] == kind and all(word in f"{record}" for word in words) for record in world.gateway.audit()),
               f"an audit record {kind} with {words}", 5)


@pytest.fixture
def router(world, folder):
    """An sshd that knows the public halves of some keys, and no CA."""
    for name, how in KINDS.items():
        run(["ssh-keygen", "-q", "-N", "", "-C", "gateway", "-f", folder / name, *how]).ok()
    target = OpenSshTarget(folder / "router", authorized=[(folder / f"{name}.pub").read_text().strip() for name in KINDS]).start()
    apply(world, entry("router", target, "key"))
    yield target
    target.stop()
    world.apply()


def test_a_stored_key_of_each_kind(world, folder, router):
    place = f"{router.login}@router@gw"
    done = world.alice.ssh(place, "true")
    assert done.status == 255 and "No key is stored for" in done.err and "sekisho target secret set router" in done.err, done
    for name in KINDS:
        fingerprint = run(["ssh-keygen", "-l", "-f", folder / f"{name}.pub"]).ok().text.split()[1]
        said = secret(world, "set", "router", "--key", folder / name).ok().text
        assert fingerprint in said and router.login in said, said
        done = world.alice.ssh(place, "echo in; exit 7")
        assert (done.status, done.out) == (7, b"in\n"), done
        audited(world, "secret.set", "target router", fingerprint, f"uid {os.getuid()}")
    audited(world, "target.connected", "signed in by key")
    # Neither the next start, nor what the target is otherwise, makes it forgotten.
    world.gateway.stop()
    world.gateway.start()
    apply(world, entry("router", router, "key", labels={"env": "prod"}))
    world.gateway.reload()
    assert world.alice.ssh(place, "exit 7").status == 7
    lines = (folder / "ecdsa").read_bytes().splitlines()
    search(world, *[line for line in lines[1:-1] if len(line) == 70][1:3])
    # It goes with its target, and a new one of that name has none.
    world.apply()
    apply(world, entry("router", router, "key"))
    assert json.loads(secret(world, "ls", "--json").ok().text)["secrets"] == []
    assert "No key is stored" in world.alice.ssh(place, "true").err


def test_a_stored_key_that_the_target_does_not_take(world, folder, router):
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "other"]).ok()
    secret(world, "set", "router", "--key", "-", given=(folder / "other").read_bytes()).ok()
    done = world.alice.ssh(f"{router.login}@router@gw", "true")
    assert done.status == 255 and "did not accept the key that is stored" in done.err, done
    audited(world, "target.refused", "the target refused the stored key")
    secret(world, "rm", "router", "--key").ok()
    audited(world, "secret.removed", "target router")
    done = secret(world, "rm", "router", "--key")
    assert done.status == 1 and "no key is stored" in done.err, done


@ROOT_ONLY
@pytest.mark.skipif(bool(os.environ.get("SEKISHO_SANITIZED")), reason="a sanitizer's runtime keeps freed memory")
def test_the_gateway_never_has_a_stored_key(world, folder, router):
    """A live session and many that come and go; the process that signs is another one."""
    secret(world, "set", "router", "--key", folder / "ed25519").ok()
    key = base64.b64decode("".join((folder / "ed25519").read_text().splitlines()[1:-1]))
    wrapping = (world.gateway.data_dir / "keys/wrapping_key").read_text().split()[1]
    public = base64.b64decode((folder / "ed25519.pub").read_text().split()[1])[-32:]
    seed = key[key.rindex(public) - 32:key.rindex(public)]  # the private half is the seed and the public key
    needles = {"seed": seed, "wrapping key": base64.b64decode(wrapping), "its text": wrapping.encode()}
    place = f"{router.login}@router@gw"
    with world.alice.start(place, "echo in; cat") as client:
        assert client.stdout.readline() == b"in\n"
        for _ in range(3):
            world.alice.ssh(place, "true").ok()
        gateway = world.gateway.daemon.pid
        spawner = memory.children(gateway)["sekisho-spawner"]
        keyholder = memory.children(spawner)["sekisho-keys"]
        assert not memory.found(gateway, needles)
        assert not memory.found(spawner, needles)
        assert "wrapping key" in memory.found(keyholder, needles), "the search does not find it where it is"
        client.stdin.close()


@ROOT_ONLY
def test_a_stored_password(world, folder):
    target = PasswordTarget(folder / "sshd").start()
    try:
        apply(world, entry("switch", target, "password"))
        place = f"{target.login}@switch@gw"
        done = world.alice.ssh(place, "true")
        assert done.status == 255 and "No password is stored for" in done.err, done
        said = secret(world, "set", "switch", "--password-stdin", given=PASSWORD_OF_TARGET.encode() + b"\n").ok().text
        assert "password" in said and PASSWORD_OF_TARGET not in said
        done = world.alice.ssh(place, "echo in; exit 7")
        assert (done.status, done.out) == (7, b"in\n"), done
        audited(world, "target.connected", "signed in by password")
        search(world, PASSWORD_OF_TARGET.encode())

        # A wrong one is tried once: nothing is guessed, and no account is locked by us.
        (folder / "wrong").write_text(PASSWORD)
        secret(world, "set", "switch", "--login", target.login, "--password-file", folder / "wrong").ok()
        before = target.daemon.said().count("Failed password")
        done = world.alice.ssh(place, "true")
        assert done.status == 255 and "did not accept the password that is stored" in done.err, done
        assert target.daemon.said().count("Failed password") == before + 1
        audited(world, "target.refused", "the target refused the stored password")
        search(world, PASSWORD.encode(), PASSWORD_OF_TARGET.encode())

        # A target that shows another host key never sees it.
        before = target.daemon.said().count("Failed password")
        apply(world, {**entry("switch", target, "password"), "host_keys": [world.target("web").host_key]})
        done = world.alice.ssh(place, "true")
        assert done.status == 255 and "host key" in done.err, done
        assert target.daemon.said().count("Failed password") == before
    finally:
        target.stop()
        world.apply()


@ROOT_ONLY
def test_what_is_wrapped_for_one_target_is_of_no_use_for_another(world, folder):
    """Whoever can write to the database and moves a credential to another target, or another login, gets nothing out of it."""
    import sqlite3
    target = PasswordTarget(folder / "sshd").start()
    try:
        apply(world, entry("one", target, "password"), entry("two", target, "password"))
        secret(world, "set", "one", "--password-stdin", given=PASSWORD_OF_TARGET.encode()).ok()
        assert world.alice.ssh(f"{target.login}@one@gw", "exit 7").status == 7
        with sqlite3.connect(world.gateway.data_dir / "sekisho.db", timeout=20) as database:
            database.execute("INSERT INTO target_secrets SELECT 'two', login, kind, wrapped, public_key, set_by, set_ms "
                             "FROM target_secrets WHERE target = 'one'")
        database.close()
        done = world.alice.ssh(f"{target.login}@two@gw", "exit 7")
        assert done.status == 255 and "cannot be used" in done.err, done
        audited(world, "keyholder.refused", "stored password")
    finally:
        target.stop()
        world.apply()


def test_what_is_not_taken(world, folder, router):
    def refused(words, text, given=b"", status=1):
        done = secret(world, *words, given=given)
        assert done.status == status and text in done.err, done
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "hidden-word", "-f", folder / "protected"]).ok()
    (folder / "text").write_text("MARKER-text-that-is-no-key\n")
    refused(["set", "router", "--key", folder / "protected"], "passphrase")
    refused(["set", "router", "--key", folder / "text"], "text")
    refused(["set", "router", "--key", folder / "missing"], "cannot read")
    refused(["set", "router", "--password-stdin"], "no password came")
    refused(["set", "router", "--password-stdin"], "one line", given=b"two\nlines\n")
    refused(["set", "router", "--password-stdin"], "1024 bytes", given=b"x" * 1025)
    refused(["set", "router", "--login", "nobody", "--password-stdin"], "has no login nobody", given=b"x")
    refused(["set", "nothing", "--login", LOGIN, "--password-stdin"], "no target is called nothing", given=b"x")
    refused(["set", "router"], "say one of", status=2)
    refused(["set", "router", "--password-stdin", "--key", folder / "text"], "say one of", status=2)
    assert "warning" in secret(world, "set", "router", "--password-stdin", given=b"pw").ok().text, "the target signs in by key"
    search(world, b"MARKER-text-that-is-no-key", b"hidden-word")
