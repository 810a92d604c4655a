"""The daily uses, each done with the client that people use for it. `make demo` runs all of them; the interop tests run each
under its own name. A scenario gets the world, a user of it and a folder for its files; it asserts, and returns in a few words what
it saw."""
import hashlib
import os
import re
import shlex
import socket
import threading
from pathlib import Path

from processes import PATIENCE, end_client, free_port, wait_until
from terminal import Terminal


def tree_digest(folder):
    """One digest over names, modes and contents of a tree."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        relative = path.relative_to(folder)
        digest.update(f"{relative}\0{path.lstat().st_mode:o}\0".encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def make_tree(folder, files):
    for number in range(files):
        path = Path(folder) / f"d{number % 100:02}" / f"file{number:05}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(hashlib.sha256(str(number).encode()).digest() * (number % 7 + 1))


def shell_in_terminal(world, user, folder):
    terminal = Terminal(folder, f"exec ssh -F {user.config} -t {world.place()}", env=user.environment())
    try:
        if not world.direct:
            terminal.wait_for(r"AUDIT KEY: \d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_" + user.name)
        terminal.wait_for(r"[#$%>] *\n*\Z")
        terminal.line("PS1='ready> '; echo $((6*7)) | sed s/4/four-/")
        terminal.wait_for(r"(?m)^four-2")
        terminal.line("stty size; tty | cut -c1-9")
        terminal.wait_for(r"(?m)^24 80$")
        terminal.wait_for(r"(?m)^/dev/pts/")
        terminal.resize(100, 30)
        terminal.line("until [ \"$(stty size)\" = '30 100' ]; do :; done; echo resized")
        terminal.wait_for(r"(?m)^resized$")
        terminal.line("sleep 600")
        terminal.wait_for("sleep 600")
        terminal.key("C-c")
        terminal.line("echo 'after the inter''rupt'; printf '\\343\\201\\202 \\346\\227\\245\\346\\234\\254\\n'")
        terminal.wait_for(r"(?m)^after the interrupt$")
        terminal.wait_for("あ 日本")
        terminal.line("exit 5")
        assert terminal.exit_status() == 5, "the shell's exit status was lost"
        shown = terminal.output()
        (user.captures / f"terminal-{terminal.name}.terminal").write_bytes(shown)
    finally:
        terminal.close()
    return "typed, resized, interrupted, exit status 5"


def exec_streams_and_status(world, user, folder):
    done = user.captured_ssh(world.place(), "echo to stdout; echo to stderr >&2; exit 7")
    assert (done.status, done.out) == (7, b"to stdout\n"), done
    assert "to stderr" in done.err, done
    return "stdout, stderr, exit status 7"


def exec_killed_by_signal(world, user, folder):
    done = user.captured_ssh("-v", world.place(), "kill -TERM $$")
    assert done.status == 255, f"a command killed by a signal gives ssh the status 255, got {done.status}: {done.err[-500:]}"
    assert "exit-signal" in done.err, f"the client did not hear of the signal: {done.err[-1500:]}"
    return "exit-signal TERM arrived"


def half_close(world, user, folder):
    words = folder / "words"
    lines = [f"{(number * 7919) % 100003:06}" for number in range(50000)]
    words.write_text("".join(line + "\n" for line in lines))
    with open(words, "rb") as given:
        done = user.captured_ssh(world.place(), "sort", given=given).ok()
    assert done.out == "".join(line + "\n" for line in sorted(lines)).encode(), "sort's output is not the sorted input"
    return f"sort < file, {len(lines)} lines"


def _both_ways(world, user, folder, mode):
    source, there, back = folder / f"source{mode}", folder / f"there{mode}", folder / f"back{mode}"
    source.write_bytes(os.urandom(3 << 20) + b"end")
    user.run("scp", "-q", mode, "-F", user.config, "-S", user.program, "-p", source, f"{world.place()}:{there}").ok()
    assert there.read_bytes() == source.read_bytes()
    user.run("scp", "-q", mode, "-F", user.config, "-S", user.program, f"{world.place()}:{there}", back).ok()
    assert back.read_bytes() == source.read_bytes()
    return f"scp {mode}: 3 MiB there and back"


def scp_legacy(world, user, folder):
    return _both_ways(world, user, folder, "-O")


def scp_over_sftp(world, user, folder):
    return _both_ways(world, user, folder, "-s")


def sftp_session(world, user, folder):
    (folder / "local").write_bytes(os.urandom(1 << 20))
    remote = folder / "remote directory"
    batch = f"""mkdir "{remote}"
