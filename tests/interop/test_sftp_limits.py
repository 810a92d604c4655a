"""Rules that narrow sftp (sftp_read_only, sftp_paths), held in the stream against stock clients and one made by hand. The target is
OpenSSH's sftp server, and what it would permit is everything: only the gateway stands between."""
import asyncio
import base64
import errno
import os
import re
import shutil
import stat
import struct
import subprocess
import tempfile
import warnings
from pathlib import Path

import paramiko
import pytest
import raw_sftp as raw
from file_clients import why_no_sshfs
from house import request, s, u32
from matrix_servers import AsyncSshServer
from processes import PATIENCE, run, wait_until
from raw_sftp import RawSftp, packet
from targets import LOGIN
from world import World

warnings.filterwarnings("ignore", module="asyncssh|paramiko|cryptography")

READER, KEEPER, BOTH = "meta", "guest", "partner"  # users of World, here with rules of their own


class Narrow(World):
    """alice: everything; READER: reads only; KEEPER: below `kept` only; BOTH: both."""

    others = ()  # targets

    def start(self):
        self.files = Path(os.path.realpath(tempfile.mkdtemp(prefix="sekisho-files-")))
        self.kept, self.other = self.files / "kept", self.files / "other"
        return super().start()

    def access(self):
        access = super().access()
        access["target"] += self.others
        paths = [f"{self.kept}/**"]
        access["rule"] = [
            {"name": "alice works everywhere", "users": ["alice"], "targets": ["*"], "allow": ["shell", "exec", "sftp", "scp"]},
            {"name": "readers", "users": [READER], "targets": ["*"], "allow": ["sftp", "scp"], "sftp_read_only": True},
            {"name": "keepers", "users": [KEEPER], "targets": ["*"], "allow": ["sftp"], "sftp_paths": paths},
            {"name": "readers of kept", "users": [BOTH], "targets": ["*"], "allow": ["sftp"], "sftp_read_only": True,
             "sftp_paths": paths}]
        return access

    def make(self):
        """The target's files, as each test finds them."""
        for path in self.files.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        (self.kept / "deep").mkdir(parents=True)
        self.other.mkdir()
        self.content = os.urandom(300_000)
        (self.kept / "file").write_bytes(self.content)
        (self.kept / "deep/file").write_bytes(self.content[::-1])
        (self.other / "secret").write_bytes(b"nobody may read this")
        (self.kept / "out").symlink_to("../other")
        (self.kept / "secret").symlink_to(self.other / "secret")
        (self.kept / "inward").symlink_to(self.kept / "deep")
        (self.files / "local").write_bytes(self.content)
        return self

    def tree(self):
        def mode(path):
            return stat.S_IMODE(path.lstat().st_mode)
        return sorted((str(path.relative_to(self.files)), mode(path), os.readlink(path) if path.is_symlink() else
                       path.read_bytes() if path.is_file() else None)
                      for path in self.files.rglob("*") if path.name not in ("got", "batch"))

    def clients(self, user):
        return self.users[user]

    def refusals(self, pattern=""):
        refused = self.gateway.listing("audit", "ls", "--kind", "access.refused", "--most", "10000")
        return [record for record in refused if re.search(pattern, record["subject"] + ": " + record["reason"])]

    def has_refusal(self, pattern):
        """Records are stored a moment after the answer went out."""
        return wait_until(lambda: self.refusals(pattern), f"a record of a refusal like {pattern}")


@pytest.fixture(scope="module")
def narrow():
    world = Narrow()
    try:
        yield world.start()
    finally:
        world.stop()
        shutil.rmtree(world.files, ignore_errors=True)


@pytest.fixture
def at(narrow):
    return narrow.make()


@pytest.fixture
def transport(at):
    opened = []

    def connect(user, target=None):
        one = paramiko.Transport(("127.0.0.1", at.gateway.port))
        opened.append(one)
        one.start_client(timeout=20 * PATIENCE)
        one.auth_publickey(f"{LOGIN}@{target or at.main}", paramiko.Ed25519Key.from_private_key_file(str(at.clients(user).key)))
        return one
    yield connect
    for one in opened:
        one.close()


@pytest.fixture
def sftp(transport):
    return lambda user, **how: RawSftp(transport(user), **how)


# --- stock clients: each of them does all of these things in one session, and the session goes on ---

