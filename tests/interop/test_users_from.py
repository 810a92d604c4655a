"""Users that a folder or a bucket keeps: they come, they go with their sessions, and a source that is let down takes nobody away."""
import json
import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest
from buckets import Answering, LettingDown, Listening, StandIn, certified
from clients import Clients
from processes import run, wait_until
from swift import KEY_ID, REGION, SECRET, Swift
from targets import OpenSshTarget, make_key

STAMP = r"\d{4}-\d\d-\d\d \d\d-\d\d-\d\d"
SOON = "2s"


@pytest.fixture(scope="module")
def swift():
    memory = Path("/dev/shm")  # each object is synced
    folder = Path(tempfile.mkdtemp(prefix="sekisho-swift-", dir=memory if os.access(memory, os.W_OK) else None))
    server = Swift(folder)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Kept:
    """A gateway whose users are kept elsewhere, a target that they may use, and the users' clients."""

    def __init__(self, make_gateway, folder, **users_from):
        self.folder = folder
        self.gateway = make_gateway(users_from={"every": SOON, "groups": ["people"], **users_from})
        self.target = OpenSshTarget(folder / "web", ca_lines=[self.gateway.user_ca]).start()
        self.apply()

    def apply(self, *arguments, users=()):
        self.gateway.apply({
            "user": list(users),
            "target": [{"name": "web", "address": f"127.0.0.1:{self.target.port}", "logins": [self.target.login], "auth": "certificate",
                        "host_keys": [self.target.host_key]}],
            "rule": [{"name": "people work", "users": ["@people"], "targets": ["web"], "allow": ["shell", "exec"]}]}, *arguments)

    def start(self):
        self.gateway.start()
        return self

    def clients(self, name, key=None):
        return Clients(self.folder / name, name, self.gateway.port, self.gateway.host_key, key=key)

    @property
    def place(self):
        return f"{self.target.login}@web@gw"

    def users(self):
        return {user["name"]: user for user in self.gateway.listing("user", "ls")}

    def wait_for_users(self, *names):
        wait_until(lambda: set(self.users()) == set(names), f"the users {names}", 30)

    def change_log(self):
        path = self.gateway.data_dir / "logs/users_changelog.txt"
        return path.read_text().splitlines() if path.exists() else []

    def look(self, sign):
        """Has the gateway look now; returns when its log shows `sign` once more."""
        said = self.gateway.daemon.said
        before = len(re.findall(sign, said()))
        self.gateway.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(re.findall(sign, said())) > before, f"{sign} in the gateway's log", 30)

    def stop(self):
        self.target.stop()


