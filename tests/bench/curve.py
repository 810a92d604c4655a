"""What one more session costs where there are few, and where there are thousands: memory, and CPU while every session types a key each
few seconds. The peers are light ones (crowd.py), because thousands of sshd would measure the machine's memory."""
import os
import subprocess
import sys
from pathlib import Path

from gateway import Gateway
from measure import settled_memory_kib, tree_cpu_seconds
from processes import free_port
from targets import LOGIN, make_key

CROWD = Path(__file__).with_name("crowd.py")
SECONDS = 12  # three keys of each session


class Peer:
    def __init__(self, *arguments):
        self.m_process = subprocess.Popen([sys.executable, "-W", "ignore", str(CROWD), *map(str, arguments)], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, text=True)
        self.m_expect("ready")

    def ask(self, word, number):
        self.m_process.stdin.write(f"{word} {number}\n")
        self.m_process.stdin.flush()
        return int(self.m_expect(""))

    def stop(self):
        self.m_process.kill()
        self.m_process.wait()

    def m_expect(self, start):
        line = self.m_process.stdout.readline()
        if not line or not line.startswith(start):
            raise RuntimeError(f"the crowd ended early: {line!r}")
        return line.split()[-1]


def start(bench):
    gateway = Gateway(bench.new_folder("gateway"), config={"ssh": {"login_grace": "5m"}, "target": {"login_timeout": "5m"}},
                      program=bench.program).init()
    port, host_key = free_port(), gateway.folder / "target_key"
    line = make_key(host_key)
    gateway.apply({"user": [{"name": "bench", "keys": [bench.user_line]}],
                   "target": [{"name": "echo", "address": f"127.0.0.1:{port}", "logins": [LOGIN], "auth": "certificate",
                               "host_keys": [" ".join(line.split()[:2])]}],
                   "rule": [{"name": "echo", "users": ["bench"], "targets": ["echo"], "logins": [LOGIN], "allow": ["shell", "exec"],
                             "record": "metadata"}]})
    target = Peer("serve", host_key, gateway.user_ca, port)
    bench.start(gateway)
    clients = Peer("type", gateway.port, f"{LOGIN}@echo", bench.user_key)
    return gateway, target, clients


def measure(context, _):
    bench, figures = context.bench, context.figures
    gateway, target, clients = start(bench)
    pid = gateway.daemon.pid
    try:
        clients.ask("open", 2)
        empty = settled_memory_kib(pid)
        per_session = {}
        for count in context.curve:
            if clients.ask("open", count) != count:
                raise RuntimeError("not everybody got in")
            figures.add(f"curve_{count}_session_kib", (settled_memory_kib(pid) - empty) / (count - 2))
            for _ in range(context.curve_rounds):
                before = tree_cpu_seconds(pid)
                typed = clients.ask("type", SECONDS)
                used = tree_cpu_seconds(pid) - before
                figures.add(f"curve_{count}_key_us", used / typed * 1e6)
                per_session.setdefault(count, []).append(used / count)
        few, many = per_session[context.curve[0]], per_session[context.curve[-1]]
        for one, other in zip(few, many, strict=True):
            figures.add("curve_growth_ratio", other / one)
    finally:
        clients.stop()
        target.stop()
        bench.stop(gateway)