class OpenSsh:
    """sftp, with the requests that it makes of a server that has all of OpenSSH's extensions."""

    def __init__(self, at, user):
        self.at, self.user = at, at.clients(user)

    def batch(self, *lines):
        (self.at.files / "batch").write_text("".join(f"-{line}\n" for line in lines))
        return self.user.run("sftp", "-q", "-F", self.user.config, "-b", self.at.files / "batch", self.at.place())

    def changes(self, folder):
        at = self.at
        done = self.batch(f"put {at.files}/local {folder}/new", f"put {at.files}/local {folder}/file", f"rm {folder}/file",
                          f"mkdir {folder}/made", f"rmdir {folder}/deep", f"rename {folder}/file {folder}/moved",
                          f"ln -s file {folder}/link", f"ln {folder}/file {folder}/hard", f"chmod 600 {folder}/file",
                          f"cp {folder}/file {folder}/copy", f"get {at.kept}/file {at.files}/got")
        assert done.status == 0, done
        return done.err.count("ermission denied")

    def get(self, path):
        done = self.batch(f"get {path} {self.at.files}/got")
        return (self.at.files / "got").read_bytes() if (self.at.files / "got").exists() else done.err

    def works(self, folder):
        at = self.at
        self.batch(f"put {at.files}/local {folder}/new", f"mkdir {folder}/made", f"rename {folder}/new {folder}/made/moved",
                   f"chmod 640 {folder}/made/moved", f"ln -s moved {folder}/made/link", f"ln {folder}/file {folder}/hard",
                   f"get {folder}/made/moved {at.files}/got", f"ls -l {folder}", f"cd {folder}/made", "pwd", "ls").ok()

    def lists(self, path):
        return self.batch(f"ls {path}").text


class Psftp(OpenSsh):
    def batch(self, *lines):
        at, user = self.at, self.user
        (at.files / "batch").write_text("".join(f"{line}\n" for line in lines) + "quit\n")
        done = user.run("psftp", "-batch", "-P", user.port, "-i", user.putty_key(), "-hostkey", user.host_fingerprint, "-l",
                        f"{LOGIN}@{at.main}", "-be", "-b", at.files / "batch", "127.0.0.1")
        done.err += done.text
        return done

    def changes(self, folder):
        at = self.at
        done = self.batch(f"put {at.files}/local {folder}/new", f"put {at.files}/local {folder}/file", f"rm {folder}/file",
                          f"mkdir {folder}/made", f"rmdir {folder}/deep", f"mv {folder}/file {folder}/moved",
                          f"chmod 600 {folder}/file", f"get {at.kept}/file {at.files}/got")
        return done.err.count("ermission denied") + 3

    def works(self, folder):
        at = self.at
        self.batch(f"put {at.files}/local {folder}/new", f"mkdir {folder}/made", f"mv {folder}/new {folder}/made/moved",
                   f"chmod 640 {folder}/made/moved", f"get {folder}/made/moved {at.files}/got", f"cd {folder}/made", "ls")
        (folder / "made/link").symlink_to("moved")  # it has no commands for links
        (folder / "hard").hardlink_to(folder / "file")


class Paramiko:
    def __init__(self, at, user):
        self.at = at
        self.client = paramiko.SSHClient()
        mine = at.clients(user)
        kind, blob = mine.host_key.split()
        self.client.get_host_keys().add(f"[127.0.0.1]:{mine.port}", kind, paramiko.Ed25519Key(data=base64.b64decode(blob)))
        self.client.connect("127.0.0.1", port=mine.port, username=f"{LOGIN}@{at.main}", key_filename=str(mine.key), allow_agent=False,
                            look_for_keys=False, timeout=20)
        self.sftp = self.client.open_sftp()

    def changes(self, folder):
        sftp, denied = self.sftp, 0
        local = f"{self.at.files}/local"
        for attempt in (lambda: sftp.put(local, f"{folder}/new"), lambda: sftp.put(local, f"{folder}/file"),
                        lambda: sftp.remove(f"{folder}/file"), lambda: sftp.mkdir(f"{folder}/made"), lambda: sftp.rmdir(f"{folder}/deep"),
                        lambda: sftp.rename(f"{folder}/file", f"{folder}/moved"), lambda: sftp.symlink("file", f"{folder}/link"),
                        lambda: sftp.posix_rename(f"{folder}/file", f"{folder}/moved"), lambda: sftp.chmod(f"{folder}/file", 0o600),
                        lambda: sftp.truncate(f"{folder}/file", 1), lambda: sftp.open(f"{folder}/file", "a")):
            with pytest.raises(PermissionError, match="rule \"(readers|keepers)") as caught:
                attempt()
            denied += caught.value.errno == errno.EACCES
        sftp.get(f"{self.at.kept}/file", f"{self.at.files}/got")
        self.client.close()
        return denied - 1

    def get(self, path):
        try:
            with self.sftp.open(str(path)) as file:
                file.prefetch()
                return file.read()
        except OSError as error:
            return str(error)
        finally:
            self.client.close()

    def works(self, folder):
        sftp = self.sftp
        sftp.put(f"{self.at.files}/local", f"{folder}/new")
        sftp.mkdir(f"{folder}/made")
        sftp.posix_rename(f"{folder}/new", f"{folder}/made/moved")
        sftp.chmod(f"{folder}/made/moved", 0o640)
        sftp.symlink("moved", f"{folder}/made/link")
        sftp.get(f"{folder}/made/moved", f"{self.at.files}/got")
        sftp.chdir(str(folder))
        assert "file" in sftp.listdir() and sftp.normalize(".") == str(folder)
        (folder / "hard").hardlink_to(folder / "file")  # it cannot
        self.client.close()

    def lists(self, path):
        try:
            return " ".join(self.sftp.listdir(str(path)))
        except OSError as error:
            return str(error)
        finally:
            self.client.close()


