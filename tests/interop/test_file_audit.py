"""Who moved which file (row E7): what stock clients do by sftp and scp, as the recording tells it, against what is on the target's disk
afterwards; contents by rule; forwards as packets."""
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import warnings
from pathlib import Path

import pytest
from evidence import finished_recordings, newest
from file_clients import AsyncSsh, Lftp, OpenSsh, Paramiko, Plan, Psftp, Sshfs, sha256, why_no_sshfs
from gateway import Gateway
from processes import PATIENCE, wait_until
from targets import LOGIN
from world import World

warnings.filterwarnings("ignore", module="asyncssh|paramiko|cryptography")

CHANGES = ("write", "read", "rename", "remove", "mkdir", "rmdir", "setstat", "symlink", "hardlink")
needs_mounts = pytest.mark.skipif(why_no_sshfs() is not None, reason=str(why_no_sshfs()))


class Audited(World):
    """alice: everything in full; meta: nothing of contents but digests; guest: the first 64 KiB; partner: commands only."""

    def access(self):
        access = super().access()
        forward = [f"127.0.0.1:{self.echo.port}"]
        allow = ["shell", "exec", "sftp", "scp"]
        access["rule"] = [
            {"name": "alice", "users": ["alice"], "targets": ["*"], "allow": allow},
            {"name": "meta", "users": ["meta"], "targets": ["*"], "allow": allow, "record_contents": "digest"},
            {"name": "guest", "users": ["guest"], "targets": ["*"], "allow": allow, "record_contents": "first 64 KiB"},
            {"name": "partner", "users": ["partner"], "targets": ["*"], "allow": allow, "record": "commands"},
            {"name": "alice forwards", "users": ["alice"], "allow": ["local-forward"], "forward": forward},
            {"name": "guest forwards", "users": ["guest"], "allow": ["local-forward"], "forward": forward,
             "record_contents": "first 64 KiB"}]
        return access


@pytest.fixture(scope="module")
def audited():
    world = Audited()
    try:
        yield world.start()
    finally:
        world.stop()


@pytest.fixture
def files():
    """A folder of the target, whose name is its real path."""
    path = Path(os.path.realpath(tempfile.mkdtemp(prefix="sekisho-files-")))
    (path / "there").mkdir()
    (path / "here").mkdir()
    yield path
    shutil.rmtree(path, ignore_errors=True)


def told(world, key, *arguments):
    """The operations of a recording, without the look-ups."""
    done = world.gateway.command("recordings", "export", key, "--format", "files", "-o", "-", *arguments).ok()
    return [json.loads(line) for line in done.text.splitlines()]


def changes(operations):
    return [one for one in operations if one["operation"] in CHANGES]


def as_expected(one):
    size = one.get("bytes_written", 0) + one.get("bytes_read", 0)
    return one["operation"], one["path"], one.get("other_path", ""), size, one.get("sha256")


def finished(world, user):
    return newest(world, user)["audit_key"]


# --- acceptance line 6 of the evidence issue ---

def check_client(world, client, files, count, seed):
    plan = Plan(str(files / "there"), files / "here", seed, can=client.can, plain_names=client.plain_names).add(count)
    client.run(plan.operations)
    plan.check_what_is_there()
    operations = changes(told(world, finished(world, client.user)))
    seen = [as_expected(one) for one in operations if one["operation"] != "setstat" or "mode=" in one["detail"]]
    # Some clients set modes of their own accord; those that were asked for are there, in their order.
    chmods = [one for one in plan.expected if one[0] == "setstat"]
    wanted = [one for one in plan.expected if one[0] != "setstat" and (client.reads_empty_files or one[0] != "read" or one[3] > 0)]
    assert not subsequence(chmods, [one for one in seen if one[0] == "setstat"])
    got = [one for one in seen if one[0] != "setstat"]
    for number, (mine, its) in enumerate(zip(wanted, got)):
        assert mine == its, f"operation {number}: {mine} was told as {its}, then {got[number + 1:number + 3]}"
    assert len(wanted) == len(got), got[len(wanted):]
    assert all(one["result"] == "ok" for one in operations), [one for one in operations if one["result"] != "ok"]
    return len(wanted)


