"""What the gateway adds to the echo of one typed byte: round trips through it minus round trips straight to the target.

Both sessions have a terminal in raw mode with `cat` behind it, and take turns, so that noise falls on both. With
--busy N, N more sessions type and are echoed through the gateway meanwhile, ten times a second each.
"""
import threading
import time
from contextlib import ExitStack

from idle import open_sessions
from measure import percentile
from peers import Conversation

TURN = 100
ECHO = "stty raw -echo; echo ready; exec cat"


def round_trips(client, count):
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        client.say(b"k")
        client.read_exactly(1)
        times.append((time.perf_counter_ns() - begin) / 1e3)
    return times


class Busy:
    """Sessions that type without pause beside the measured one; one thread serves them all, in turn."""

    def __init__(self, stack, command, count):
        self.m_clients = open_sessions(stack, command, count)
        self.m_over = threading.Event()
        self.m_thread = threading.Thread(target=self.m_run)
        stack.callback(self.stop)
        self.m_thread.start()

    def m_run(self):
        while not self.m_over.wait(0.001):
            for client in self.m_clients:
                client.say(b"busy line\n")
                client.read_exactly(10)
                if self.m_over.wait(0.1 / len(self.m_clients)):
                    return

    def stop(self):
        self.m_over.set()
        self.m_thread.join()


def measure(context, _):
    bench, figures = context.bench, context.figures
    peers = context.peers(gateway=True)
    terminal = {"RequestTTY": "force"}
    ways = {"direct": bench.ssh(peers.target, ECHO, options=terminal)}
    if peers.gateway:
        ways["gateway"] = bench.through_gateway(peers.gateway, "term", ECHO, options=terminal)
    with ExitStack() as stack:
        if context.busy and peers.gateway:
            Busy(stack, bench.through_gateway(peers.gateway, "term", "cat"), context.busy)
        clients = {name: stack.enter_context(Conversation(command)) for name, command in ways.items()}
        for client in clients.values():
            client.read_until(b"ready\n")
            round_trips(client, TURN)
        for _ in context.rounds("keystroke"):
            times = {name: [] for name in clients}
            for _ in range(context.keystrokes // TURN):
                for name, client in clients.items():
                    times[name] += round_trips(client, TURN)
            for share, label in ((0.5, "p50"), (0.99, "p99")):
                at = {name: percentile(values, share) for name, values in times.items()}
                for name, value in at.items():
                    figures.add(f"keystroke_{name}_{label}_us", value)
                if "gateway" in at:
                    figures.add(f"keystroke_added_{label}_us", at["gateway"] - at["direct"])