class AsyncSsh:
    def __init__(self, at, user):
        self.at, self.user = at, at.clients(user)

    def run(self, use):
        import asyncssh

        async def main():
            hosts = f"[127.0.0.1]:{self.user.port} {self.user.host_key}\n"
            async with asyncssh.connect("127.0.0.1", port=self.user.port, username=f"{LOGIN}@{self.at.main}",
                                        client_keys=[str(self.user.key)], known_hosts=asyncssh.import_known_hosts(hosts),
                                        agent_path=None, config=None) as connection:
                async with connection.start_sftp_client() as sftp:
                    return await use(sftp, asyncssh)
        return asyncio.run(asyncio.wait_for(main(), 60 * PATIENCE))

    def changes(self, folder):
        async def use(sftp, asyncssh):
            denied = 0
            for attempt in (sftp.put(f"{self.at.files}/local", f"{folder}/new"), sftp.put(f"{self.at.files}/local", f"{folder}/file"),
                            sftp.remove(f"{folder}/file"), sftp.mkdir(f"{folder}/made"), sftp.rmdir(f"{folder}/deep"),
                            sftp.rename(f"{folder}/file", f"{folder}/moved"), sftp.symlink("file", f"{folder}/link"),
                            sftp.posix_rename(f"{folder}/file", f"{folder}/moved"), sftp.chmod(f"{folder}/file", 0o600),
                            sftp.link(f"{folder}/file", f"{folder}/hard")):
                with pytest.raises((asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure), match="rule \"(readers|keepers)"):
                    await attempt
                denied += 1
            await sftp.get(f"{self.at.kept}/file", f"{self.at.files}/got")
            return denied
        return self.run(use)

    def get(self, path):
        async def use(sftp, asyncssh):
            try:
                async with sftp.open(str(path), "rb") as file:
                    return await file.read()
            except asyncssh.SFTPError as error:
                return str(error)
        return self.run(use)

    def works(self, folder):
        async def use(sftp, asyncssh):
            await sftp.put(f"{self.at.files}/local", f"{folder}/new")
            await sftp.mkdir(f"{folder}/made")
            await sftp.posix_rename(f"{folder}/new", f"{folder}/made/moved")
            await sftp.chmod(f"{folder}/made/moved", 0o640)
            await sftp.symlink("moved", f"{folder}/made/link")
            await sftp.link(f"{folder}/file", f"{folder}/hard")
            await sftp.get(f"{folder}/made/moved", f"{self.at.files}/got")
            assert "file" in await sftp.listdir(str(folder))
        self.run(use)

    def lists(self, path):
        async def use(sftp, asyncssh):
            try:
                return " ".join(await sftp.listdir(str(path)))
            except asyncssh.SFTPError as error:
                return str(error)
        return self.run(use)


class Lftp(OpenSsh):
    def batch(self, *lines):
        if shutil.which("lftp") is None:
            pytest.skip("lftp is not installed")
        user = self.user
        program = f"ssh -a -x -F {user.config}"
        script = [f'set sftp:connect-program "{program}"', "set net:max-retries 1", "set net:timeout 20", "set xfer:clobber true",
                  f"open -u {LOGIN}@{self.at.main}, sftp://gw", *lines, "bye"]
        done = user.run("lftp", "--norc", "-c", "\n".join(script))
        done.err += done.text
        return done

    def changes(self, folder):
        at = self.at
        done = self.batch(f"put {at.files}/local -o {folder}/new", f"rm {folder}/file", f"mkdir {folder}/made", f"rmdir {folder}/deep",
                          f"mv {folder}/file {folder}/moved", f"ln -s file {folder}/link", f"chmod 600 {folder}/file",
                          f"get {at.kept}/file -o {at.files}/got")
        return done.err.count("rule \"") + 3

    def get(self, path):
        done = self.batch(f"get {path} -o {self.at.files}/got")
        got = self.at.files / "got"
        return got.read_bytes() if got.exists() and done.status == 0 else done.err

    def works(self, folder):
        at = self.at
        self.batch(f"put {at.files}/local -o {folder}/new", f"mkdir {folder}/made", f"mv {folder}/new {folder}/made/moved",
                   f"chmod 640 {folder}/made/moved", f"ln -s moved {folder}/made/link",
                   f"get {folder}/made/moved -o {at.files}/got", f"cd {folder}/made", "ls").ok()
        (folder / "hard").hardlink_to(folder / "file")

    def lists(self, path):
        return self.batch(f"cls -1 {path}/").err


CLIENTS = [OpenSsh, Psftp, Paramiko, AsyncSsh, Lftp]
every_client = pytest.mark.parametrize("client", CLIENTS, ids=[one.__name__ for one in CLIENTS])