@pytest.fixture
def kept(make_gateway, folder):
    made = []

    def make(**users_from):
        made.append(Kept(make_gateway, folder, **users_from))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def write(path, text):
    """As people should: there at once, and whole."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(text)
    beside.rename(path)


@pytest.mark.row("B5", "A6")
def test_a_folder_of_keys(kept, folder):
    keys = folder / "public-keys"
    keys.mkdir()
    world = kept(url=f"dir:{keys}").start()
    alice, bob = world.clients("alice"), world.clients("bob")
    second = make_key(folder / "second", kind="rsa")
    far = make_key(folder / "far")
    assert alice.ssh(world.place, "true").status != 0, "nobody is there yet"
    write(keys / "alice.pub", f'# alice\n{alice.public_key}\n{second}\nfrom="192.0.2.0/24" {far}\n')
    write(keys / "bob.pub", f'no-pty {bob.public_key}\n')
    world.wait_for_users("alice", "bob")
    assert alice.ssh(world.place, "echo in").ok().out == b"in\n"
    assert world.clients("other", folder / "second").ssh(world.place, "echo in").ok().out == b"in\n"
    assert world.clients("elsewhere", folder / "far").ssh(world.place, "true").status != 0, "from= is honoured"
    assert world.users()["alice"]["origin"] == "public-keys/alice.pub"

    # Another key: the old one is worth nothing any more.
    carol = world.clients("carol")
    write(keys / "bob.pub", carol.public_key + "\n")
    wait_until(lambda: carol.ssh(world.place, "true").status == 0, "bob's new key signs in")
    assert bob.ssh(world.place, "true").status != 0

    # Gone: the live session ends, and no other begins.
    with alice.start(world.place, "echo live; cat") as live:
        assert live.stdout.readline() == b"live\n"
        (keys / "alice.pub").unlink()
        said = live.stderr.read().decode()
        assert live.wait(30) != 0
    assert "removed" in said, said
    assert alice.ssh(world.place, "true").status != 0
    assert carol.ssh(world.place, "true").status == 0, "nobody else is touched"

    # What went while the gateway was down is found at its start.
    world.gateway.stop()
    (keys / "bob.pub").unlink()
    write(keys / "alice.pub", alice.public_key + "\n")
    world.start()
    world.wait_for_users("alice")
    lines = world.change_log()
    told = [re.fullmatch(STAMP + r": (.*)", line)[1] for line in lines]
    assert sorted(told[:2]) == [f"Creating user account for {name} (public-keys/{name}.pub)" for name in ("alice", "bob")]
    assert told[2:] == ["Removing user account for alice (public-keys/alice.pub)", "Removing user account for bob (public-keys/bob.pub)",
                        "Creating user account for alice (public-keys/alice.pub)"]
    stamp = time.mktime(time.strptime(lines[-1][:19], "%Y-%m-%d %H-%M-%S"))
    assert abs(time.time() - stamp) < 60, "local time"
    changes = [record for record in world.gateway.audit() if record["kind"] == "access.changed" and record["source"] == "users_from"]
    assert [record["subject"] for record in changes].count("user alice") == 3


@pytest.mark.row("B5")
def test_names_and_keys_that_will_not_do(kept, folder):
    keys = folder / "public-keys"
    keys.mkdir()
    good = make_key(folder / "good")
    for name in ("Alice", "1st", "al_ice", "root", "x.y", "-a"):
        write(keys / f"{name}.pub", good)
    write(keys / "README", "who is who")
    write(keys / "broken.pub", good + "\nssh-ed25519 AAAA\n")
    write(keys / "fine.pub", good)
    write(keys / "here.pub", good)
    world = kept(url=f"dir:{keys}")
    mine = make_key(folder / "mine")
    world.apply(users=[{"name": "here", "keys": [mine]}])
    world.start()
    world.wait_for_users("fine", "here")
    assert world.users()["here"]["keys"] == [mine], "a user who was made here is not taken over"

    # The user who was there before an object went bad stays as before.
    write(keys / "fine.pub", "<html>maintenance</html>")
    refused = r"users_from.refused object=\"?public-keys/fine.pub"
    wait_until(lambda: re.search(refused, world.gateway.daemon.said()), "the broken object in the log")
    assert world.users()["fine"]["keys"] == [good]
    said = world.gateway.daemon.said()
    for name in ("Alice.pub", "1st.pub", "al_ice.pub", "root.pub", "x.y.pub", "-a.pub", "README", "broken.pub", "here.pub", "fine.pub"):
        assert len(re.findall(rf"users_from.refused object=\"?public-keys/{re.escape(name)}\W", said)) == 1, (name, said)
    in_audit = {record["subject"] for record in world.gateway.audit() if record["kind"] == "users_from"}
    assert {"public-keys/Alice.pub", "public-keys/broken.pub", "public-keys/here.pub", "public-keys/fine.pub"} <= in_audit

    # `apply --prune` leaves alone what is kept elsewhere, and files cannot take it.
    world.apply("--prune")
    assert set(world.users()) == {"fine"} or set(world.users()) == {"fine", "here"}
    world.wait_for_users("fine", "here")  # now the folder's: nobody here has that name any more
    assert world.users()["here"]["keys"] == [good]
    path = world.gateway.folder / "taking.toml"
    path.write_text(f'[[user]]\nname = "fine"\nkeys = [{json.dumps(mine)}]\n')
    done = world.gateway.command("apply", path)
    assert done.status == 1 and "public-keys/fine.pub" in done.err, done.err
    assert world.users()["fine"]["keys"] == [good]


@pytest.mark.row("B5")
def test_an_empty_folder_is_taken_for_a_mistake(kept, folder):
    keys = folder / "public-keys"
    keys.mkdir()
    alice_key = make_key(folder / "alice-key")
    write(keys / "alice.pub", alice_key)
    world = kept(url=f"dir:{keys}").start()
    world.wait_for_users("alice")
    (keys / "alice.pub").unlink()
    world.gateway.daemon.wait_for("users_from.empty")
    assert set(world.users()) == {"alice"}
    keys.rename(folder / "moved")
    world.gateway.daemon.wait_for("users_from.failed")
    assert set(world.users()) == {"alice"}, "a folder that is not there is no empty one"
    (folder / "moved").rename(keys)
    world.gateway.daemon.wait_for("users_from.recovered")
    config = world.gateway.config_path
    config.write_text(config.read_text().replace("[users_from]\n", '[users_from]\non_empty = "remove"\n'))
    world.gateway.reload()
    world.wait_for_users()


@pytest.mark.row("B5", "D1")
def test_what_the_configuration_may_not_say(make_gateway, folder):
    gateway = make_gateway()

    def refused(**users_from):
        gateway.configure(users_from=users_from)
        done = gateway.command("serve", "--config", gateway.config_path, timeout=30)
        assert done.status == 1, done.err
        return done.err
    assert "http is for" in refused(url="s3://bucket/", endpoint="http://10.0.0.1")
    assert "a bucket's name" in refused(url="s3://BUCKET/")
    assert "absolute path" in refused(url="dir:keys")
    (folder / "key").write_text(f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    (folder / "key").chmod(0o640)
    said = refused(url="s3://bucket/", access_key_file=str(folder / "key"))
    assert "chmod 600" in said and SECRET not in said, said
    assert "own keys" in refused(url=f"dir:{gateway.data_dir}")
    assert "own keys" in refused(url=f"dir:{folder}", change_log="users.txt")


def access_key(folder):
    path = folder / "access-key"
    path.touch(mode=0o600)
    path.write_text(f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    return path


@pytest.mark.row("B5")
def test_a_bucket_and_all_that_may_happen_to_it(kept, folder, swift):
    bucket = swift.bucket("gate")
    proxy = LettingDown(swift.port)
    try:
        world = kept(url="s3://gate/public-keys/", endpoint=proxy.url, region=REGION, access_key_file=str(access_key(folder))).start()
        alice, bob = world.clients("alice"), world.clients("bob")
        bucket.put("public-keys/alice.pub", alice.public_key)
        bucket.put("public-keys/bob.pub", bob.public_key)
        bucket.put("public-keys/Mallory.pub", bob.public_key)
        bucket.put("public-keys/../../etc/mallory.pub", bob.public_key)
        bucket.put("public-keys/a%20b%2Bc%26%3C%C3%A9.pub", bob.public_key)
        bucket.put("elsewhere/carol.pub", bob.public_key)
        world.wait_for_users("alice", "bob")
        assert alice.ssh(world.place, "echo in").ok().out == b"in\n"
        said = world.gateway.daemon.said()
        for name in ("public-keys/Mallory.pub", "public-keys/../../etc/mallory.pub", "public-keys/a b+c&<é.pub"):
            assert re.search(rf'users_from.refused object="?{re.escape(name)}', said), (name, said)

        # bob is gone there; but as long as nobody can say so for sure, he stays here.
        proxy.mode = "error"
        world.gateway.daemon.wait_for("users_from.failed", 40)
        bucket.delete("public-keys/bob.pub")
        for mode in ("slow down", "refuse", "cut", "cut xml", "endless", "other signature", "closed"):
            proxy.mode = mode
            if mode == "closed":
                proxy.close()
            world.look(r"users_from\.failed")  # may have begun before
            world.look(r"users_from\.failed")
            assert set(world.users()) == {"alice", "bob"}, mode
        assert len(world.change_log()) == 2, world.change_log()
        assert alice.ssh(world.place, "true").status == 0 and bob.ssh(world.place, "true").status == 0
        proxy.mode = "pass"
        proxy.open()
        world.gateway.daemon.wait_for("users_from.recovered", 40)
        world.wait_for_users("alice")
        assert bob.ssh(world.place, "true").status != 0

        # Objects that cannot be read: whoever is there stays, whoever is new waits.
        proxy.mode = "forbidden objects"
        carol = world.clients("carol")
        bucket.put("public-keys/carol.pub", carol.public_key)
        bucket.put("public-keys/alice.pub", carol.public_key + " other")
        wait_until(lambda: re.search(r"refused object=public-keys/carol.pub.*AccessDenied", world.gateway.daemon.said()), "a refusal")
        assert set(world.users()) == {"alice"}
        bucket.put("public-keys/alice.pub", alice.public_key)
        proxy.mode = "pass"
        world.wait_for_users("alice", "carol")

        # Gone, with a live session.
        with alice.start(world.place, "echo live; cat") as live:
            assert live.stdout.readline() == b"live\n"
            bucket.delete("public-keys/alice.pub")
            said = live.stderr.read().decode()
            assert live.wait(30) != 0
        assert "removed" in said
        world.wait_for_users("carol")
        assert alice.ssh(world.place, "true").status != 0
        told = [re.fullmatch(STAMP + r": (.*)", line)[1] for line in world.change_log()]
        assert told[2:] == ["Removing user account for bob (public-keys/bob.pub)",
                            "Creating user account for carol (public-keys/carol.pub)",
                            "Removing user account for alice (public-keys/alice.pub)"]

        # Only what changed is fetched: two more looks are two listings.
        asked = proxy.asked
        wait_until(lambda: proxy.asked >= asked + 2, "two more looks")
        said = world.gateway.daemon.said() + json.dumps(world.gateway.audit())
        assert SECRET not in said and "Signature=" not in said
    finally:
        proxy.close()


@pytest.mark.row("B5")
def test_the_server_itself_goes_away(kept, folder, swift):
    """No proxy in between: a real server of S3 that is gone, and one that answers but knows nothing of its buckets any more."""
    bucket = swift.bucket("away")
    world = kept(url="s3://away/public-keys/", endpoint=f"http://127.0.0.1:{swift.port}", access_key_file=str(access_key(folder)))
    alice, bob = world.clients("alice"), world.clients("bob")
    for client, name in ((alice, "alice"), (bob, "bob")):
        bucket.put(f"public-keys/{name}.pub", client.public_key)
    world.start()
    world.wait_for_users("alice", "bob")
    with bob.start(world.place, "echo live; cat") as live:
        assert live.stdout.readline() == b"live\n"
        for number, kind in enumerate(("proxy", "container")):
            swift.kill(kind)
            try:
                world.look(r"users_from\.failed")
                world.look(r"users_from\.failed")
                assert set(world.users()) == {"alice", "bob"}, kind
                assert alice.ssh(world.place, "true").status == 0 and live.poll() is None, kind
            finally:
                swift.revive(kind)
            wait_until(lambda n=number: len(re.findall(r"users_from\.recovered", world.gateway.daemon.said())) > n, f"the {kind}", 40)
            assert set(world.users()) == {"alice", "bob"}, kind
        assert len(world.change_log()) == 2, world.change_log()
        bucket.delete("public-keys/bob.pub")
        assert "removed" in live.stderr.read().decode()
        assert live.wait(30) != 0
    world.wait_for_users("alice")


@pytest.mark.row("B5")
def test_a_bucket_of_several_pages(kept, folder, swift):
    key = make_key(folder / "key")
    bucket = swift.bucket("pages")
    names = [f"u{number}" for number in range(1100)]
    bucket.put_many({f"public-keys/{name}.pub": f"{key}-{name}\n" for name in names})
    world = kept(url="s3://pages/public-keys/", endpoint=f"http://127.0.0.1:{swift.port}", access_key_file=str(access_key(folder)))
    world.start()
    wait_until(lambda: len(world.users()) == len(names), "1,100 users", 60)
    assert len(world.change_log()) == len(names)
    bucket.delete("public-keys/u7.pub")
    bucket.delete("public-keys/u1099.pub")
    wait_until(lambda: len(world.users()) == len(names) - 2, "two fewer", 30)
    assert {"u7", "u1099"}.isdisjoint(world.users())


@pytest.mark.row("B5")
def test_the_bucket_is_who_its_certificate_says(kept, folder, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ID-OF-THE-ENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    context, authority = certified(folder, run)
    objects = {"alice.pub": make_key(folder / "alice-key")}
    bucket = StandIn(objects, context)
    try:
        world = kept(url="s3://bucket/", endpoint=bucket.url).start()
        world.gateway.daemon.wait_for(r"users_from.failed.*certificate")
        assert not world.users() and not bucket.headers, "nobody unknown is asked"
        world.gateway.stop()
        # Neither by another name, nor by whom somebody else vouches for.
        world.gateway.configure(users_from={"url": "s3://bucket/", "endpoint": bucket.url.replace("127.0.0.1", "localhost"), "every": SOON,
                                            "ca_file": str(authority)})
        world.start()
        world.gateway.daemon.wait_for("users_from.failed")
        assert not bucket.headers
        world.gateway.stop()
        world.gateway.configure(users_from={"url": "s3://bucket/", "endpoint": bucket.url, "every": SOON, "ca_file": str(authority)})
        world.start()
        world.wait_for_users("alice")
        assert "Credential=ID-OF-THE-ENVIRONMENT/" in bucket.headers[0]["authorization"]
    finally:
        bucket.close()


@pytest.mark.row("B5")
def test_the_role_of_the_instance(kept, folder, monkeypatch):
    class Metadata(Answering):
        def do_PUT(self):
            fine = self.path == "/latest/api/token" and self.headers.get("x-aws-ec2-metadata-token-ttl-seconds")
            self.answer(200 if fine else 400, b"TOKEN" if fine else b"")

        def do_GET(self):
            role = {"AccessKeyId": "ID-OF-THE-ROLE", "SecretAccessKey": SECRET, "Token": "SESSION", "Expiration": "2099-01-01T00:00:00Z"}
            known = {"/latest/meta-data/iam/security-credentials/": b"gate",
                     "/latest/meta-data/iam/security-credentials/gate": json.dumps(role).encode()}
            fine = self.headers.get("x-aws-ec2-metadata-token") == "TOKEN" and self.path in known
            self.answer(200 if fine else 401, known[self.path] if fine else b"")
    metadata = Listening(Metadata)
    bucket = StandIn({"alice.pub": make_key(folder / "alice-key")})
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
    try:
        world = kept(url="s3://bucket/", endpoint=bucket.url).start()
        world.wait_for_users("alice")
        assert "Credential=ID-OF-THE-ROLE/" in bucket.headers[0]["authorization"]
        assert bucket.headers[0]["x-amz-security-token"] == "SESSION"
    finally:
        metadata.close()
        bucket.close()


def many_keys(folder, count):
    """`count` different public keys: the blob of one, with other numbers in it."""
    import base64
    kind, blob, _ = make_key(folder / "pattern").split()
    raw = base64.b64decode(blob)
    return [f"{kind} {base64.b64encode(raw[:-4] + number.to_bytes(4, 'big')).decode()} u{number}" for number in range(count)]


@pytest.mark.row("B5")
@pytest.mark.slow
@pytest.mark.parametrize("source", ["folder", "stand-in", "swift"])
def test_ten_thousand_users_within_a_minute(kept, folder, swift, source):
    """The stand-in costs next to nothing, so that the gateway is measured; Swift shares the machine with it, and is the slower."""
    count = 10_000
    texts = {f"public-keys/u{number}.pub": line for number, line in enumerate(many_keys(folder, count))}
    texts["public-keys/alice.pub"] = make_key(folder / "alice-key")
    stand_in = StandIn(texts) if source == "stand-in" else None
    if source == "folder":
        (folder / "public-keys").mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text)
        world = kept(url=f"dir:{folder}/public-keys")
        remove = lambda name: (folder / name).unlink()  # noqa: E731
    elif source == "swift":
        bucket = swift.bucket("tenthousand")
        bucket.put_many(texts)
        endpoint = f"http://127.0.0.1:{swift.port}"
        world = kept(url="s3://tenthousand/public-keys/", endpoint=endpoint, access_key_file=str(access_key(folder)))
        remove = bucket.delete
    else:
        world = kept(url="s3://bucket/public-keys/", endpoint=stand_in.url, access_key_file=str(access_key(folder)))
        remove = texts.pop
    try:
        began = time.monotonic()
        world.start()
        wait_until(lambda: len(world.change_log()) == count + 1, f"{count} users", 60)
        took = time.monotonic() - began
        alice = world.clients("alice", folder / "alice-key")
        wait_until(lambda: alice.ssh(world.place, "true").status == 0, "one of them signs in", 10)
        memory = world.gateway.daemon.memory_kib() // 1024
        print(f"{count} users from {source}: {took:.1f} s, gateway {memory} MiB")
        assert took < 60
        # One of them goes, and it does not take a minute either.
        began = time.monotonic()
        remove("public-keys/u5.pub")
        wait_until(lambda: "Removing user account for u5 (public-keys/u5.pub)" in world.change_log()[-1], "one fewer", 20)
        print(f"one fewer: {time.monotonic() - began:.1f} s")
        assert len(world.change_log()) == count + 2
    finally:
        if stand_in:
            stand_in.close()
