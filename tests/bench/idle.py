"""Memory per idle session of two hops: what a fresh gateway grows by while many clients sit in a `cat`.

One session is there before the first look, so that what is made once for all sessions is not charged to the others.
"""
from contextlib import ExitStack

from measure import settled_memory_kib
from peers import Conversation

AT_ONCE = 10


def open_sessions(stack, command, count):
    opened = []
    while len(opened) < count:
        batch = [stack.enter_context(Conversation(command)) for _ in range(min(AT_ONCE, count - len(opened)))]
        for client in batch:
            client.say(b"x")
        for client in batch:
            client.read_exactly(1)
        opened += batch
    return opened


def grown_kib(server, command, count):
    with ExitStack() as stack:
        open_sessions(stack, command, 1)
        before = settled_memory_kib(server.daemon.pid)
        open_sessions(stack, command, count)
        return (settled_memory_kib(server.daemon.pid) - before) / count


def measure(context, _):
    bench = context.bench
    for _ in context.rounds("idle"):
        peers = context.fresh_peers()
        if not peers.gateway:
            return
        command = bench.through_gateway(peers.gateway, "bulk", "cat")
        context.figures.add("idle_session_kib", grown_kib(peers.gateway, command, context.idle_sessions))
        bench.stop(peers.gateway)
        bench.stop(peers.target)


def measure_jump(context, _):
    """The same for sessions that an sshd only carries."""
    bench, peers = context.bench, context.peers(gateway=False)
    for _ in context.rounds("idle-jump"):
        jump = bench.start_sshd()
        command = bench.through_jump(jump, peers.target, "cat")
        context.figures.add("jump_idle_session_kib", grown_kib(jump, command, context.idle_sessions // 4))
        bench.stop(jump)
