"""What evidence costs: a terminal's output recorded in full, compressed and sealed, next to the same output of which only the bytes are
counted (level metadata), and next to the two-hop bastion with `script`; the recording's size next to asciicast v2; and the memory of an
idle session with a recorded terminal.

The text is shown as fast as it comes (what pours) and in small pieces with pauses (what a person's programs do).
"""
import shlex
import subprocess

import two_hop
from idle import grown_kib
from measure import settled_cpu_seconds
from peers import Conversation

PIECES = """
import sys, time
with open(sys.argv[1], "rb") as text:
    content = text.read(int(sys.argv[2]))
print("ready", flush=True)
input()
out = sys.stdout.buffer
for at in range(0, len(content), 700):
    out.write(content[at:at + 700])
    out.flush()
    if at // 700 % 8 == 0:
        time.sleep(0.001)
print("bench-end", flush=True)
input()
"""


def shown_cpu(server, command):
    """CPU seconds of `server` from the first byte to the end's mark."""
    with Conversation(command) as client:
        client.read_until(b"ready\r\n")
        before = settled_cpu_seconds(server.daemon.pid)
        client.say()
        client.read_until(two_hop.END)
        return settled_cpu_seconds(server.daemon.pid) - before


def sizes(gateway, private_key, bench):
    """(bytes of the newest recording, bytes of its asciicast v2)."""
    entry = max(gateway.recordings(), key=lambda one: (one["started"], one["audit_key"]))
    key = entry["audit_key"]
    cast = bench.new_folder("cast")
    gateway.command("recordings", "export", key, "--format", "asciicast-v2", "--key", str(private_key), "-o", str(cast)).ok()
    stored = next((gateway.folder / "data/recordings").rglob(f"{key}.skr"))
    return stored.stat().st_size, cast.stat().st_size


def measure(context, _):
    bench, figures = context.bench, context.figures
    auditor = bench.folder / "auditor"
    subprocess.run([str(bench.program), "keygen", str(auditor)], check=True, stdout=subprocess.DEVNULL)
    text, program, pieces = bench.folder / "evidence.log", bench.folder / "pour.sh", bench.folder / "pieces.py"
    two_hop.make_text(text, 10_000_000)
    times = max(1, context.terminal_megabytes // 10)
    program.write_text(f"stty -echo; echo ready; read go; cat {f'{text} ' * times}; echo bench-end; read bye\n")
    pieces.write_text(PIECES)
    commands = {"pour": f"sh {program}",
                "pieces": f"stty -echo; /usr/bin/python3 {pieces} {text} {context.terminal_megabytes * 50_000}"}

    config = {"recording": {"seal_to": [auditor.with_suffix(".pub").read_text()]}}
    target, gateway = bench.start_gateway(config=config)
    bastion = bench.start_sshd()
    for _ in context.rounds("recorded"):
        for name, command in commands.items():
            for rule in ("bulk", "term"):
                way = bench.through_gateway(gateway, rule, command, options={"RequestTTY": "force"})
                figures.add(f"{name}_{rule}_cpu_s", shown_cpu(gateway, way))
            figures.add_ratio(f"{name}_recorded_ratio", f"{name}_term_cpu_s", f"{name}_bulk_cpu_s")
            stored, cast = sizes(gateway, auditor, bench)
            figures.add(f"{name}_recording_mb", stored / 1e6)
            figures.add(f"{name}_cast_mb", cast / 1e6)
            figures.add_ratio(f"{name}_cast_ratio", f"{name}_recording_mb", f"{name}_cast_mb")
            inner = shlex.join(bench.ssh(target, command, options={"RequestTTY": "force"}))
            recorded = bench.folder / f"{name}-recorded.sh"
            recorded.write_text(f"exec script -qf --timing={bench.folder}/{name}.time {bench.folder}/{name}.data "
                                f"--command={shlex.quote(inner)}\n")
            way = bench.ssh(bastion, f"sh {recorded}", options={"RequestTTY": "force"})
            figures.add(f"{name}_two_hop_cpu_s", shown_cpu(bastion, way))
            figures.add_ratio(f"{name}_sealed_two_hop_ratio", f"{name}_term_cpu_s", f"{name}_two_hop_cpu_s")
    bench.stop(gateway)
    bench.stop(target)
    bench.stop(bastion)

    for _ in context.rounds("recorded: idle"):
        target, gateway = bench.start_gateway(config=config)
        command = bench.through_gateway(gateway, "term", f"stty -echo; head -c 20000 {text}; exec cat", options={"RequestTTY": "force"})
        figures.add("idle_terminal_kib", grown_kib(gateway, command, context.idle_sessions // 2))
        bench.stop(gateway)
        bench.stop(target)