@every_client
def test_who_reads_only_changes_nothing(at, client):
    before = at.tree()
    assert client(at, READER).changes(at.kept) >= 10
    assert at.tree() == before
    assert (at.files / "got").read_bytes() == at.content
    for operation in ("open", "remove", "mkdir", "rmdir", "rename"):
        assert at.has_refusal(f"sftp {operation} {at.kept}/.*rule \"readers\" lets sftp only read")


@every_client
def test_what_is_below_the_folder_can_be_worked_with(at, client):
    client(at, KEEPER).works(at.kept)
    assert (at.kept / "made/moved").read_bytes() == at.content == (at.files / "got").read_bytes()
    assert stat.S_IMODE((at.kept / "made/moved").stat().st_mode) == 0o640
    assert os.readlink(at.kept / "made/link") == "moved"
    assert (at.kept / "hard").samefile(at.kept / "file")
    (at.files / "got").unlink()
    assert client(at, KEEPER).get(at.kept / "inward/file") == at.content[::-1]  # a link that stays below


@every_client
def test_what_is_elsewhere_is_out_of_reach(at, client):
    (at.other / "deep").mkdir()
    (at.other / "file").write_bytes(b"x")
    before = at.tree()
    assert client(at, KEEPER).changes(at.other) >= 10
    assert at.tree() == before
    assert (at.files / "got").read_bytes() == at.content
    (at.files / "got").unlink()
    for path in (at.other / "secret", at.kept / "secret", at.kept / "out/secret", at.kept / "../other/secret", "/etc/passwd"):
        said = client(at, KEEPER).get(path)
        assert isinstance(said, str) and re.search("denied|not found|rule \"keepers\"", said), (path, said)
    for path in (at.other, at.kept / "out", at.files, "/"):
        assert "secret" not in client(at, KEEPER).lists(path)


@every_client
def test_both_at_once(at, client):
    before = at.tree()
    assert client(at, BOTH).changes(at.kept) >= 10
    assert at.tree() == before
    (at.files / "got").unlink()
    assert client(at, BOTH).get(at.kept / "deep/file") == at.content[::-1]
    (at.files / "got").unlink(missing_ok=True)
    assert isinstance(client(at, BOTH).get(at.other / "secret"), str)


@pytest.mark.parametrize("user", [READER, KEEPER])
def test_scp_through_sftp(at, user):
    mine = at.clients(user)

    def scp(mode, *paths):
        return mine.run("scp", "-q", mode, "-r", "-F", mine.config, *paths)
    scp("-s", f"{at.place()}:{at.kept}/file", at.files / "got").ok()
    assert (at.files / "got").read_bytes() == at.content
    up = scp("-s", at.files / "local", f"{at.place()}:{at.kept}/new")
    assert (up.status == 0) == (user == KEEPER) == (at.kept / "new").exists(), up
    assert user == KEEPER or "ermission denied" in up.err
    out = scp("-s", at.files / "local", f"{at.place()}:{at.other}/new")
    assert out.status != 0 and not (at.other / "new").exists(), out
    if user == KEEPER:
        assert (at.kept / "new").read_bytes() == at.content
        stolen = scp("-s", f"{at.place()}:{at.kept}/out", at.files / "stolen")
        assert stolen.status != 0 and not list((at.files / "stolen").glob("*")), stolen


@pytest.mark.parametrize("user", [READER, KEEPER])
def test_pscp(at, user):
    """PuTTY's, in either protocol: it tries sftp first."""
    mine = at.clients(user)

    def pscp(*paths):
        return mine.run("pscp", "-batch", "-q", "-P", mine.port, "-i", mine.putty_key(), "-hostkey", mine.host_fingerprint, "-l",
                        f"{LOGIN}@{at.main}", *paths)
    assert pscp(f"127.0.0.1:{at.kept}/file", at.files / "got").status == 0
    assert (at.files / "got").read_bytes() == at.content
    before = at.tree()
    up = pscp(at.files / "local", f"127.0.0.1:{at.kept}/new")
    assert (up.status == 0) == (user == KEEPER), up
    out = pscp(at.files / "local", f"127.0.0.1:{at.other}/new")
    assert out.status != 0 and "ermission denied" in out.err + out.text, out
    assert [entry for entry in at.tree() if entry not in before and not entry[0].startswith("kept/new")] == []
    if user == KEEPER:
        stolen = pscp(f"127.0.0.1:{at.other}/secret", at.files / "stolen")
        assert stolen.status != 0 and not (at.files / "stolen").exists(), stolen


