"""CPU per login: the gateway, which signs in on both hops, and `sshd` doing `ssh -W`, which does half of that.

Logins come one after the other, each `true` on the target and out again; the same key exchange, keys and cipher for all.
"""
import subprocess
import time

from measure import settled_cpu_seconds


def logins(context, server, command, name):
    count = context.logins
    before, begin = settled_cpu_seconds(server.daemon.pid), time.monotonic()
    for _ in range(count):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    wall = time.monotonic() - begin
    context.figures.add(f"{name}_cpu_ms", (settled_cpu_seconds(server.daemon.pid) - before) / count * 1e3)
    context.figures.add(f"{name}_wall_ms", wall / count * 1e3)


def measure(context, _):
    bench, peers = context.bench, context.peers(gateway=True)
    jump = bench.start_sshd()
    for _ in context.rounds("login"):
        if peers.gateway:
            logins(context, peers.gateway, bench.through_gateway(peers.gateway, "bulk", "true"), "login")
        logins(context, jump, bench.through_jump(jump, peers.target, "true"), "jump_login")
    context.figures.add_ratio("login_jump_ratio", "login_cpu_ms", "jump_login_cpu_ms")
