"""What a search costs among 100,000 sessions and 1,000,000 commands, on SQLite and on PostgreSQL: the slowest kind of question's median,
and the slowest run of all. The store is filled once; a table of all kinds goes to stderr."""
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import postgresql


def ask(context, name, url, settle):
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:  # a gateway on PostgreSQL keeps its id in a file
        asked_in(context, name, url, settle, folder)


def asked_in(context, name, url, settle, folder):
    begin = time.monotonic()
    subprocess.run([context.search_bench.resolve(), "fill", url, str(context.search_sessions)], check=True, cwd=folder)
    took = time.monotonic() - begin
    settle()
    print(f"bench: search: {name}: filled in {took:.0f} s", file=sys.stderr)
    asked = subprocess.run([context.search_bench.resolve(), "ask", url, str(context.search_sessions), "5"], check=True,
                           capture_output=True, text=True, cwd=folder)
    kinds = json.loads(asked.stdout)
    for kind in kinds:
        print(f"bench: search: {name}: {kind['name']:30} median {statistics.median(kind['ms']):8.2f} ms, worst {max(kind['ms']):8.2f} ms, "
              f"{kind['hits']} hits", file=sys.stderr)
    context.figures.add(f"search_{name}_ms", max(statistics.median(kind["ms"]) for kind in kinds))
    context.figures.add(f"search_{name}_worst_ms", max(max(kind["ms"]) for kind in kinds))
    context.figures.add(f"search_{name}_fill_us_a_command", took / context.search_sessions / 10 * 1e6)


def measure(context, _):
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:
        ask(context, "sqlite", f"sqlite:{Path(folder) / 'search.db'}", lambda: None)
    if postgresql.programs() is None:
        print("bench: search: postgresql-15 is not installed; ./dev deps installs it", file=sys.stderr)
        return
    server = postgresql.PostgreSql()
    try:
        server.start()
        server.database("search")
        # What autovacuum does by itself within minutes.
        ask(context, "postgresql", server.admin_url().replace("/postgres?", "/search?"), lambda: server.sql("VACUUM ANALYZE", "search"))
    finally:
        server.remove()
