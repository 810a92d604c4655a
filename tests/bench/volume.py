"""A file system for one run of the bench: ext4 as mke2fs makes it, in a sparse file. On one that the whole machine uses, what others
did a minute ago is part of the measurement: ext4 without a journal, for one, passes over every inode that was freed lately, each time
a file is made (a sixth of a login's CPU, as profiled beside a build).
"""
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = 8 << 30  # bytes, of which only those written take room


@contextlib.contextmanager
def folder_of_its_own():
    """An empty folder on a file system that nobody else uses; where none can be mounted, an ordinary one, and it says so."""
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-", ignore_cleanup_errors=True) as name:
        outside = Path(name)
        mounted, why = mount(outside)
        if not mounted:
            print(f"bench: no file system of its own ({why}): what others do on that of {outside} counts, too", file=sys.stderr, flush=True)
        try:
            yield mounted or outside
        finally:
            if mounted:
                subprocess.run(["umount", "--lazy", mounted], check=False)


def mount(outside):
    """(where, None) or (None, why not)"""
    if os.geteuid() != 0:
        return None, "only root may mount"
    image, inside = outside / "volume", outside / "v"
    inside.mkdir()
    with open(image, "wb") as file:
        file.truncate(SIZE)
    for command in (["mke2fs", "-q", "-F", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", image],
                    ["mount", "-o", "loop", image, inside]):
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        except FileNotFoundError:
            return None, f"there is no {command[0]}"
        if done.returncode != 0:
            return None, (done.stderr.strip().splitlines() or [f"{command[0]}: exit status {done.returncode}"])[-1]
    return inside, None
