#!/usr/bin/env python3
"""The JUnit files of one test run: read, added up, and completed where a stage died without leaving one."""
import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr


@dataclass
class Case:
    suite: str
    name: str
    result: str  # passed | failed | skipped
    reason: str = ""
    rows: list = field(default_factory=list)


# A skip for want of these hides a check on a machine that has everything, so that it is no skip.
MISSING = re.compile(r"\bnot installed\b|SEKISHO_TEST_POSTGRESQL is not set")


def told(reason):
    """The reason in one line; GoogleTest begins with a line that only says where."""
    lines = [line.strip() for line in reason.splitlines() if line.strip()]
    where, text = (lines[0] + ": ", lines[1:]) if len(lines) > 1 and re.fullmatch(r"\S+\.(cpp|h):\d+", lines[0]) else ("", lines)
    return (where.rsplit("/", 1)[-1] + " ".join(text[:2]))[:200]


def cases_of(folder):
    """Every test case of every JUnit file (GoogleTest's, pytest's, ours) below `folder`."""
    for path in sorted(Path(folder).glob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError as error:
            yield Case(path.stem, "result file", "failed", f"unreadable: {error}")
            continue
        for case in root.iter("testcase"):
            result, reason = "passed", ""
            for child in case:
                if child.tag in ("failure", "error"):
                    result, reason = "failed", child.get("message") or (child.text or "")
                elif child.tag == "skipped" and result == "passed":
                    result, reason = "skipped", child.get("message") or ""
            if case.get("status") == "notrun":
                continue
            rows = [row.strip() for item in case.iter("property") if item.get("name") == "row" for row in item.get("value", "").split(",")]
            if result == "skipped" and MISSING.search(reason):
                result, reason = "failed", f"skipped, but ./dev deps installs what it wants: {told(reason)}"
            yield Case(path.stem, f"{case.get('classname', '')}.{case.get('name', '')}", result, reason, rows)


def write_case(path, suite, name, seconds, failure=None):
    body = f"<failure message={quoteattr(failure)}/>" if failure else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<testsuite name={quoteattr(suite)}><testcase classname={quoteattr(suite)} name={quoteattr(name)} '
                    f'time="{seconds}">{body}</testcase></testsuite>\n')


def stage(options):
    """A stage that failed although none of its results says so becomes a failure of its own."""
    if not options.name.startswith("build-"):
        told = any(case.result == "failed" and case.suite.startswith(options.name) for case in cases_of(options.results))
        if options.status == 0 or told:
            return 0
    failure = f"exit status {options.status}" if options.status else None
    write_case(options.results / f"stage-{options.name}.xml", "stage", options.name, options.seconds, failure)
    return 0


def total(options):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in cases_of(options.results):
        counts[case.result] += 1
        if case.result != "passed":
            print(f"{case.result}: {case.suite}: {case.name}: {told(case.reason)}")
    print(f"{counts['passed']} passed, {counts['failed']} failed" + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))
    return 1 if counts["failed"] or not counts["passed"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["stage", "total"])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--name", default="")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--status", type=int, default=0)
    options = parser.parse_args()
    return {"stage": stage, "total": total}[options.what](options)


if __name__ == "__main__":
    sys.exit(main())
