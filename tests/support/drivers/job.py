"""What the drivers of client libraries share: the job is a JSON object in the first argument, the answer one on stdout.

A job: action (session, sftp, scp, forward), port, user, key, forced {kex, host key, cipher, mac}, out, err (files for what came),
session: command, stdin (file), pty [columns, rows], resize [columns, rows], agent, keepalive (seconds), rekey (bytes);
sftp, scp: put, there, get (paths); forward: destination [host, port], stdin. The answer: status, rekeys (null: not counted)."""
import json
import sys

READY = b"ready"
CHUNK = 32768


def job():
    return json.loads(sys.argv[1])


def answer(status, rekeys=None):
    print(json.dumps({"status": status, "rekeys": rekeys}))
    sys.stdout.flush()


def given(task):
    """What goes to the command's stdin."""
    if not task.get("stdin"):
        return b""
    with open(task["stdin"], "rb") as file:
        return file.read()
