#!/usr/bin/env python3
"""docs/INTEROP.md from what the last `./dev matrix` left in build/matrix: every row of the table is a connection that was made."""
import argparse
import json
import sys
from collections import Counter
from pathlib import Path

KINDS = ["kex", "host key", "cipher", "mac", "user key", "feature"]
SLOW = 10  # seconds; 8 MiB take about one

HEAD = """# Who Sekisho speaks with

Made by `./dev matrix`; do not edit. `./dev peers` fetches the peers that Debian 12 does not have. The short form of the same runs,
one transfer for each peer and role, is part of `make test`.

- **client**: the peer connects to the front hop. **target**: the gateway connects to the peer, for OpenSSH 9.2 as the user's
  client.
- The algorithms are those that both ends have: the gateway's by its list on the wire, the peer's by its own word, or by its list
  on the wire where it has no other. Each was forced by the peer's own options in a connection of its own, and what was
  negotiated was read from the wire.
- In every row of an algorithm 4 MiB went there and 4 MiB back through one command, and both SHA-256 were compared. The gateway
  asks for new keys after each MiB (`ssh.rekey_bytes = "1M"`); *rekeys* is how many the peer says it saw, — where it does not say.
  Where a peer can start a rekey, each key exchange was done a second time with the peer starting them at 600 KiB.
- MACs run with aes128-ctr: ciphers that authenticate by themselves have no MAC to agree on.
"""


def read(folder):
    rows, missing = [], []
    for path in sorted(folder.glob("*.json")):
        run = json.loads(path.read_text())
        rows += run["rows"]
        if run["missing"]:
            missing.append(run["missing"])
    return rows, missing


def short(result):
    """One line; of a long failure the end, where programs say what happened."""
    head, _, why = " ".join(result.split()).partition(": ")
    why = why.split(" | ")[-1].replace("|", "/")
    return f"{head}: {why if len(why) <= 140 else '…' + why[-139:]}" if why else head


def summary(rows):
    yield "| peer | version | role | rows | ok | not tried | peer's fault | failed |"
    yield "|---|---|---|---|---|---|---|---|"
    for peer, role in dict.fromkeys((row["peer"], row["role"]) for row in rows):
        mine = [row for row in rows if (row["peer"], row["role"]) == (peer, role)]
        version = next((row["version"] for row in mine if row["version"]), "")
        counts = Counter(row["result"].split(":")[0] for row in mine)
        yield (f"| {peer} | {version} | {role} | {len(mine)} | {counts['ok']} | {counts['not tried']} | {counts[FAULT]} | "
               f"{counts['failed']} |")


FAULT = "peer's fault"


def table(rows):
    yield "| kind | name | result | rekeys |"
    yield "|---|---|---|---|"
    for row in sorted(rows, key=lambda row: KINDS.index(row["kind"])):
        result = short(row["result"])
        if row["result"] == "ok" and row["seconds"] > SLOW:
            result += f" (in {row['seconds']:.0f} s)"
        yield f"| {row['kind']} | {row['name']} | {result} | {'—' if row['rekeys'] is None else row['rekeys']} |"


def document(rows, missing):
    lines = [HEAD]
    total = Counter(row["result"].split(":")[0] for row in rows)
    lines.append(f"{len(rows)} rows: {total['ok']} ok, {total['not tried']} not tried (the peer has no such option or feature), "
                 f"{total[FAULT]} the peer's fault, {total['failed']} failed.\n")
    lines += summary(rows)
    lines += [""] + [f"Not there in this run: {one}." for one in missing]
    for peer, role in dict.fromkeys((row["peer"], row["role"]) for row in rows):
        mine = [row for row in rows if (row["peer"], row["role"]) == (peer, role)]
        lines += ["", f"## {peer} as {role}", ""]
        lines += table(mine)
    return "\n".join(lines).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    rows, missing = read(options.results)
    if not rows:
        print("interop_table: no results; ./dev matrix makes them", file=sys.stderr)
        return 1
    order = ["OpenSSH 9.2", "OpenSSH 10.0", "PuTTY", "Dropbear", "TinySSH", "libssh", "libssh2", "Paramiko", "AsyncSSH", "node ssh2"]
    rows.sort(key=lambda row: (order.index(row["peer"]) if row["peer"] in order else len(order), row["role"]))
    options.output.write_text(document(rows, missing))
    failed = sum(row["result"].startswith("failed") for row in rows)
    print(f"{options.output}: {len(rows)} rows, {failed} failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
