#!/usr/bin/python3
"""`ssh` as scp, rsync, git and Ansible call it, keeping a copy of what it wrote: the bytes a recording must replay.

SEKISHO_SSH_CONFIG names the client's configuration, SEKISHO_CAPTURES the folder for the copies.
"""
import os
import select
import signal
import subprocess
import sys
import threading
import time

captures = os.environ["SEKISHO_CAPTURES"]
name = os.path.join(captures, f"{time.time_ns()}-{os.getpid()}")
child = subprocess.Popen(["ssh", "-F", os.environ["SEKISHO_SSH_CONFIG"], *sys.argv[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, frame: child.send_signal(number))


def copy(source, descriptor, path):
    with open(path, "wb") as kept:
        while data := source.read1(1 << 16):
            kept.write(data)
            kept.flush()
            while data:
                try:
                    data = data[os.write(descriptor, data):]
                except BlockingIOError:  # scp makes its end of a socket pair non-blocking, and so ours
                    select.select([], [descriptor], [])
                except BrokenPipeError:
                    child.terminate()
                    return


with open(name + ".args", "w", encoding="utf-8") as arguments:
    arguments.write("\n".join(sys.argv[1:]) + "\n")
threads = [threading.Thread(target=copy, args=(child.stdout, 1, name + ".out")),
           threading.Thread(target=copy, args=(child.stderr, 2, name + ".err"), daemon=True)]
for thread in threads:
    thread.start()
status = child.wait()
threads[0].join()
# A control master that stays behind may keep stderr open; what was written until now is there.
threads[1].join(timeout=2)
os._exit(status if status >= 0 else 128 - status)
