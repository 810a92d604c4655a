#!/usr/bin/env python3
"""One typed byte every few milliseconds through a forward, and how long its echo takes: until a line comes on stdin, then the times.

  prober.py PORT COMMAND…     a stock ssh client with -W 127.0.0.1:PORT, where this program echoes

It and its client run before ordinary processes, so that the times are those of the way and not of a busy machine.
"""
import json
import os
import select
import socket
import subprocess
import sys
import time

EVERY = 0.005


def main():
    port, command = int(sys.argv[1]), sys.argv[2:]
    listener = socket.create_server(("127.0.0.1", port))
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(20))
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    far, _ = listener.accept()
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    to_client, from_client = client.stdin.fileno(), client.stdout.fileno()
    times = []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        begin = time.perf_counter_ns()
        os.write(to_client, b"k")
        if far.recv(1) != b"k":
            raise RuntimeError("the byte did not come through")
        there = time.perf_counter_ns()
        far.send(b"k")
        if os.read(from_client, 1) != b"k":
            raise RuntimeError("the echo did not come back")
        times.append(((there - begin) / 1e3, (time.perf_counter_ns() - there) / 1e3))
    client.stdin.close()
    far.close()
    client.wait(20)
    json.dump(times, sys.stdout)


if __name__ == "__main__":
    main()
