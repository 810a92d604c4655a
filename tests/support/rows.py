#!/usr/bin/env python3
"""Every row of the product with the tests that claim it and what they gave in the last run (`./dev rows`).

The results are the JUnit files that the last `./dev test` left; a test claims a row by its property "row".
"""
import argparse
import json
import signal
import sys
import tomllib
from pathlib import Path

from results import cases_of


def rows_of(results):
    with open(Path(__file__).with_name("rows.toml"), "rb") as file:
        titles = tomllib.load(file)["rows"]
    found = {row: [] for row in titles}
    for case in cases_of(results):
        for row in case.rows:
            if row not in found:
                raise SystemExit(f"rows: {case.name} claims row {row}, which rows.toml does not have")
            if case.result != "skipped":
                found[row].append({"row": row, "test": f"{case.suite}: {case.name}", "result": case.result})
    return titles, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    titles, found = rows_of(options.results)
    if options.json:
        flat = []
        for row, tests in found.items():
            flat += tests or [{"row": row, "test": "", "result": "missing"}]
        print(json.dumps(flat, indent=1, ensure_ascii=False))
        return 0
    for row, tests in found.items():
        failed = [test["test"] for test in tests if test["result"] != "passed"]
        state = "missing" if not tests else f"{len(failed)} of {len(tests)} failed" if failed else f"passed ({len(tests)})"
        print(f"{row:4} {titles[row]:60} {state}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