def test_scp_in_its_own_protocol_is_no_way_around(at):
    reader, keeper = at.clients(READER), at.clients(KEEPER)
    (at.files / "got").unlink(missing_ok=True)
    reader.run("scp", "-q", "-O", "-F", reader.config, f"{at.place()}:{at.kept}/file", at.files / "got").ok()
    assert (at.files / "got").read_bytes() == at.content
    up = reader.run("scp", "-q", "-O", "-F", reader.config, at.files / "local", f"{at.place()}:{at.kept}/new")
    assert up.status != 0 and "lets scp's own protocol only read; without -O scp uses sftp" in up.err, up
    for user in (reader, keeper):
        for command in (f"scp -t {at.kept}/new", "/usr/lib/openssh/sftp-server", "internal-sftp", f"cat {at.other}/secret"):
            done = user.ssh(at.place(), command)
            assert done.status == 1 and "no rule lets" in done.err, (command, done)
    assert keeper.ssh(at.place(), f"scp -f {at.kept}/file").status == 1
    assert not (at.kept / "new").exists()


@pytest.mark.slow
def test_large_files_both_ways(at):
    """Windows go on growing, nothing is kept: 64 MiB each way through the watch, while the gateway stays as large as it was."""
    user = at.clients(KEEPER)
    (at.files / "local").write_bytes(os.urandom(1 << 20) * 64)
    before = at.gateway.daemon.memory_kib()
    done = OpenSsh(at, KEEPER).batch(f"put {at.files}/local {at.kept}/large", f"get {at.kept}/large {at.files}/got")
    done.ok()
    run(["cmp", at.files / "local", at.kept / "large"]).ok()
    run(["cmp", at.files / "local", at.files / "got"]).ok()
    assert at.gateway.daemon.memory_kib() - before < 32 * 1024
    assert user


@pytest.mark.skipif(why_no_sshfs() is not None, reason=str(why_no_sshfs()))
@pytest.mark.parametrize("user", [READER, KEEPER])
def test_sshfs(at, user):
    mine, mount = at.clients(user), at.files / "mount"
    mount.mkdir()
    client = subprocess.Popen(["sshfs", "-f", "-F", str(mine.config), f"{at.place()}:{at.kept}", str(mount)], env=mine.environment(),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: mount.is_mount() or client.poll() is not None, "the mount")
        assert client.poll() is None, client.stderr.read()
        assert (mount / "file").read_bytes() == at.content
        assert {"file", "deep", "out"} <= set(os.listdir(mount))
        if user == READER:
            for attempt in (lambda: (mount / "new").write_bytes(b"x"), lambda: (mount / "file").unlink(), lambda: (mount / "made").mkdir(),
                            lambda: (mount / "file").rename(mount / "moved"), lambda: (mount / "file").chmod(0o600),
                            lambda: (mount / "link").symlink_to("file")):
                with pytest.raises(PermissionError):
                    attempt()
        else:
            (mount / "new").write_bytes(at.content)
            (mount / "made").mkdir()
            (mount / "new").rename(mount / "made/moved")
            assert (at.kept / "made/moved").read_bytes() == at.content
            with pytest.raises(PermissionError):
                (mount / "away").symlink_to("../other")
        assert (mount / "deep/file").read_bytes() == at.content[::-1]
    finally:
        run(["fusermount3" if shutil.which("fusermount3") else "fusermount", "-u", "-z", mount])
        client.wait(20)


# --- a client made by hand ---

def test_it_speaks_version_three_and_of_known_extensions_only(at, sftp):
    talk = sftp(READER, greet=False)
    talk.send(packet(raw.INIT, u32(6)))
    kind, content = talk.answer()
    assert kind == raw.VERSION and content[:4] == u32(3)
    assert b"posix-rename@openssh.com" in content
    assert talk.extended("md5-hash", s(f"{at.kept}/file"))[0] == raw.UNSUPPORTED
    assert talk.status(21, s("a") + s("b"))[0] == raw.UNSUPPORTED
    assert talk.open(f"{at.kept}/file") == b"\0\0\0\0"


def test_every_flag_but_reading(at, sftp):
    talk = sftp(READER)
    before = at.tree()
    for flags in range(128):
        answer = talk.open(f"{at.kept}/new{flags}" if flags & raw.EXCLUSIVE_FLAG else f"{at.kept}/file", flags)
        assert isinstance(answer, bytes) if flags == raw.READ_FLAG else answer == raw.DENIED, flags
    assert at.tree() == before


def test_a_handle_for_reading_does_not_write(at, sftp):
    talk = sftp(READER)
    handle = talk.open(f"{at.kept}/file")
    before = at.tree()
    assert talk.status(raw.WRITE, s(handle) + struct.pack(">Q", 0) + s("overwritten"))[0] == raw.DENIED
    assert talk.status(raw.FSETSTAT, s(handle) + u32(1) + struct.pack(">Q", 0))[0] == raw.DENIED
    assert talk.extended("copy-data", s(handle) + bytes(16) + s(handle) + bytes(8))[0] == raw.DENIED
    assert talk.status(raw.WRITE, s(b"\0\0\0\7") + struct.pack(">Q", 0) + s("x"))[0] == raw.DENIED
    assert talk.read(handle, 1000) == at.content[:1000]
    assert at.tree() == before
    assert at.has_refusal(f"sftp write {at.kept}/file: rule \"readers\"")


