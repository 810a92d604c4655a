"""Clients that move files, each doing a list of operations in one session, and the random lists themselves. An operation is a tuple: its
name and its arguments; paths on the target are absolute, local ones are pathlib.Paths."""
import asyncio
import base64
import hashlib
import os
import random
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from processes import PATIENCE, run, wait_until
from targets import LOGIN

EVERYTHING = frozenset(("put", "get", "rename", "remove", "mkdir", "rmdir", "chmod", "symlink", "hardlink"))


def why_no_sshfs():
    """Why nothing can be mounted here; None where it can."""
    if shutil.which("sshfs") is None:
        return "sshfs is not installed"
    return None if os.geteuid() == 0 and os.access("/dev/fuse", os.W_OK) else "no file system can be mounted here"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class File:
    """What is there under one name, or under several."""

    def __init__(self, content):
        self.content, self.mode = content, None


@dataclass
class Plan:
    """Random operations below `folder` on the target, what they leave there, and what an audit must say of them."""
    folder: str
    local: Path
    seed: int
    can: frozenset = EVERYTHING
    plain_names: bool = False
    most: int = 300_000
    operations: list = field(default_factory=list)
    expected: list = field(default_factory=list)  # (operation, path, other path, bytes, SHA-256 or None)
    files: dict = field(default_factory=dict)  # path: File
    folders: list = field(default_factory=list)
    links: dict = field(default_factory=dict)  # path: where it leads

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.folders.append(self.folder)
        self.number = 0

    def name(self):
        self.number += 1
        words = ["data", "report-v2", "日本語", "x.tar.gz", "_q", "sum=1"] + ([] if self.plain_names else ["with space", "and 空白"])
        return f"{self.random.choice(words)}.{self.number}"

    def new_path(self):
        return f"{self.random.choice(self.folders)}/{self.name()}"

    def content(self):
        chance = self.random.random()
        size = 0 if chance < 0.04 else self.random.randint(1, 200) if chance < 0.4 else self.random.randint(1, self.most)
        return self.random.randbytes(size)

    def local_file(self, content):
        path = self.local / f"local-{self.number}"
        path.write_bytes(content)
        return path

    def add(self, count):
        weights = {"put": 34, "get": 30, "rename": 9, "remove": 8, "mkdir": 6, "rmdir": 3, "chmod": 4, "symlink": 3, "hardlink": 3}
        names = sorted(self.can)
        while len(self.operations) < count:
            name = self.random.choices(names, [weights[one] for one in names])[0]
            getattr(self, "add_" + name)()
        return self

    def add_put(self):
        over = self.files and self.random.random() < 0.15
        path = self.random.choice(sorted(self.files)) if over else self.new_path()
        content = self.content()
        self.operations.append(("put", self.local_file(content), path))
        self.number += 1
        if over:
            self.files[path].content = content
        else:
            self.files[path] = File(content)
        self.expected.append(("write", path, "", len(content), sha256(content)))

    def add_get(self):
        if not self.files:
            return
        path = self.random.choice(sorted(self.files))
        self.number += 1
        self.operations.append(("get", path, self.local / f"got-{self.number}"))
        content = self.files[path].content
        self.expected.append(("read", path, "", len(content), sha256(content)))

    def add_rename(self):
        if not self.files:
            return
        old, new = self.random.choice(sorted(self.files)), self.new_path()
        self.operations.append(("rename", old, new))
        self.files[new] = self.files.pop(old)
        self.expected.append(("rename", old, new, 0, None))

    def add_remove(self):
        if not self.files:
            return
        path = self.random.choice(sorted(self.files))
        self.operations.append(("remove", path))
        del self.files[path]
        self.expected.append(("remove", path, "", 0, None))

    def add_mkdir(self):
        path = self.new_path()
        self.operations.append(("mkdir", path))
        self.folders.append(path)
        self.expected.append(("mkdir", path, "", 0, None))

    def add_rmdir(self):
        everything = [*self.files, *self.links, *self.folders]
        empty = [one for one in self.folders[1:] if not any(other.startswith(one + "/") for other in everything)]
        if not empty:
            return
        path = self.random.choice(empty)
        self.operations.append(("rmdir", path))
        self.folders.remove(path)
        self.expected.append(("rmdir", path, "", 0, None))

    def add_chmod(self):
        if not self.files:
            return
        path = self.random.choice(sorted(self.files))
        file = self.files[path]
        file.mode = self.random.choice([mode for mode in (0o600, 0o640, 0o755) if mode != file.mode])  # else some do nothing
        self.operations.append(("chmod", path, file.mode))
        self.expected.append(("setstat", path, "", 0, None))

    def add_symlink(self):
        path = self.new_path()
        target = self.random.choice(("../elsewhere", "/etc/hostname", "日本"))
        self.operations.append(("symlink", path, target))
        self.links[path] = target
        self.expected.append(("symlink", path, target, 0, None))

    def add_hardlink(self):
        if not self.files:
            return
        old, new = self.random.choice(sorted(self.files)), self.new_path()
        self.operations.append(("hardlink", old, new))
        self.files[new] = self.files[old]
        self.expected.append(("hardlink", new, old, 0, None))

    def check_what_is_there(self):
        """The file system is as the plan leaves it, and what was fetched is what was there."""
        found = {}
        for path in Path(self.folder).rglob("*"):
            found[str(path)] = os.readlink(path) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
        contents = {path: file.content for path, file in self.files.items()}
        wanted = {**contents, **self.links, **dict.fromkeys(self.folders[1:])}
        assert sorted(found) == sorted(wanted)
        assert all(found[path] == wanted[path] for path in wanted)
        assert all(stat.S_IMODE(os.stat(path).st_mode) == file.mode for path, file in self.files.items() if file.mode)
        for done, (_, _, _, size, digest) in zip(self.operations, self.expected):
            if done[0] == "get":
                content = done[2].read_bytes()
                assert (len(content), sha256(content)) == (size, digest), done


