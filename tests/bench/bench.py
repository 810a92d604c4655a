#!/usr/bin/env python3
"""Measures the gateway next to OpenSSH and next to the floor, and prints each figure as a median with its runs.

  bench.py                      everything
  bench.py relay login          some parts only
  bench.py --json               one object of named figures: {"relay_floor_ratio": {"median": 1.2, "runs": [...]}, ...}
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

import bulk
import curve
import idle
import keystroke
import login
import policy
import recorded
import search
import storm
import two_hop
from measure import Figures
from peers import Bench

PARTS = {  # part: (what measures it, does it say anything without a gateway)
    "floor": (bulk.measure, True), "jump": (bulk.measure, True), "relay": (bulk.measure, False),
    "relay-openssl": (bulk.measure_openssl, False), "chacha": (bulk.measure_chacha, False),
    "pty": (two_hop.measure, False), "login": (login.measure, False), "idle": (idle.measure, False),
    "idle-jump": (idle.measure_jump, True), "keystroke": (keystroke.measure, False), "storm": (storm.measure, False),
    "curve": (curve.measure, False), "recorded": (recorded.measure, False), "policy": (policy.measure, True),
    "search": (search.measure, True),
}


class Context:
    """What a part gets: sizes, figures to fill, and the peers, which are started when first asked for."""

    def __init__(self, bench, options):
        quick = options.quick
        self.bench, self.figures = bench, Figures()
        self.floor_relay = options.floor or options.bin.parent / "tests/bench/floor_relay"
        self.policy_bench = options.bin.parent / "tests/bench/policy_bench"
        self.search_bench = options.bin.parent / "tests/bench/search_bench"
        self.search_sessions = 10_000 if quick else 100_000
        self.megabytes = options.megabytes or (100 if quick else 1000)
        self.terminal_megabytes = 20 if quick else 100
        self.logins = 20 if quick else 100
        self.idle_sessions = 40 if quick else 200
        self.keystrokes = 500 if quick else 2000
        self.curve = [10, 100, 1000] if quick else [10, 100, 1000, 8000]
        self.curve_rounds = 1 if quick else 3
        self.storm = 100 if quick else 1000
        self.busy = options.busy
        self.m_rounds = options.runs or (3 if quick else 5)
        self.m_peers = SimpleNamespace(target=None, gateway=None)
        self.without_gateway = not os.access(options.bin, os.X_OK)

    def rounds(self, part):
        for number in range(1, self.m_rounds + 1):
            say(f"{part}: run {number} of {self.m_rounds}")
            yield number

    def peers(self, gateway):
        """The target and, where asked for and where there is a binary, the gateway before it; started once."""
        if gateway and not self.without_gateway:
            if not self.m_peers.gateway:
                self.m_peers = self.fresh_peers()
        elif not self.m_peers.target:
            return SimpleNamespace(target=self.bench.start_sshd(), gateway=None)
        return SimpleNamespace(target=self.m_peers.target, gateway=self.m_peers.gateway if gateway else None)

    def fresh_peers(self):
        if self.without_gateway:
            return SimpleNamespace(target=None, gateway=None)
        target, gateway = self.bench.start_gateway()
        return SimpleNamespace(target=target, gateway=gateway)


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout instead of a table")
    parser.add_argument("--quick", action="store_true", help="small sizes and three runs: for developing, not for claims")
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/sekisho", help="the gateway's binary")
    parser.add_argument("--floor", type=Path, help="floor_relay; without it, tests/bench/floor_relay beside the binary")
    parser.add_argument("--runs", type=int, help="runs of each figure (5)")
    parser.add_argument("--megabytes", type=int, help="bytes of a bulk transfer (1000)")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="busy sessions beside the typed one (0)")
    options = parser.parse_args(arguments)
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"no part {part!r}; there are {', '.join(PARTS)}")
    return options


def run(context, parts):
    """Every chosen part; one that fails is reported and does not take the others with it. Gives the failed ones."""
    failed = []
    chosen = set(parts) | ({"floor", "jump"} if "relay" in parts else set())
    done = set()
    for part in parts:
        measure, speaks_alone = PARTS[part]
        if context.without_gateway and not speaks_alone:
            say(f"{part}: no gateway binary; only what stands beside it is measured")
            failed.append(part)
        if measure in done:
            continue
        done.add(measure)
        try:
            measure(context, chosen)
        except (AssertionError, RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
            say(f"{part}: {error}")
            failed.append(part)
    return failed


def print_table(figures):
    width = max((len(name) for name in figures), default=0)
    for name, figure in figures.items():
        print(f"{name:<{width}}  {figure['median']:>10g}   {'  '.join(f'{run:g}' for run in figure['runs'])}")


def main():
    options = parse(sys.argv[1:])
    with Bench(options.bin) as bench:
        context = Context(bench, options)
        failed = run(context, options.parts or list(PARTS))
    figures = context.figures.as_object()
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        print()
    else:
        print_table(figures)
    if failed:
        say(f"not measured: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
