"""A thousand clients at once, and one session that was there before: does everybody get in, and does a key that is typed meanwhile wait?

The clients are stock ssh, each running `true` on the target. The gateway's loops, and the session that types, run before ordinary
processes: on a machine that a thousand clients fill, its figures would otherwise be those of the scheduler. What is left is what the
loop itself makes a byte wait, once in each direction.
"""
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from measure import percentile, process_tree, settled_cpu_seconds, tree_cpu_seconds

PROBER = Path(__file__).with_name("prober.py")
PATIENCE = 300
TARGETS = 8  # an sshd takes its clients in one after the other, from a queue of 128


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def loops_first(root):
    """The loops of a gateway, which are the first thread of the process that has such, and those named so."""
    count = 0
    for pid in process_tree(root):
        names = {int(task.name): (task / "comm").read_text().strip() for task in Path(f"/proc/{pid}/task").iterdir()}
        if "loop" not in names.values():
            continue
        for task, name in names.items():
            if task == pid or name == "loop":
                os.sched_setscheduler(task, os.SCHED_RR, os.sched_param(20))
                count += 1
    if count == 0:
        raise RuntimeError(f"process {root} has no loops")


class Prober:
    def __init__(self, command, port):
        self.m_process = subprocess.Popen([sys.executable, str(PROBER), str(port), *command], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, text=True)
        assert self.m_process.stdout.readline() == "ready\n"

    def times(self):
        out, _ = self.m_process.communicate("enough\n", timeout=60)
        return [one_way for both in json.loads(out) for one_way in both]


def measure(context, _):
    bench, figures = context.bench, context.figures
    port = free_port()
    for _ in context.rounds("storm"):
        targets, gateway = bench.start_crowd(TARGETS, port)
        try:
            loops_first(gateway.daemon.pid)
            way = bench.ssh(gateway, login="bench")
            typed = [*way[:-1], "-W", f"127.0.0.1:{port}", way[-1]]
            calm = Prober(typed, port)
            time.sleep(2)
            figures.add("storm_calm_p99_us", percentile(calm.times(), 0.99))
            prober, begin = Prober(typed, port), time.monotonic()
            before = tree_cpu_seconds(gateway.daemon.pid)
            commands = [bench.through_gateway(gateway, f"t{number}", "true") for number in range(TARGETS)]
            clients = [subprocess.Popen(commands[number % TARGETS], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE) for number in range(context.storm)]
            failed = []
            for client in clients:
                _, error = client.communicate(timeout=PATIENCE)
                if client.returncode != 0:
                    failed.append(error.decode(errors="replace").strip())
            wall, times = time.monotonic() - begin, prober.times()
            for text in sorted(set(failed)):
                print(f"bench: storm: {failed.count(text)} × {text}", file=sys.stderr)
            figures.add("storm_clients", context.storm)
            figures.add("storm_refused", len(failed))
            figures.add("storm_seconds", wall)
            figures.add("storm_login_cpu_ms", (settled_cpu_seconds(gateway.daemon.pid) - before) / context.storm * 1e3)
            figures.add("storm_keys_typed", len(times))
            figures.add("storm_keys_over_5ms", sum(time_us > 5000 for time_us in times))
            for share, label in ((0.5, "p50"), (0.99, "p99"), (1.0, "max")):
                figures.add(f"storm_key_{label}_us", percentile(times, share))
        finally:
            for server in [gateway, *targets]:
                bench.stop(server)