def wait_until_seen(read, want, what):
    return wait_until(lambda: want(read()) or None, what, 20 * PATIENCE)


# --- the clients ---

class OpenSsh:
    can = EVERYTHING
    plain_names = False
    reads_empty_files = True  # some know from the size that there is nothing to read

    def __init__(self, world, user):
        self.world, self.user = world, user

    @staticmethod
    def quoted(path):
        return '"' + str(path) + '"'

    def line(self, one):
        name, *arguments = one
        q = [self.quoted(argument) for argument in arguments]
        return {"put": lambda: f"put {q[0]} {q[1]}", "get": lambda: f"get {q[0]} {q[1]}", "rename": lambda: f"rename {q[0]} {q[1]}",
                "remove": lambda: f"rm {q[0]}", "mkdir": lambda: f"mkdir {q[0]}", "rmdir": lambda: f"rmdir {q[0]}",
                "chmod": lambda: f"chmod {arguments[1]:o} {q[0]}", "symlink": lambda: f"symlink {q[1]} {q[0]}",
                "hardlink": lambda: f"ln {q[0]} {q[1]}"}[name]()

    def batch(self, operations):
        path = self.user.folder / "batch"
        path.write_text("".join(self.line(one) + "\n" for one in operations))
        return path

    def run(self, operations):
        self.user.run("sftp", "-q", "-F", self.user.config, "-b", self.batch(operations), self.world.place(), timeout=300).ok()


class Psftp(OpenSsh):
    can = EVERYTHING - {"symlink", "hardlink"}

    def line(self, one):
        if one[0] == "rename":
            return f"mv {self.quoted(one[1])} {self.quoted(one[2])}"
        return super().line(one)

    def run(self, operations):
        user = self.user
        done = user.run("psftp", "-batch", "-P", user.port, "-i", user.putty_key(), "-hostkey", user.host_fingerprint, "-l",
                        f"{LOGIN}@{self.world.main}", "-b", self.batch([*operations]), "127.0.0.1", timeout=300)
        assert done.status == 0, done