SPELLINGS = ["{other}/secret", "{kept}/../other/secret", "{kept}/..//..//..{files}/other/secret", "{kept}/./deep/../../other/secret",
             "{kept}/secret", "{kept}/out/secret", "{kept}/inward/../../other/secret", "{kept}/out/../other/secret", "//{other}/secret",
             "{kept}//out//secret", "{up}{other}/secret", "{kept}/deep/../out/secret", "{kept}/out/./secret",
             "/proc/self/root{other}/secret", "/proc/self/cwd/{up}{other}/secret", "/dev/fd/../../..{other}/secret"]


@pytest.mark.parametrize("user", [KEEPER, BOTH])
def test_every_spelling_of_another_path(at, sftp, user):
    talk = sftp(user)
    up = "../" * (len(talk.realpath(".").split("/")) + 3)
    for spelling in SPELLINGS:
        path = spelling.format(kept=at.kept, other=at.other, files=at.files, up=up)
        assert os.path.realpath(path.replace("/proc/self/cwd/" + up, "/")) == str(at.other / "secret") or "/dev/fd" in path, path
        assert talk.open(path) == raw.DENIED, path
        assert talk.status(raw.STAT, s(path))[0] == raw.DENIED, path
        assert talk.status(raw.SETSTAT, s(path) + u32(4) + u32(0o777))[0] == raw.DENIED, path
        listed = talk.status(raw.OPENDIR, s(os.path.dirname(path)))[0]
        assert listed == (raw.OK if spelling == "{kept}/secret" else raw.DENIED), path
        assert talk.realpath(path) is None, path
    for path in (f"{at.kept}/file\0/../../other/secret", f"{at.other}/secret\0"):
        assert talk.status(raw.OPEN, s(path) + u32(1) + raw.NO_ATTRIBUTES)[0] == raw.DENIED
    for path in ("", ".", "/", "..", "~", "/etc"):
        assert talk.status(raw.OPENDIR, s(path))[0] == raw.DENIED, path
    assert isinstance(talk.open(f"{at.kept}/file"), bytes)
    assert (at.other / "secret").read_bytes() == b"nobody may read this"


def test_names_of_any_bytes(at, sftp):
    talk = sftp(KEEPER)
    name = os.fsencode(at.kept) + b"/\xff\xfe \x01\xe9\x96\xa2"
    handle = talk.open(name, raw.WRITE_FLAG | raw.CREATE_FLAG)
    assert talk.status(raw.WRITE, s(handle) + struct.pack(">Q", 0) + s("written"))[0] == raw.OK
    assert talk.status(raw.CLOSE, s(handle))[0] == raw.OK
    with open(name, "rb") as file:
        assert file.read() == b"written"
    assert talk.open(os.fsencode(at.other) + b"/\xff\xfe", raw.READ_FLAG) == raw.DENIED
    assert at.has_refusal(f"sftp open {at.other}/")


def test_links_lead_nowhere_else(at, sftp):
    talk = sftp(KEEPER)
    before = at.tree()
    for target in (f"{at.other}/secret", "../other/secret", "out/secret", "deep/../../other", "/", "/etc/passwd", str(at.files),
                   "inward/../../other/secret", f"{at.other}/not-there/yet"):
        assert talk.status(raw.SYMLINK, s(target) + s(f"{at.kept}/new"))[0] == raw.DENIED, target
        assert talk.status(raw.SYMLINK, s(f"{at.kept}/new") + s(target))[0] in (raw.DENIED, raw.FAILURE), target  # the other order
    assert talk.status(raw.SYMLINK, s(f"{at.kept}/file") + s(f"{at.other}/new"))[0] == raw.DENIED
    assert talk.status(raw.SYMLINK, s(f"{at.kept}/file") + s(f"{at.kept}/out/new"))[0] == raw.DENIED
    for name in ("hardlink@openssh.com", "posix-rename@openssh.com"):
        for old, new in ((at.other / "secret", at.kept / "new"), (at.kept / "out/secret", at.kept / "new"),
                         (at.kept / "file", at.other / "new"), (at.kept / "file", at.kept / "out/new")):
            assert talk.extended(name, s(str(old)) + s(str(new)))[0] == raw.DENIED, (name, old, new)
    assert talk.extended("hardlink@openssh.com", s(f"{at.kept}/secret") + s(f"{at.kept}/new"))[0] == raw.DENIED
    assert talk.status(raw.RENAME, s(f"{at.other}/secret") + s(f"{at.kept}/new"))[0] == raw.DENIED
    assert talk.extended("lsetstat@openssh.com", s(f"{at.kept}/out/secret") + u32(4) + u32(0o777))[0] == raw.DENIED
    assert talk.extended("statvfs@openssh.com", s("/"))[0] == raw.DENIED
    assert at.tree() == before
    assert talk.status(raw.SYMLINK, s("deep/file") + s(f"{at.kept}/new"))[0] == raw.OK
    assert talk.status(raw.REMOVE, s(f"{at.kept}/new"))[0] == raw.OK
    assert talk.status(raw.REMOVE, s(f"{at.kept}/out"))[0] == raw.OK  # the link, not what it leads to
    assert (at.other / "secret").exists()
    assert talk.status(raw.RMDIR, s(str(at.kept)))[0] == raw.DENIED


