"""CPU per GB of terminal output: the gateway with a full recording, and the two-hop bastion (`sshd`, `script`, `ssh`).

Both show the same text file, printed by the same program on the same target; what arrives is counted to the byte.
"""
import random
import shlex

from measure import settled_cpu_seconds
from peers import Conversation

END = b"bench-end\r\n"
WORDS = ("accept active backup cache closed daemon device disk error failed fetch index kernel mount network opened packet "
         "pool queue ready reload request restart service session socket started stopped table thread timeout unit").split()


def make_text(path, size):
    """A log file as a person would show it: dates, counters, addresses and words; the same in every run."""
    dice = random.Random(1)
    written, second = 0, 0
    with open(path, "w", encoding="ascii") as file:
        while written < size:
            second += dice.randrange(3)
            line = (f"Jan {1 + second // 86400 % 28:2} {second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02} "
                    f"host{dice.randrange(40)} unit[{dice.randrange(30000)}]: "
                    f"{' '.join(dice.choices(WORDS, k=dice.randrange(3, 12)))} from 192.0.2.{dice.randrange(256)}\n")
            written += file.write(line)


def show(server, command, shown):
    """CPU seconds per GB of `server` while `shown` bytes come out of a terminal."""
    with Conversation(command) as client:
        client.read_until(b"ready\r\n")
        before = settled_cpu_seconds(server.daemon.pid)
        client.say()
        count = client.read_until(END)
        after = settled_cpu_seconds(server.daemon.pid)
    if count != shown + len(END):
        raise RuntimeError(f"{count} bytes came out of the terminal, {shown + len(END)} went in")
    return (after - before) / shown * 1e9


def measure(context, _):
    bench, figures = context.bench, context.figures
    text, program, recorded = bench.folder / "text.log", bench.folder / "show.sh", bench.folder / "recorded.sh"
    make_text(text, 10_000_000)
    times = context.terminal_megabytes // 10
    content = text.read_bytes()
    shown = times * (len(content) + content.count(b"\n"))  # the terminal makes \r\n of each \n
    program.write_text(f"stty -echo; echo ready; read go; cat {f'{text} ' * times}; echo bench-end; read bye\n")

    peers = context.peers(gateway=True)
    bastion = bench.start_sshd()
    inner = shlex.join(bench.ssh(peers.target, f"sh {program}", options={"RequestTTY": "force"}))
    recorded.write_text(f"exec script -qf --timing={bench.folder}/bastion.time {bench.folder}/bastion.data "
                        f"--command={shlex.quote(inner)}\n")
    for _ in context.rounds("pty"):
        if peers.gateway:
            command = bench.through_gateway(peers.gateway, "term", f"sh {program}", options={"RequestTTY": "force"})
            figures.add("pty_cpu_s_per_gb", show(peers.gateway, command, shown))
        command = bench.ssh(bastion, f"sh {recorded}", options={"RequestTTY": "force"})
        figures.add("two_hop_cpu_s_per_gb", show(bastion, command, shown))
    figures.add_ratio("pty_two_hop_ratio", "pty_cpu_s_per_gb", "two_hop_cpu_s_per_gb")
