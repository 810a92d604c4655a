"""CPU per relayed GB: the floor, the gateway in both directions, and OpenSSH's own jump (`sshd` doing `ssh -W`).

One round measures each once, one after the other, so that the ratio of a round compares the same minute of the machine.
Signing in is over before the clock starts: the remote command waits for a word.
"""
import json
import subprocess

from measure import settled_cpu_seconds
from peers import Conversation

CHACHA = "chacha20-poly1305@openssh.com"
CHUNK = bytes(1 << 18)


def floor(context, name, *options):
    done = subprocess.run([context.floor_relay, *options, str(context.megabytes)], check=True, stdout=subprocess.PIPE)
    context.figures.add(name, json.loads(done.stdout)["cpu_s_per_gb"])


def download(server, command, total):
    """CPU seconds per GB of `server` while `total` bytes come out of an exec; `command` makes the client's."""
    remote = f"echo ready; read go; head -c {total} /dev/zero; read bye"
    with Conversation(command(remote)) as client:
        client.read_until(b"ready\n")
        before = settled_cpu_seconds(server.daemon.pid)
        client.say()
        client.read_exactly(total)
        return (settled_cpu_seconds(server.daemon.pid) - before) / total * 1e9


def upload(server, command, total):
    remote = f"echo ready; head -c {total} > /dev/null; echo taken; read bye"
    with Conversation(command(remote)) as client:
        client.read_until(b"ready\n")
        before = settled_cpu_seconds(server.daemon.pid)
        left = total
        while left > 0:
            left -= client.say(CHUNK[:min(left, len(CHUNK))])
        client.read_until(b"taken\n")
        return (settled_cpu_seconds(server.daemon.pid) - before) / total * 1e9


def measure_openssl(context, _):
    """The relay with OpenSSL for AES-GCM, which is what the floor has too."""
    bench, figures, total = context.bench, context.figures, context.megabytes * 1_000_000
    target, gateway = bench.start_gateway(config={"ssh": {"aes_gcm": "openssl"}})
    for _ in context.rounds("relay-openssl"):
        floor(context, "floor_beside_openssl_cpu_s_per_gb")
        figures.add("relay_openssl_cpu_s_per_gb",
                    download(gateway, lambda remote: bench.through_gateway(gateway, "bulk", remote), total))
    figures.add_ratio("relay_openssl_floor_ratio", "relay_openssl_cpu_s_per_gb", "floor_beside_openssl_cpu_s_per_gb")
    bench.stop(gateway)
    bench.stop(target)


def measure_chacha(context, _):
    """Both ways with chacha20-poly1305 on every hop."""
    bench, figures, total = context.bench, context.figures, context.megabytes * 1_000_000
    options = {"Ciphers": CHACHA}
    target, gateway = bench.start_gateway(cipher=CHACHA)
    jump = bench.start_sshd(cipher=CHACHA)
    for _ in context.rounds("chacha"):
        figures.add("chacha_relay_cpu_s_per_gb", download(
            gateway, lambda remote: bench.through_gateway(gateway, "bulk", remote, options=options), total))
        figures.add("chacha_jump_cpu_s_per_gb", download(
            jump, lambda remote: bench.through_jump(jump, target, remote, options=options), total))
    figures.add_ratio("chacha_jump_ratio", "chacha_relay_cpu_s_per_gb", "chacha_jump_cpu_s_per_gb")
    for server in (gateway, jump, target):
        bench.stop(server)


def measure(context, chosen):
    bench, figures, total = context.bench, context.figures, context.megabytes * 1_000_000
    peers = context.peers(gateway="relay" in chosen)
    jump = bench.start_sshd() if "jump" in chosen else None

    def way_through_gateway(remote):
        return bench.through_gateway(peers.gateway, "bulk", remote)

    def way_through_jump(remote):
        return bench.through_jump(jump, peers.target, remote)

    for _ in context.rounds("relay"):
        if "floor" in chosen:
            floor(context, "floor_cpu_s_per_gb")
            floor(context, "floor_copy_only_cpu_s_per_gb", "--copy-only")
        if peers.gateway:
            figures.add("relay_cpu_s_per_gb", download(peers.gateway, way_through_gateway, total))
            figures.add("relay_write_cpu_s_per_gb", upload(peers.gateway, way_through_gateway, total))
        if jump:
            figures.add("jump_cpu_s_per_gb", download(jump, way_through_jump, total))
            figures.add("jump_write_cpu_s_per_gb", upload(jump, way_through_jump, total))
    figures.add_ratio("relay_floor_ratio", "relay_cpu_s_per_gb", "floor_cpu_s_per_gb")
    figures.add_ratio("relay_floor_write_ratio", "relay_write_cpu_s_per_gb", "floor_cpu_s_per_gb")
    figures.add_ratio("relay_jump_ratio", "relay_cpu_s_per_gb", "jump_cpu_s_per_gb")
    figures.add_ratio("relay_jump_write_ratio", "relay_write_cpu_s_per_gb", "jump_write_cpu_s_per_gb")
    figures.add_ratio("jump_floor_ratio", "jump_cpu_s_per_gb", "floor_cpu_s_per_gb")