def subsequence(wanted, seen):
    """What of `wanted` does not come in `seen`, in its order."""
    seen = iter(seen)
    return [one for one in wanted if one not in seen]


CLIENTS = {"sftp": OpenSsh, "psftp": Psftp, "paramiko": Paramiko, "asyncssh": AsyncSsh, "lftp": Lftp}


@pytest.mark.row("E7")
@pytest.mark.parametrize("name", CLIENTS)
def test_what_a_client_did(audited, files, name):
    if name == "lftp" and shutil.which("lftp") is None:
        pytest.skip("lftp is not installed")
    check_client(audited, CLIENTS[name](audited, audited.alice), files, 60, 1)


@pytest.mark.row("E7")
@needs_mounts
def test_what_sshfs_did(audited, files):
    check_client(audited, Sshfs(audited, audited.alice, files / "there"), files, 60, 1)


# --- scp: its own protocol and the one that it uses today, and PuTTY's ---

def openssh_scp(*options):
    def copy(world, user, sources, to, *more):
        user.run("scp", "-q", *options, *more, "-F", user.config, *sources, to, timeout=300).ok()

    def remote(world, path):
        return f"{world.place()}:{path}"
    return copy, remote


def pscp(*options):
    def copy(world, user, sources, to, *more):
        done = user.run("pscp", "-batch", "-q", *options, *more, "-P", user.port, "-i", user.putty_key(), "-hostkey", user.host_fingerprint,
                        "-l", f"{LOGIN}@{world.main}", *sources, to, timeout=300, LC_ALL="C.UTF-8")
        assert done.status == 0, done

    def remote(world, path):
        return f"127.0.0.1:{path}"
    return copy, remote


SCPS = {"scp -O": openssh_scp("-O"), "scp -s": openssh_scp("-s"), "pscp -scp": pscp("-scp", "-unsafe"), "pscp -sftp": pscp("-sftp")}


def new_recordings(world, user, known, count):
    """The user's recordings that `known` does not have, `count` of them."""
    def there():
        mine = [one["audit_key"] for one in finished_recordings(world, user) if one["audit_key"] not in known]
        return mine if len(mine) >= count else None
    return sorted(wait_until(there, f"{count} recordings of {user.name}"))