put "{folder}/local" "{remote}/one"
rename "{remote}/one" "{remote}/two"
ln -s two "{remote}/link"
ls -l "{remote}"
get "{remote}/two" "{folder}/again"
rm "{remote}/link"
rm "{remote}/two"
rmdir "{remote}"
"""
    (folder / "batch").write_text(batch)
    user.run("sftp", "-q", "-F", user.config, "-S", user.program, "-b", folder / "batch", world.place()).ok()
    assert (folder / "again").read_bytes() == (folder / "local").read_bytes()
    assert not remote.exists()
    return "sftp: mkdir, put, rename, link, get, rm"


def rsync_tree(world, user, folder, files=10000):
    source, there, back = folder / "tree", folder / "tree-there", folder / "tree-back"
    make_tree(source, files)
    for begin, end in ((f"{source}/", f"{world.place()}:{there}/"), (f"{world.place()}:{there}/", f"{back}/")):
        user.run("rsync", "-a", "-e", user.program, begin, end, timeout=180).ok()
    assert tree_digest(source) == tree_digest(there) == tree_digest(back), "the trees differ"
    return f"rsync: {files} files there and back"


def git_clone_and_push(world, user, folder):
    env = {"GIT_SSH_COMMAND": str(user.program), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a",
           "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}

    def git(*arguments, cwd=folder):
        return user.run("git", *arguments, cwd=cwd, **env).ok().text

    git("init", "-q", "-b", "main", "first")
    make_tree(folder / "first", 200)
    git("add", ".", cwd=folder / "first")
    git("commit", "-q", "-m", "one", cwd=folder / "first")
    git("clone", "-q", "--bare", "first", "served.git")
    git("clone", "-q", f"{world.place()}:{folder}/served.git", "cloned")
    assert tree_digest(folder / "cloned/d01") == tree_digest(folder / "first/d01")
    (folder / "cloned/new").write_text("pushed\n")
    git("add", "new", cwd=folder / "cloned")
    git("commit", "-q", "-m", "two", cwd=folder / "cloned")
    git("push", "-q", "origin", "main", cwd=folder / "cloned")
    assert git("rev-parse", "main", cwd=folder / "served.git") == git("rev-parse", "HEAD", cwd=folder / "cloned")
    return "git: clone and push"


def local_forward(world, user, folder):
    permitted, refused = free_port(), free_port()
    forwards = ["-L", f"127.0.0.1:{permitted}:127.0.0.1:{world.echo.port}", "-L", f"127.0.0.1:{refused}:127.0.0.1:{world.forbidden.port}"]
    errors = folder / "forward.err"
    with open(errors, "wb") as stderr:
        client = user.start("-N", "-o", "ExitOnForwardFailure=yes", *forwards, world.user_place(user), stderr=stderr)
    try:
        def connect(port):
            return socket.create_connection(("127.0.0.1", port), timeout=10 * PATIENCE)

        def listens():
            assert client.poll() is None, f"ssh -L ended: {errors.read_text()}"
            try:
                connect(permitted).close()
                return True
            except OSError:
                return False
        wait_until(listens, "ssh -L to listen")
        payload = os.urandom(1 << 20)
        with connect(permitted) as connection:
            threading.Thread(target=lambda: (connection.sendall(payload), connection.shutdown(socket.SHUT_WR))).start()
            got = b""
            while data := connection.recv(65536):
                got += data
        assert got == payload, f"{len(got)} of {len(payload)} bytes came back"
        user.keep(f"-L {world.echo.port}", got)
        if world.direct:
            return "-L: 1 MiB echoed"
        knocks = world.forbidden.knocks
        with connect(refused) as connection:
            assert connection.recv(10) == b"", "a forward that no rule permits carried data"
        wait_until(lambda: re.search(r"open failed: administratively prohibited: .*" + str(world.forbidden.port), errors.read_text()),
                   "ssh's word on the refused forward, naming the place")
        assert world.forbidden.knocks == knocks, "the refused place was dialled"
    finally:
        end_client(client)
    return "-L: 1 MiB echoed; another place refused"


def netcat_mode(world, user, folder):
    done = user.captured_ssh("-W", f"127.0.0.1:{world.echo.port}", world.user_place(user), given=b"knock knock\n").ok()
    assert done.out == b"knock knock\n"
    if world.direct:
        return "-W: echoed"
    knocks = world.forbidden.knocks
    done = user.ssh("-W", f"127.0.0.1:{world.forbidden.port}", world.user_place(user), given=b"knock knock\n")
    assert done.status != 0 and done.out == b"", "-W to a place that no rule permits went through"
    assert re.search(rf"127\.0\.0\.1:{world.forbidden.port}|administratively prohibited", done.err), done.err
    assert world.forbidden.knocks == knocks, "the refused place was dialled"
    return "-W: echoed; another place refused"


def ansible_ping_and_copy(world, user, folder):
    login = shlex.quote(world.place().rsplit("@", 1)[0])
    (folder / "inventory").write_text(f"web ansible_host=gw ansible_user={login} ansible_python_interpreter=/usr/bin/python3\n")
    (folder / "payload").write_bytes(os.urandom(100000))
    env = {"ANSIBLE_SSH_EXECUTABLE": str(user.program), "ANSIBLE_SCP_EXECUTABLE": "scp", "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
           "ANSIBLE_REMOTE_TEMP": str(folder / "remote"), "ANSIBLE_SSH_ARGS": f"-F {user.config} -o ControlMaster=auto "
           f"-o ControlPersist=2s -o ControlPath={user.folder}/cm-%C", "ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_NOCOLOR": "1",
           "ANSIBLE_SFTP_BATCH_MODE": "True", "ANSIBLE_SSH_COMMON_ARGS": "", "ANSIBLE_SFTP_EXTRA_ARGS": f"-S {user.program}"}

    def ansible(*arguments):
        return user.run("ansible", "-i", folder / "inventory", "web", *arguments, timeout=120, **env).ok().text

    assert '"ping": "pong"' in ansible("-m", "ping")
    ansible("-m", "copy", "-a", f"src={folder}/payload dest={folder}/copied mode=0640")
    assert (folder / "copied").read_bytes() == (folder / "payload").read_bytes()
    return "Ansible: ping and copy"


# What `make demo` prints: the line that a person would type, and the scenario that stands for it.
ALL = [
    ("ssh -t login@demo@gw  (typed in tmux)", shell_in_terminal),
    ("ssh login@demo@gw 'echo …; exit 7'", exec_streams_and_status),
    ("ssh login@demo@gw 'kill -TERM $$'", exec_killed_by_signal),
    ("ssh login@demo@gw sort < file", half_close),
    ("scp -O file login@demo@gw: and back", scp_legacy),
    ("scp -s file login@demo@gw: and back", scp_over_sftp),
    ("sftp login@demo@gw", sftp_session),
    ("rsync -a tree/ login@demo@gw: and back", rsync_tree),
    ("git clone login@demo@gw:… and push", git_clone_and_push),
    ("ssh -N -L PORT:HOST:PORT user@gw", local_forward),
    ("ssh -W HOST:PORT user@gw", netcat_mode),
    ("ansible -m ping, -m copy", ansible_ping_and_copy),
]
