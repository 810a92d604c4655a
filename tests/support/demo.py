#!/usr/bin/python3
"""`make run`: a gateway with one target, for a person to try. `make demo`: the same, tried by the stock clients themselves.

Neither touches anything outside the build folder and the temporary folder, and both end what they started.
"""
import getpass
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from gateway import ROOT, Gateway, binary
from processes import greeting
from targets import LOGIN, OpenSshTarget, make_key


# --- make run ---

def public_keys(folder):
    """The caller's own public keys; where there are none, a new one. Returns (lines, its path or nothing)."""
    lines = [path.read_text().strip() for path in sorted((Path.home() / ".ssh").glob("*.pub")) if "-cert" not in path.name]
    agent = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True)
    if agent.returncode == 0:
        lines += agent.stdout.splitlines()
    blobs = {}
    for line in lines:
        words = line.split()
        if len(words) >= 2 and re.match(r"(ssh|ecdsa|sk-)", words[0]):
            blobs.setdefault(words[1], line)
    if blobs:
        return list(blobs.values()), None
    key = folder / "id_ed25519"
    if not key.exists():
        make_key(key, comment="sekisho demo")
    return [Path(f"{key}.pub").read_text().strip()], key


def run():
    port = int(os.environ.get("SEKISHO_PORT", "2222"))
    if greeting(port, timeout=1):
        print(f"something answers on port {port} already; SEKISHO_PORT=… make run takes another", file=sys.stderr)
        return 1
    folder = ROOT / "build/demo"
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    user = getpass.getuser()
    if user == "root" or not re.fullmatch(r"[a-z][-a-z0-9_.]{0,63}", user):
        user = "demo"
    keys, new_key = public_keys(folder)
    gateway = Gateway(folder, port=port).init()
    target = OpenSshTarget(folder / "sshd", ca_lines=[gateway.user_ca]).start()
    try:
        gateway.start()
        gateway.apply({
            "user": [{"name": user, "email": f"{user}@localhost", "keys": keys}],
            "target": [{"name": "demo", "address": f"127.0.0.1:{target.port}", "logins": [LOGIN], "auth": "certificate",
                        "host_keys": [target.host_key]}],
            "rule": [{"name": "the demo target", "users": [user], "targets": ["demo"], "allow": ["shell", "exec", "sftp", "scp"],
                      "record": "full"},
                     {"name": "one forward", "users": [user], "allow": ["local-forward"], "forward": [f"127.0.0.1:{target.port}"],
                      "record": "full"}],
        })
        config = folder / "ssh_config"
        (folder / "known_hosts").write_text(f"gw {gateway.host_key}\n")
        config.write_text(f"Host gw\n    HostName 127.0.0.1\n    Port {port}\n    HostKeyAlias gw\n    StrictHostKeyChecking yes\n"
                          f"    UserKnownHostsFile {folder}/known_hosts\n    GlobalKnownHostsFile /dev/null\n"
                          + (f"    IdentityFile {new_key}\n    IdentitiesOnly yes\n" if new_key else ""))
        print_lines(gateway, target, user, files, config)
        wait_for_the_end(gateway, target)
    finally:
        gateway.stop()
        target.stop()
    return 0


def print_lines(gateway, target, user, files, config):
    def short(path):
        return os.path.relpath(path, ROOT)
    ssh, place = f"ssh -F {short(config)}", f"{LOGIN}@demo@gw"
    sekisho = f"{short(gateway.program)} --config {short(gateway.config_path)}"
    lines = [
        ("a shell", f"{ssh} {place}"),
        ("a command", f"{ssh} {place} uname -a"),
        ("copy a file", f"scp -F {short(config)} README.md {place}:{files}/"),
        ("browse files", f"sftp -F {short(config)} {place}:{files}"),
        ("a tree", f"rsync -a -e '{ssh}' docs/ {place}:{files}/docs/"),
        ("a forward", f"{ssh} -W 127.0.0.1:{target.port} {user}@gw </dev/null"),
        ("refused", f"{ssh} -W 127.0.0.1:25 {user}@gw </dev/null"),
        ("recordings", f"{sekisho} recordings ls"),
        ("play one", f"{sekisho} recordings play AUDIT-KEY"),
    ]
    print(f"\nThe gateway listens on 127.0.0.1:{gateway.port}. It knows you as `{user}`, and this machine as target `demo`.")
    print("Paste into another terminal, in this folder:\n")
    for what, line in lines:
        print(f"  {what:13} {line}")
    print("\nCtrl-C ends both.", flush=True)


def wait_for_the_end(gateway, target):
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: over.set())
    while not over.wait(0.5):
        for name, daemon in (("gateway", gateway.daemon), ("sshd", target.daemon)):
            if not daemon.alive():
                print(f"the {name} ended by itself:\n{daemon.said()[-2000:]}", file=sys.stderr)
                raise SystemExit(1)


# --- make demo ---

def check():
    import evidence
    import scenarios
    from world import World

    world = World(main="demo")
    rows = []

    def row(what, action):
        begin = time.monotonic()
        try:
            seen, held = action(), True
        except Exception as error:  # the table goes on; the reason stands in its row, the rest on stderr
            seen, held = str(error).splitlines()[0] if str(error) else type(error).__name__, False
            traceback.print_exc()
        rows.append(held)
        print(f"{'ok    ' if held else 'FAILED'} {time.monotonic() - begin:6.1f} s  {what:42} {seen}", flush=True)

    files = Path(tempfile.mkdtemp(prefix="sekisho-demo-"))
    try:
        world.start()
        for number, (line, scenario) in enumerate(scenarios.ALL):
            folder = files / str(number)
            folder.mkdir()

            def recorded(scenario=scenario, folder=folder):
                before = len(world.gateway.recordings())
                seen = scenario(world, world.alice, folder)
                new = len(world.gateway.recordings()) - before
                assert new > 0, "no recording came of it"
                return f"{seen}; {new} recording{'s' if new > 1 else ''}"
            row(line, recorded)

        def replays():
            outputs, total = evidence.compare(world, world.alice)
            return f"{outputs} outputs, {total} bytes, as the clients received them"
        row("sekisho recordings verify, play; compared", replays)
    finally:
        world.stop()
        shutil.rmtree(files, ignore_errors=True)
    print(f"{sum(rows)} of {len(rows)} held")
    return 0 if rows and all(rows) else 1


if __name__ == "__main__":
    if not binary().exists():
        sys.exit(f"{binary()} does not exist; ./dev build")
    sys.exit({"run": run, "check": check}[sys.argv[1]]())
