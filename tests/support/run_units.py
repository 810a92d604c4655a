#!/usr/bin/env python3
"""Runs the GoogleTest programs of one build, or replays the fuzz corpora through it, and leaves JUnit files."""
import argparse
import contextlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import postgresql
from results import cases_of, write_case

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 600


@contextlib.contextmanager
def servers(folders):
    """What the tests of some folders need beside them, as variables of their environment."""
    server = None
    try:
        if "store" in folders:
            if postgresql.programs() is None:
                print("store: postgresql-15 is not installed, so only SQLite is tested; ./dev deps installs it")
            else:
                server = postgresql.PostgreSql()
                server.start()
                os.environ["SEKISHO_TEST_POSTGRESQL"] = server.admin_url()
        yield
    finally:
        if server is not None:
            server.remove()


def run(command, path, suite, own_results):
    """Runs one program; when it leaves no sound result file of its own, writes one that says how it ended."""
    begin = time.monotonic()
    path.unlink(missing_ok=True)
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
        status, output = done.returncode, done.stdout.decode(errors="replace")
    except FileNotFoundError as error:
        status, output = 127, f"{error}"
    except subprocess.TimeoutExpired as error:
        status, output = -1, (error.stdout or b"").decode(errors="replace") + f"\nended after {TIMEOUT} s"
    seconds = time.monotonic() - begin
    told = own_results and path.exists() and (status == 0) == all(case.result != "failed" for case in cases_in(path))
    if not told:
        tail = "\n".join(output.splitlines()[-30:])
        write_case(path, suite, command[0].rsplit("/", 1)[-1], f"{seconds:.3f}", f"exit status {status}\n{tail}" if status else None)
    if status != 0:
        print(output)
    print(f"{suite}: {'passed' if status == 0 else 'FAILED'} in {seconds:.1f} s")
    return status == 0


def cases_in(path):
    return [case for case in cases_of(path.parent) if case.suite == path.stem]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--fuzz", action="store_true")
    parser.add_argument("folders", nargs="*")
    options = parser.parse_args()
    options.results = (ROOT / options.results).resolve()
    options.results.mkdir(parents=True, exist_ok=True)
    work = []
    if options.fuzz:
        for source in sorted((ROOT / "tests/fuzz").glob("*.cpp")):
            if source.stem == "replay_main":
                continue
            name = f"fuzz-corpus-{options.name}-{source.stem}"
            corpus = f"tests/fuzz/corpus/{source.stem}"
            work.append(([str(ROOT / options.build / f"tests/fuzz_{source.stem}"), corpus], options.results / f"{name}.xml", name, False))
    else:
        for folder in sorted(path.name for path in (ROOT / "tests/unit").iterdir() if any(path.glob("*.cpp"))):
            if options.folders and folder not in options.folders:
                continue
            name = f"unit-{options.name}-{folder}"
            path = options.results / f"{name}.xml"
            program = str(ROOT / options.build / f"tests/unit_{folder}")
            work.append(([program, "--gtest_brief=1", f"--gtest_output=xml:{path}"], path, name, True))
    if not work:
        print("nothing to run")
        return 1
    names = [] if options.fuzz else [Path(item[0][0]).name.removeprefix("unit_") for item in work]
    with servers(names), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        passed = list(pool.map(lambda item: run(*item), work))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
