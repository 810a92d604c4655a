"""Large transfers in one channel with many rekeys, and a reader that stops. The soak form moves 4 GiB each way."""
import hashlib
import os
import statistics
import subprocess
import time

import pytest
from processes import PATIENCE, end_client, wait_until

MIB = 1 << 20
SANITIZED = bool(os.environ.get("SEKISHO_SANITIZED"))
QUICK = (32 if SANITIZED else 256) * MIB
# Bytes that do not compress and that both ends can make: AES-CTR over zeros under a fixed key.
SOURCE = f"openssl enc -aes-128-ctr -K {'07' * 16} -iv {'00' * 16} -in /dev/zero 2>/dev/null | head -c "
MOST_GROWTH_KIB = 16 * 1024


def digest(size):
    return subprocess.run(["sh", "-c", f"{SOURCE}{size} | sha256sum"], capture_output=True, text=True, check=True).stdout.split()[0]


def both_ways(world, user, size, rekey, timeout):
    wanted = digest(size)
    daemon = world.gateway.daemon
    user.ssh(world.place(), "head -c 1000000 /dev/zero | cat").ok()
    before = daemon.memory_kib("VmRSS")
    highest = before
    down = user.start("-o", f"RekeyLimit={rekey}", world.place(), SOURCE + str(size), stdin=subprocess.DEVNULL)
    seen = hashlib.sha256()
    while data := down.stdout.read(1 << 20):
        seen.update(data)
        highest = max(highest, daemon.memory_kib("VmRSS"))
    assert down.wait(60) == 0, down.stderr.read()
    assert seen.hexdigest() == wanted, "down: the checksum differs"
    source = subprocess.Popen(["sh", "-c", SOURCE + str(size)], stdout=subprocess.PIPE)
    up = user.start("-o", f"RekeyLimit={rekey}", world.place(), "sha256sum", stdin=source.stdout)
    source.stdout.close()
    end = time.monotonic() + timeout * PATIENCE
    while up.poll() is None and time.monotonic() < end:
        highest = max(highest, daemon.memory_kib("VmRSS"))
        time.sleep(0.1)
    assert up.wait(1) == 0, up.stderr.read()
    source.wait()
    assert up.stdout.read().split()[0].decode() == wanted, "up: the checksum differs"
    growth = highest - before
    figures = f"{size >> 20} MiB each way, RekeyLimit {rekey}: checksum equal, memory growth {growth} KiB"
    print(figures)
    assert SANITIZED or growth < MOST_GROWTH_KIB, figures
    return figures


@pytest.mark.row("D5")
@pytest.mark.parametrize("rekey", ["16M", "1G"])
def test_one_channel_both_ways(own_world, rekey, record_property):
    record_property("figures", both_ways(own_world, own_world.meta, QUICK, rekey, 120))


def test_recorded_in_full(own_world, record_property):
    record_property("figures", both_ways(own_world, own_world.alice, QUICK // 4, "16M", 120))


@pytest.mark.soak
@pytest.mark.parametrize("rekey", ["64M", "1G"])
def test_four_gib_each_way(own_world, rekey, record_property):
    record_property("figures", both_ways(own_world, own_world.meta, 4096 * MIB, rekey, 1200))


def beside_a_stopped_reader(world, seconds):
    """One channel's reader stops; another channel of the same connection goes on at its own speed, before, during and after."""
    user, daemon = world.meta, world.gateway.daemon
    size = QUICK
    wanted = digest(size)
    master = user.folder / "cm-slow"
    keeper = user.start("-M", "-N", "-S", master, world.place())
    try:
        wait_until(lambda: master.exists() or keeper.poll() is not None, "the control socket")

        def transfer():
            begin = time.monotonic()
            client = user.start("-S", master, world.place(), SOURCE + str(size), stdin=subprocess.DEVNULL)
            seen = hashlib.sha256()
            while data := client.stdout.read(1 << 20):
                seen.update(data)
            assert client.wait(60) == 0 and seen.hexdigest() == wanted
            return time.monotonic() - begin

        alone = statistics.median(transfer() for _ in range(3))
        before = daemon.memory_kib("VmRSS")
        stopped = user.start("-S", master, world.place(), SOURCE + str(size), stdin=subprocess.DEVNULL)
        first = stopped.stdout.read(1000)
        stop = time.monotonic() + seconds
        rates = [transfer() for _ in range(3)]
        while time.monotonic() < stop:
            rates.append(transfer())
        growth = daemon.memory_kib("VmRSS") - before
        rest = hashlib.sha256(first)
        while data := stopped.stdout.read(1 << 20):
            rest.update(data)
        assert stopped.wait(60) == 0 and rest.hexdigest() == wanted, "the stopped reader did not get everything afterwards"
        figures = (f"a reader stopped for {seconds} s: {size >> 20} MiB beside it in {min(rates):.2f}–{max(rates):.2f} s, median "
                   f"{statistics.median(rates):.2f} s, "
                   f"alone {alone:.2f} s; memory growth {growth} KiB")
        print(figures)
        assert statistics.median(rates) < alone * 1.5 + 0.5, figures
        assert SANITIZED or growth < MOST_GROWTH_KIB, figures
        return figures
    finally:
        end_client(keeper)


@pytest.mark.row("D5")
def test_a_slow_reader_stops_its_own_channel_only(own_world, record_property):
    record_property("figures", beside_a_stopped_reader(own_world, 3))


@pytest.mark.soak
def test_a_reader_that_stops_for_ten_seconds(own_world, record_property):
    record_property("figures", beside_a_stopped_reader(own_world, 10))
