"""CPU per login: the gateway, which signs in on both hops, and `sshd` doing `ssh -W`, which does half of that.

Logins come one after the other, each `true` on the target and out again; the same key exchange, keys and cipher for all. A few by one
way, then a few by the other, so that a machine whose speed changes within seconds is the same for both.
"""
import subprocess
import time

from measure import settled_cpu_seconds

AT_A_TIME = 10


class Way:
    def __init__(self, name, server, command):
        self.name, self.server, self.command = name, server, command
        self.cpu = self.wall = 0.0

    def log_in(self, count):
        before, begin = settled_cpu_seconds(self.server.daemon.pid), time.monotonic()
        for _ in range(count):
            subprocess.run(self.command, check=True, stdin=subprocess.DEVNULL)
        self.wall += time.monotonic() - begin
        self.cpu += settled_cpu_seconds(self.server.daemon.pid) - before


def measure(context, _):
    bench, peers = context.bench, context.peers(gateway=True)
    jump = bench.start_sshd()
    for _ in context.rounds("login"):
        ways = [Way("jump_login", jump, bench.through_jump(jump, peers.target, "true"))]
        if peers.gateway:
            ways.insert(0, Way("login", peers.gateway, bench.through_gateway(peers.gateway, "bulk", "true")))
        for _ in range(context.logins // AT_A_TIME):
            for way in ways:
                way.log_in(AT_A_TIME)
        for way in ways:
            context.figures.add(f"{way.name}_cpu_ms", way.cpu / context.logins * 1e3)
            context.figures.add(f"{way.name}_wall_ms", way.wall / context.logins * 1e3)
    context.figures.add_ratio("login_jump_ratio", "login_cpu_ms", "jump_login_cpu_ms")
