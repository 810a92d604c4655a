"""CPU and memory of running processes, and figures made of several runs.

CPU is user plus system time. A process's own time comes from its CPU clock (nanoseconds, every thread, dead ones too);
the time of children that it has already waited for comes from /proc/PID/stat (ticks of 10 ms).
"""
import os
import statistics
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name, which may hold spaces: [0] is the state, [1] the parent."""
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2:].split()


def own_cpu_seconds(pid):
    # clock_getcpuclockid(3) is this sum; Python has no name for it.
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def reaped_cpu_seconds(pid):
    fields = stat_fields(pid)
    return (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND


def process_tree(root):
    """`root` and every descendant that is still there."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(stat_fields(entry)[1]), []).append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                continue
    tree, left = [], [root]
    while left:
        pid = left.pop()
        tree.append(pid)
        left += children.get(pid, [])
    return tree


def tree_cpu_seconds(root):
    """All CPU that `root` and its descendants ever used: the living by their clocks, the dead by who waited for them."""
    total = 0.0
    for pid in process_tree(root):
        try:
            total += own_cpu_seconds(pid) + reaped_cpu_seconds(pid)
        except (FileNotFoundError, ProcessLookupError, OSError):
            continue  # it ended just now; its parent's sum has it when the tree has settled
    return total


def settled_cpu_seconds(root, quiet=0.2, limit=20.0):
    """tree_cpu_seconds once nothing has been used for `quiet` seconds: later work of the last run belongs to it."""
    deadline = time.monotonic() + limit
    before = tree_cpu_seconds(root)
    while True:
        time.sleep(quiet)
        now = tree_cpu_seconds(root)
        if now - before < 0.005 * quiet:
            return now
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {root} does not come to rest")
        before = now


def tree_memory_kib(root):
    """Proportional set size: private memory, and the shared pages divided by those who share them."""
    total = 0
    for pid in process_tree(root):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def settled_memory_kib(root, quiet=0.5, limit=15.0):
    deadline = time.monotonic() + limit
    before = tree_memory_kib(root)
    while time.monotonic() < deadline:
        time.sleep(quiet)
        now = tree_memory_kib(root)
        if now == before:
            return now
        before = now
    return before


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Figures:
    """Named figures in the order in which they were first seen, each a list of runs."""

    def __init__(self):
        self.m_runs = {}

    def add(self, name, value):
        self.m_runs.setdefault(name, []).append(value)

    def add_ratio(self, name, over, under):
        """One run's ratio of two figures that were measured next to each other, so that a slow moment hits both."""
        if over in self.m_runs and under in self.m_runs:
            pairs = list(zip(self.m_runs[over], self.m_runs[under], strict=True))
            self.m_runs[name] = [a / b for a, b in pairs]

    def as_object(self):
        return {name: {"median": significant(statistics.median(runs)), "runs": [significant(run) for run in runs]}
                for name, runs in self.m_runs.items()}


def significant(value):
    return float(f"{value:.4g}")