def check_scp(world, name, files, count):
    """Files one by one and in a tree, there and back: `count` of them in all."""
    user, (copy, remote) = world.alice, SCPS[name]
    known = {one["audit_key"] for one in world.gateway.recordings()}
    plan = Plan(str(files / "there/up"), files / "here", 7, plain_names=True)
    tree, back = files / "here/tree", files / "here/back"
    for folder in (files / "there/up", tree, tree / "deep", tree / "deep/er", back, files / "there/empty"):
        folder.mkdir()
    single, deep = [], []
    for number in range(count // 2):  # each goes there and back
        alone = number < min(count // 4, 40)  # a connection for each
        path = (tree.parent if alone else (tree, tree / "deep", tree / "deep/er")[number % 3]) / plan.name()
        path.write_bytes(plan.content())
        (single if alone else deep).append(path)
    there = files / "there/up"
    expected = []
    for path in single:
        content = path.read_bytes()
        for operation in ("write", "read"):
            expected.append((operation, f"{there}/{path.name}", "", len(content), sha256(content)))
    for path in deep:
        content = path.read_bytes()
        for operation in ("write", "read"):
            expected.append((operation, f"{there}/{path.relative_to(tree.parent)}", "", len(content), sha256(content)))
    for folder in ("tree", "tree/deep", "tree/deep/er"):
        expected.append(("mkdir", f"{there}/{folder}", "", 0, None))
    copy(world, user, single, remote(world, f"{there}/"))
    copy(world, user, [tree], remote(world, f"{there}/"), "-r", "-p")
    sources = [remote(world, f"{there}/{path.name}") for path in single]
    runs = 3
    if name.startswith("pscp"):  # takes one remote source in a run, which may be a pattern
        sources = [remote(world, f"{there}/*.*")]
    else:
        runs += len(sources) - 1  # a connection for each remote source
    for source in sources:
        copy(world, user, [source], back)
    runs += 1
    copy(world, user, [remote(world, f"{there}/tree")], back, "-r")
    for path in single:
        assert (there / path.name).read_bytes() == path.read_bytes() == (back / path.name).read_bytes()
    for path in deep:
        inside = path.relative_to(tree.parent)
        assert (there / inside).read_bytes() == path.read_bytes() == (back / inside).read_bytes()
    operations = [one for key in new_recordings(world, user, known, runs) for one in told(world, key)]
    seen = [as_expected(one) for one in operations if one["operation"] in ("write", "read", "mkdir")]
    assert sorted(seen, key=str) == sorted(expected, key=str)
    assert all(one["result"] == "ok" for one in operations), [one for one in operations if one["result"] != "ok"]
    assert {one["via"] for one in operations} == {"scp" if name in ("scp -O", "pscp -scp") else "sftp"}
    return len(expected)


@pytest.mark.row("E7")
@pytest.mark.parametrize("name", SCPS)
def test_what_scp_did(audited, files, name):
    check_scp(audited, name, files, 16)


@pytest.mark.row("E7")
def test_one_file_by_scp_may_be_meant_two_ways(audited, files):
    """Whether PATH is a folder only the target knows: both places are named."""
    copy, remote = SCPS["scp -O"]
    (files / "here/one").write_bytes(b"content")
    known = {one["audit_key"] for one in audited.gateway.recordings()}
    copy(audited, audited.alice, [files / "here/one"], remote(audited, f"{files}/there/new"))
    copy(audited, audited.alice, [files / "here/one"], remote(audited, f"{files}/there"))
    told_of = [as_expected(one) for key in new_recordings(audited, audited.alice, known, 2) for one in told(audited, key)]
    digest = sha256(b"content")
    assert sorted(told_of) == [("write", f"{files}/there", f"{files}/there/one", 7, digest),
                               ("write", f"{files}/there/new", f"{files}/there/new/one", 7, digest)]
    assert (files / "there/new").read_bytes() == (files / "there/one").read_bytes() == b"content"


@pytest.mark.row("E7")
def test_what_scp_could_not_do(audited, files):
    _, remote = SCPS["scp -O"]
    user = audited.alice
    (files / "here/one").write_bytes(b"content")
    for arguments in ((files / "here/one", remote(audited, f"{files}/nowhere/new")), (remote(audited, f"{files}/nothing"), files / "here")):
        assert user.run("scp", "-q", "-O", "-F", user.config, *arguments).status != 0
        one, = told(audited, finished(audited, user))
        assert one["result"] not in ("ok", "cut") and "sha256" not in one, one
        assert "No such file" in one["result"] + one.get("detail", ""), one


# --- the long form ---

@pytest.mark.row("E7")
@pytest.mark.soak
@pytest.mark.parametrize("name", [*CLIENTS, *SCPS, "sshfs"])
def test_a_thousand_operations(audited, files, name):
    if name in SCPS:
        done = check_scp(audited, name, files, 1000)
    elif name == "sshfs":
        done = check_client(audited, Sshfs(audited, audited.alice, files / "there"), files, 1000, 2)
    else:
        done = check_client(audited, CLIENTS[name](audited, audited.alice), files, 1000, 2)
    print(f"{name}: {done} operations as the file system has them")


@pytest.mark.row("E7")
@pytest.mark.slow
@pytest.mark.parametrize("name", [*CLIENTS, "sshfs"])
def test_a_large_file_has_its_hash(audited, files, name):
    """Many requests at once, whose order is the client's."""
    if name == "sshfs" and needs_mounts.args[0]:
        pytest.skip(needs_mounts.kwargs["reason"])
    if name == "lftp" and shutil.which("lftp") is None:
        pytest.skip("lftp is not installed")
    client = Sshfs(audited, audited.alice, files / "there") if name == "sshfs" else CLIENTS[name](audited, audited.alice)
    content = os.urandom(6_000_011)
    (files / "here/large").write_bytes(content)
    client.run([("put", files / "here/large", f"{files}/there/large"), ("get", f"{files}/there/large", files / "here/back")])
    assert (files / "here/back").read_bytes() == content
    operations = changes(told(audited, finished(audited, audited.alice)))
    moved = [as_expected(one) for one in operations if one["operation"] in ("write", "read")]
    if name == "sshfs":  # the kernel may still have what was written
        moved = [one for one in moved if one[0] == "write"] + [one for one in moved if one[0] == "read"]
    expected = [(operation, f"{files}/there/large", "", len(content), sha256(content)) for operation in ("write", "read")]
    assert moved == expected[:len(moved)] and len(moved) >= (1 if name == "sshfs" else 2)


# --- what goes wrong ---

@pytest.mark.row("E7")
def test_a_session_that_is_cut_in_the_middle_of_a_file(audited, files):
    (files / "here/large").write_bytes(b"x" * 50_000_000)
    user = audited.alice
    client = subprocess.Popen(["sftp", "-q", "-l", "20000", "-F", str(user.config), "-b", "-", audited.place()], env=user.environment(),
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client.stdin.write(f"put {files}/here/large {files}/there/large\n".encode())
    client.stdin.flush()
    target = files / "there/large"
    wait_until(lambda: target.exists() and target.stat().st_size > 200_000, "the first of the file")
    client.kill()
    client.wait()
    one, = [one for one in told(audited, finished(audited, user)) if one["operation"] == "write"]
    assert one["result"] == "cut" and "sha256" not in one and 0 < one["bytes_written"] <= target.stat().st_size, one


@pytest.mark.row("E7")
def test_what_the_target_refuses_and_what_is_not_there(audited, files):
    user = audited.alice
    batch = files / "batch"
    batch.write_text(f"-get {files}/nothing {files}/here/x\n-rm {files}/nothing\n-mkdir {files}/there\n-rename {files}/nothing {files}/x\n")
    user.run("sftp", "-q", "-F", user.config, "-b", batch, audited.place()).ok()
    seen = [(one["operation"], one["path"], one["result"]) for one in told(audited, finished(audited, user))
            if one["operation"] in CHANGES]
    assert seen == [("remove", f"{files}/nothing", "no such file"), ("mkdir", f"{files}/there", "failure"),
                    ("rename", f"{files}/nothing", "no such file")]


@pytest.mark.row("E7")
def test_it_is_shown_in_words_and_as_json(audited, files):
    user = audited.alice
    (files / "here/one").write_bytes(b"content")
    OpenSsh(audited, user).run([("put", files / "here/one", f"{files}/there/日本語"), ("rename", f"{files}/there/日本語", f"{files}/there/b")])
    key = finished(audited, user)
    shown = audited.gateway.command("recordings", "show", key, "--files").ok().text
    assert f"{files}/there/日本語 -> {files}/there/b" in shown and sha256(b"content") in shown, shown
    listed = json.loads(audited.gateway.command("recordings", "show", key, "--files", "--json").ok().text)
    assert [one["operation"] for one in listed if one["operation"] in CHANGES] == ["write", "rename"]
    assert listed == told(audited, key)
    assert {one["user"] for one in listed} == {"alice"} and {one["target"] for one in listed} == {f"{LOGIN}@{audited.main}"}
    audited.gateway.command("recordings", "verify", key).ok()


@pytest.mark.row("E6", "E7")
def test_in_a_sealed_recording_they_are_sealed(files, tmp_path):
    """Neither the recording nor the store says a word of them; an auditor's key opens them."""
    world = Audited()
    try:
        Gateway(tmp_path / "maker").command("keygen", tmp_path / "auditor").ok()
        world.config = {"recording": {"seal_to": [(tmp_path / "auditor.pub").read_text()]}}
        world.start()
        (files / "here/one").write_bytes(b"content")
        OpenSsh(world, world.alice).run([("put", files / "here/one", f"{files}/there/telltale-name")])
        key = finished(world, world.alice)
        closed = world.gateway.command("recordings", "show", key, "--files")
        assert closed.status == 1 and "telltale" not in closed.text + closed.err
        shown = world.gateway.command("recordings", "show", key, "--files", "--key", tmp_path / "auditor").ok().text
        assert "telltale-name" in shown and sha256(b"content") in shown
        world.gateway.command("sessions", "ls").ok()
        assert indexed(world) == []
        for path in world.gateway.data_dir.rglob("*"):
            assert not path.is_file() or b"telltale" not in path.read_bytes(), path
    finally:
        world.stop()


@pytest.mark.row("E7")
def test_names_that_are_no_text(audited, files):
    name = os.fsencode(str(files / "there")) + b"/\xff\xfe\xe3\x81"
    client = Paramiko(audited, audited.alice)
    client.run([("mkdir", name)])
    one, = changes(told(audited, finished(audited, audited.alice)))
    assert bytes.fromhex(one["path_hex"]) == name and "\ufffd" in one["path"]


@pytest.mark.row("E7")
def test_metadata_says_nothing_of_files_and_commands_says_all(own_world, files):
    for level, sees in (("metadata", False), ("commands", True)):
        access = own_world.access()
        access["rule"] = [{"name": "all", "users": ["alice"], "targets": ["*"], "allow": ["sftp"], "record": level}]
        own_world.gateway.apply(access, "--prune")
        (files / "here/one").write_bytes(b"content")
        OpenSsh(own_world, own_world.alice).run([("put", files / "here/one", f"{files}/there/one")])
        key = finished(own_world, own_world.alice)
        assert bool(changes(told(own_world, key))) == sees
        assert b"content" not in own_world.gateway.play(key)


def indexed(world):
    """What the store has for search: (operation, path, bytes, SHA-256, result, way)."""
    connection = sqlite3.connect(f"file:{world.gateway.data_dir}/sekisho.db?mode=ro", uri=True)
    try:
        return connection.execute("SELECT operation, path, bytes_read + bytes_written, sha256, result, via FROM file_operations").fetchall()
    finally:
        connection.close()


@pytest.mark.row("E7")
def test_the_searchable_index_has_them_where_the_rule_lets_it(own_world, files):
    user, content = own_world.alice, b"content"
    (files / "here/one").write_bytes(content)

    def moves(number, **rule):
        access = own_world.access()
        access["rule"] = [{"name": "all", "users": ["alice"], "targets": ["*"], "allow": ["sftp"], **rule}]
        own_world.gateway.apply(access, "--prune")
        OpenSsh(own_world, user).run([("put", files / "here/one", f"{files}/there/{number}")])
        return "write", f"{files}/there/{number}", len(content), sha256(content), "ok", "sftp"

    first = moves(1)
    wait_until(lambda: indexed(own_world) == [first], "the operation in the index")
    moves(2, index=["none"])
    moves(3, index=["commands"])
    moves(4, record="metadata")
    last = moves(5, index=["files"], record="commands")
    wait_until(lambda: last in indexed(own_world), "the last operation in the index")
    assert indexed(own_world) == [first, last]


# --- contents by rule ---

def channel_of(world, user):
    key = finished(world, user)
    channel, = world.gateway.channels(key)
    return key, channel


def kept_of(world, key, stream):
    """What the recording has of a stream: asciicast has input, too."""
    if stream != "input":
        return world.gateway.play(key, "--stream", "stdout")
    lines = world.gateway.command("recordings", "export", key, "--format", "asciicast-v2", "--input", "-o", "-").ok().text.splitlines()
    return "".join(json.loads(line)[2] for line in lines[1:] if json.loads(line)[1] == "i").encode()


@pytest.mark.row("E7", "F3")
@pytest.mark.parametrize("name, kept", [("alice", None), ("meta", 0), ("guest", 65536)])
def test_contents_of_a_command_by_rule(audited, name, kept):
    user = audited.users[name]
    done = user.ssh(audited.place(), "seq 1 30000; cat >/dev/null; echo that was all >&2", given=b"i" * 100_000).ok()
    key, channel = channel_of(audited, user)
    output = done.out
    assert channel["bytes"]["output"] == len(output) > 65536 and channel["bytes"]["input"] == 100_000
    if kept is None:
        assert channel["digests"] == [] and kept_of(audited, key, "output") == output
        return
    assert kept_of(audited, key, "output") == output[:kept]
    assert len(kept_of(audited, key, "input")) == kept
    digests = {one["stream"]: (one["bytes"], one["kept"], one["sha256"]) for one in channel["digests"]}
    wanted = {"output": (len(output), kept, sha256(output)), "input": (100_000, kept, sha256(b"i" * 100_000)),
              "stderr": (13, kept, sha256(b"that was all\n"))}
    if kept:
        del wanted["stderr"]  # all of it was kept
    assert digests == wanted
    audited.gateway.command("recordings", "verify", key).ok()


@pytest.mark.row("E7")
def test_contents_of_sftp_by_rule_and_the_operations_all_the_same(audited, files):
    content = os.urandom(1_000_000)
    (files / "here/one").write_bytes(content)
    sizes = {}
    for name in ("alice", "meta"):
        user = audited.users[name]
        OpenSsh(audited, user).run([("put", files / "here/one", f"{files}/there/{name}")])
        entry = newest(audited, user)
        sizes[name] = entry["size"]
        one, = changes(told(audited, entry["audit_key"]))
        assert as_expected(one) == ("write", f"{files}/there/{name}", "", len(content), sha256(content))
    assert sizes["meta"] < 20_000 < 1_000_000 < sizes["alice"], sizes


@pytest.mark.row("E7")
def test_a_terminal_is_recorded_whatever_the_rule_says_of_contents(audited):
    user = audited.meta
    done = user.ssh("-tt", audited.place(), "echo seen at a terminal").ok()
    assert b"seen at a terminal" in done.out
    key, channel = channel_of(audited, user)
    assert b"seen at a terminal" in audited.gateway.play(key) and channel["digests"] == []


# --- what goes through commands ---

@pytest.mark.row("E7")
def test_rsync_and_git_have_their_command_line_and_bytes(audited, files):
    user = audited.alice
    tree = files / "here/tree"
    tree.mkdir()
    (tree / "large").write_bytes(os.urandom(300_000))
    remote_shell = f"ssh -F {user.config}"
    user.run("rsync", "-a", "-e", remote_shell, f"{tree}/", f"{audited.place()}:{files}/there/tree").ok()
    _, channel = channel_of(audited, user)
    assert channel["started"] == "exec" and channel["command"].startswith("rsync --server") and f"{files}/there/tree" in channel["command"]
    assert channel["bytes"]["input"] > 300_000

    repository = files / "there/repository.git"
    user.run("git", "init", "-q", "--bare", repository).ok()
    work = files / "here/work"
    env = {"GIT_SSH_COMMAND": remote_shell, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
           "GIT_COMMITTER_EMAIL": "a@example.com"}
    user.run("git", "clone", "-q", f"{audited.place()}:{repository}", work, **env).ok()
    (work / "file").write_bytes(os.urandom(200_000))
    user.run("git", "-C", work, "add", "file", **env).ok()
    user.run("git", "-C", work, "commit", "-q", "-m", "one", **env).ok()
    user.run("git", "-C", work, "push", "-q", "origin", "HEAD:main", **env).ok()
    _, channel = channel_of(audited, user)
    assert channel["command"] == f"git-receive-pack '{repository}'" and channel["bytes"]["input"] > 200_000


# --- forwards as packets ---

def tshark(capture, *arguments):
    done = subprocess.run(["tshark", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", *arguments],
                          capture_output=True, text=True, timeout=60 * PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def followed(capture, stream):
    """The bytes of a connection, as tshark follows it: (from who opened it, from the other side)."""
    lines = tshark(capture, "-q", "-z", f"follow,tcp,raw,{stream}").splitlines()
    body = lines[next(at for at, line in enumerate(lines) if line.startswith("Node 1")) + 1:-1]
    return (b"".join(bytes.fromhex(line) for line in body if not line.startswith("\t")),
            b"".join(bytes.fromhex(line.strip()) for line in body if line.startswith("\t")))


needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


@pytest.mark.row("F3")
@needs_tshark
def test_forwards_are_packets_that_wireshark_follows(audited, folder):
    """Two forwards of one session, one of them with pauses: the bytes, the ends, the checksums and the times are right."""
    user = audited.alice
    sent = [os.urandom(200_000), b"short"]
    for content in sent:
        done = user.ssh("-W", f"127.0.0.1:{audited.echo.port}", audited.user_place(user), given=content).ok()
        assert done.out == content
    for content, entry in zip(sent, sorted(finished_recordings(audited, user), key=lambda one: (one["started"], one["audit_key"]))[-2:]):
        capture = folder / "forwards.pcapng"
        audited.gateway.command("recordings", "export", entry["audit_key"], "--format", "pcapng", "-o", capture).ok()
        assert followed(capture, 0) == (content, content)
        rows = [line.split("\t") for line in tshark(capture, "-T", "fields", "-e", "tcp.checksum.status", "-e", "ip.checksum.status",
                                                   "-e", "tcp.flags.syn", "-e", "tcp.flags.fin", "-e", "ip.dst", "-e", "tcp.dstport",
                                                   "-e", "frame.time_epoch").splitlines()]
        assert {(row[0], row[1]) for row in rows} == {("1", "1")}, "a checksum is wrong"
        assert sum(row[2] == "1" for row in rows) == 2 and sum(row[3] == "1" for row in rows) == 2
        assert rows[0][4:6] == ["127.0.0.1", str(audited.echo.port)]
        times = [float(row[6]) for row in rows]
        assert times == sorted(times) and abs(times[0] - os.stat(capture).st_mtime) < 60 * PATIENCE
        assert tshark(capture, "-Y", "tcp.analysis.flags") == "", "Wireshark finds something odd"
        assert "channel 1: direct-tcpip" in tshark(capture, "-V", "-Y", "tcp.flags.syn==1")


@pytest.mark.row("F3")
@needs_tshark
def test_a_forward_that_is_kept_in_part_has_a_gap(audited, folder):
    user = audited.guest
    content = os.urandom(150_000)
    assert user.ssh("-W", f"127.0.0.1:{audited.echo.port}", audited.user_place(user), given=content).ok().out == content
    key, channel = channel_of(audited, user)
    assert {one["stream"]: (one["bytes"], one["kept"], one["sha256"]) for one in channel["digests"]} == {
        stream: (150_000, 65536, sha256(content)) for stream in ("input", "output")}
    capture = folder / "forwards.pcapng"
    audited.gateway.command("recordings", "export", key, "--format", "pcapng", "-o", capture).ok()
    lengths = tshark(capture, "-T", "fields", "-e", "ip.src", "-e", "tcp.len", "-e", "tcp.seq", "-e", "tcp.flags.fin")
    rows = [line.split("\t") for line in lengths.splitlines()]
    assert sum(int(row[1]) for row in rows) == 2 * 65536
    assert [int(row[2]) for row in rows if row[3] == "1"] == [150_001, 150_001], "the ends stand where all bytes would"
    last = max(int(number) for number in tshark(capture, "-T", "fields", "-e", "frame.number").split())
    assert "counted and not kept" in tshark(capture, "-V", "-Y", f"frame.number=={last}")


@pytest.mark.row("F3")
def test_a_recording_without_forwards_says_so(audited, files):
    user = audited.alice
    user.ssh(audited.place(), "true").ok()
    done = audited.gateway.command("recordings", "export", finished(audited, user), "--format", "pcapng", "-o", files / "none")
    assert done.status == 1 and "no forwards" in done.err, done