def test_a_file_that_became_a_link_between_two_requests(at, sftp):
    talk = sftp(KEEPER)
    assert isinstance(talk.open(f"{at.kept}/deep/file"), bytes)
    (at.kept / "deep/file").unlink()
    (at.kept / "deep/file").symlink_to(at.other / "secret")
    assert talk.open(f"{at.kept}/deep/file") == raw.DENIED
    assert talk.open(f"{at.kept}/deep/file", raw.WRITE_FLAG | raw.CREATE_FLAG | raw.TRUNCATE_FLAG) == raw.DENIED
    assert (at.other / "secret").read_bytes() == b"nobody may read this"


@pytest.mark.parametrize("user", [READER, KEEPER])
def test_requests_in_many_pieces_and_many_in_one(at, sftp, user):
    talk = sftp(user)
    requests = b"".join(packet(kind, u32(number) + content) for number, (kind, content) in enumerate([
        (raw.STAT, s(f"{at.kept}/file")), (raw.REMOVE, s(f"{at.other}/secret")), (raw.MKDIR, s(f"{at.other}/made") + raw.NO_ATTRIBUTES),
        (raw.STAT, s(f"{at.kept}/file")), (raw.RENAME, s(f"{at.kept}/file") + s(f"{at.other}/moved"))]))
    for piece in (None, 1, 2, 3, 5, 7, 11, 13, 50):
        talk.send(requests, piece)
        answers = {}
        for _ in range(5):
            kind, content = talk.answer()
            answers[content[3]] = (kind, content[4:8] if kind == raw.STATUS else None)
        denied = (raw.STATUS, u32(raw.DENIED))
        assert answers == {0: (raw.ATTRS, None), 1: denied, 2: denied, 3: (raw.ATTRS, None), 4: denied}, piece
    assert (at.other / "secret").exists() and (at.kept / "file").exists() and not (at.other / "made").exists()


def test_the_same_number_twice(at, sftp):
    talk = sftp(KEEPER)
    one = packet(raw.OPEN, u32(7) + s(f"{at.kept}/file") + u32(1) + raw.NO_ATTRIBUTES)
    other = packet(raw.OPEN, u32(7) + s(f"{at.kept}/deep/file") + u32(1) + raw.NO_ATTRIBUTES)
    talk.send(one + other + one)
    handles = []
    for _ in range(3):
        kind, content = talk.answer()
        assert kind == raw.HANDLE and content[:4] == u32(7)
        handles.append(content[8:])
    assert [talk.read(handle, 10) for handle in handles] == [at.content[:10], at.content[::-1][:10], at.content[:10]]


ENDS = {"a request before INIT": (False, packet(raw.STAT, u32(1) + s("/")), "before it said which version"),
        "version 2": (False, packet(raw.INIT, u32(2)), "version 2"),
        "INIT twice": (True, packet(raw.INIT, u32(3)), "said twice"),
        "a length of nothing": (True, u32(0), "too short"),
        "a length beyond all bounds": (True, u32(0x7fffffff) + b"x" * 100, "2147483647 bytes"),
        "a length just above the bound": (True, u32(256 * 1024 + 1025), "are not taken")}


@pytest.mark.parametrize("what", ENDS)
def test_what_cannot_be_read_ends_the_channel_in_words(at, sftp, what):
    greet, data, words = ENDS[what]
    talk = sftp(READER, greet=greet)
    talk.send(data)
    said = b""
    while part := talk.channel.recv_stderr(4096):
        said += part
    assert words in said.decode(), said
    assert talk.channel.recv_exit_status() == 255
    assert at.has_refusal(re.escape(words))


def test_no_terminal_between(at, transport):
    """A terminal on the target would edit the bytes after the watch has read them."""
    channel = transport(READER).open_session(timeout=20)
    channel.settimeout(20 * PATIENCE)
    channel.get_pty()
    request(channel, "subsystem", s("sftp"))
    said = b""
    while part := channel.recv(4096):
        said += part
    assert b"no terminal" in said and channel.recv_exit_status() == 1, said


@pytest.mark.slow
def test_writes_that_are_refused_cost_no_memory(at, sftp):
    talk = sftp(READER)
    handle = talk.open(f"{at.kept}/file")
    before = at.gateway.daemon.memory_kib()
    data = s(handle) + struct.pack(">Q", 0) + s(b"x" * (200 * 1024))
    for _ in range(16):
        numbers = [talk.request(raw.WRITE, data) for _ in range(20)]
        for number in numbers:
            assert talk.answer_to(number)[1][:4] == u32(raw.DENIED)
    assert at.gateway.daemon.memory_kib() - before < 16 * 1024
    assert talk.read(handle, 10) == at.content[:10]