class Lftp(OpenSsh):
    can = EVERYTHING - {"hardlink"}

    def line(self, one):
        name, *arguments = one
        q = [self.quoted(argument) for argument in arguments]
        if name in ("put", "get"):
            return f"{name} {q[0]} -o {q[1]}"
        if name == "rename":
            return f"mv {q[0]} {q[1]}"
        if name == "symlink":
            return f"ln -s {q[1]} {q[0]}"
        return super().line(one)

    def run(self, operations):
        program = f"ssh -a -x -F {self.user.config}"
        script = [f'set sftp:connect-program "{program}"', "set net:max-retries 1", "set net:timeout 60", "set xfer:clobber true",
                  "set cmd:fail-exit true", "set cmd:parallel 1", f"open -u {LOGIN}@{self.world.main}, sftp://gw",
                  *[self.line(one) for one in operations], "bye"]
        path = self.user.folder / "batch"
        path.write_text("\n".join(script) + "\n")
        self.user.run("lftp", "--norc", "-f", path, timeout=300, LC_ALL="C.UTF-8").ok()


class Paramiko(OpenSsh):
    can = EVERYTHING - {"hardlink"}

    def run(self, operations):
        client, user = paramiko.SSHClient(), self.user
        kind, blob = user.host_key.split()
        client.get_host_keys().add(f"[127.0.0.1]:{user.port}", kind, paramiko.Ed25519Key(data=base64.b64decode(blob)))
        client.connect("127.0.0.1", port=user.port, username=f"{LOGIN}@{self.world.main}", key_filename=str(user.key), allow_agent=False,
                       look_for_keys=False, timeout=20 * PATIENCE)
        sftp = client.open_sftp()
        do = {"put": lambda local, path: sftp.put(str(local), path), "get": lambda path, local: sftp.get(path, str(local)),
              "rename": sftp.posix_rename, "remove": sftp.remove, "mkdir": sftp.mkdir, "rmdir": sftp.rmdir, "chmod": sftp.chmod,
              "symlink": lambda path, target: sftp.symlink(target, path)}
        for name, *arguments in operations:
            do[name](*arguments)
        sftp.close()
        client.close()


class AsyncSsh(OpenSsh):
    reads_empty_files = False

    def run(self, operations):
        import asyncssh

        async def main():
            hosts = f"[127.0.0.1]:{self.user.port} {self.user.host_key}\n"
            async with asyncssh.connect("127.0.0.1", port=self.user.port, username=f"{LOGIN}@{self.world.main}",
                                        client_keys=[str(self.user.key)], known_hosts=asyncssh.import_known_hosts(hosts),
                                        agent_path=None, config=None) as connection:
                async with connection.start_sftp_client() as sftp:
                    do = {"put": lambda local, path: sftp.put(str(local), path), "get": lambda path, local: sftp.get(path, str(local)),
                          "rename": sftp.posix_rename, "remove": sftp.remove, "mkdir": sftp.mkdir, "rmdir": sftp.rmdir,
                          "chmod": sftp.chmod, "symlink": lambda path, target: sftp.symlink(target, path), "hardlink": sftp.link}
                    for name, *arguments in operations:
                        await do[name](*arguments)
        asyncio.run(asyncio.wait_for(main(), 300 * PATIENCE))


class Sshfs(OpenSsh):
    """The target's folder as a file system here; what is done there are system calls."""
    reads_empty_files = False

    def __init__(self, world, user, folder):
        super().__init__(world, user)
        self.folder = folder

    def run(self, operations):
        mount = Path(str(self.folder) + ".mount")
        mount.mkdir()
        client = subprocess.Popen(["sshfs", "-f", "-F", str(self.user.config), f"{self.world.place()}:{self.folder}", str(mount)],
                                  env=self.user.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_until(lambda: mount.is_mount() or client.poll() is not None, "the mount")
            assert client.poll() is None, client.stderr.read()

            def here(path):
                return str(mount) + path[len(str(self.folder)):]
            do = {"put": lambda local, path: Path(here(path)).write_bytes(local.read_bytes()),
                  "get": lambda path, local: local.write_bytes(Path(here(path)).read_bytes()),
                  "rename": lambda old, new: os.rename(here(old), here(new)), "remove": lambda path: os.unlink(here(path)),
                  "mkdir": lambda path: os.mkdir(here(path)), "rmdir": lambda path: os.rmdir(here(path)),
                  "chmod": lambda path, mode: os.chmod(here(path), mode), "symlink": lambda path, target: os.symlink(target, here(path)),
                  "hardlink": lambda old, new: os.link(here(old), here(new))}
            for name, *arguments in operations:
                do[name](*arguments)
        finally:
            run([shutil.which("fusermount3") or "fusermount", "-u", mount])
            client.wait(20 * PATIENCE)