@pytest.mark.slow
def test_who_asks_and_never_reads_is_stopped(at, sftp):
    """Refusals are longer than what they answer: without a bound the gateway would keep them all."""
    talk = sftp(READER)
    before = at.gateway.daemon.memory_kib()
    talk.channel.in_window_threshold = 1 << 40  # no more window for the gateway
    talk.channel.settimeout(3)
    sent, batch = 0, b"".join(packet(raw.REMOVE, u32(number) + s("/x")) for number in range(5000))
    with pytest.raises(TimeoutError):
        while sent < 64 << 20:
            talk.channel.sendall(batch)
            sent += len(batch)
    assert sent < 32 << 20
    assert at.gateway.daemon.memory_kib() - before < 32 * 1024
    other = sftp(READER)
    assert isinstance(other.open(f"{at.kept}/file"), bytes)


def test_another_implementation_as_the_target(at, folder, transport):
    """AsyncSSH's own server: its REALPATH, its handles and errors, and an order of SYMLINK's arguments that the gateway does not know."""
    server = AsyncSshServer(folder, "async", [], at.gateway.user_ca)
    server.start()
    try:
        at.others = [{"name": "async", "address": f"127.0.0.1:{server.port}", "logins": [LOGIN], "auth": "certificate",
                      "host_keys": server.host_keys}]
        at.apply()
        talk = RawSftp(transport(KEEPER, "async"))
        handle = talk.open(f"{at.kept}/new", raw.WRITE_FLAG | raw.CREATE_FLAG | raw.TRUNCATE_FLAG)
        assert talk.status(raw.WRITE, s(handle) + struct.pack(">Q", 0) + s("written"))[0] == raw.OK
        assert talk.status(raw.CLOSE, s(handle))[0] == raw.OK
        assert talk.extended("posix-rename@openssh.com", s(f"{at.kept}/new") + s(f"{at.kept}/inward/moved"))[0] == raw.OK
        assert (at.kept / "deep/moved").read_bytes() == b"written" == talk.read(talk.open(f"{at.kept}/deep/moved"))
        for path in (f"{at.other}/secret", f"{at.kept}/secret", f"{at.kept}/out/secret", f"{at.kept}/../other/secret", "/etc/passwd"):
            assert talk.open(path) == raw.DENIED, path
            assert talk.status(raw.SETSTAT, s(path) + u32(4) + u32(0o777))[0] == raw.DENIED, path
        inside, outside = f"{at.kept}/link", f"{at.other}/link"
        for first, second in ((inside, outside), (outside, inside), ("../other/secret", inside), (inside, "../other/secret")):
            assert talk.status(raw.SYMLINK, s(first) + s(second))[0] == raw.DENIED, (first, second)
        assert talk.status(raw.SYMLINK, s(f"{at.kept}/link") + s(f"{at.kept}/file"))[0] in (raw.OK, raw.FAILURE)
        talk = RawSftp(transport(READER, "async"))
        before = at.tree()
        assert talk.open(f"{at.kept}/file", raw.WRITE_FLAG) == raw.DENIED
        assert talk.status(raw.REMOVE, s(f"{at.kept}/file"))[0] == raw.DENIED
        assert talk.read(talk.open(f"{at.kept}/file"), 1000) == at.content[:1000]
        assert at.tree() == before
    finally:
        at.others = ()
        at.apply()
        server.close()


def test_explain_and_check_say_it(at, folder):
    explained = at.gateway.command("explain", READER, f"{LOGIN}@{at.main}", "--as", "sftp").ok().text
    assert 'rule "readers" lets it, for reading only' in explained
    explained = at.gateway.command("explain", KEEPER, f"{LOGIN}@{at.main}", "--as", "sftp").ok().text
    assert f"at these paths: {at.kept}/**" in explained
    words = ["users=alice", "targets=*", "allow=sftp", "sftp_read_only=true"]
    at.gateway.command("rule", "add", "by hand", *words, "sftp_paths=/srv/**,/etc/motd").ok()
    shown = at.gateway.command("rule", "show", "by hand").ok().text
    assert re.search(r"sftp_read_only +true\nsftp_paths +/srv/\*\*\n +/etc/motd\n", shown), shown
    wrong = at.gateway.command("rule", "set", "by hand", "sftp_paths=srv/**")
    assert wrong.status == 1 and "a path begins with /" in wrong.err, wrong
    at.gateway.command("rule", "rm", "by hand").ok()
    (folder / "access.toml").write_text("""
[[user]]
name = "alice"
[[target]]
name = "web"
address = "h:22"
logins = ["u"]
trust = "first-use"
[[rule]]
name = "wide"
users = ["alice"]
targets = ["web"]
allow = ["sftp", "shell", "scp"]
sftp_read_only = true
sftp_paths = ["/srv/**"]
""")
    said = at.gateway.command("check", "--config", at.gateway.config_path, folder / "access.toml").ok().text
    assert 'rule "wide" narrows sftp, but its shell reaches every file' in said
    assert 'rule "wide" has sftp_paths, so its scp is of no use' in said
