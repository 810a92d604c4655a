"""Compares what clients received with what the recordings replay."""
import hashlib
import re
import time

from processes import wait_until

AUDIT_KEY = r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_[a-z][-a-z0-9_.]*(?:\+\d+)?"


def finished_recordings(world, user, timeout=20):
    """The user's recordings once none of them is being written any more."""
    def settled():
        mine = [entry for entry in world.gateway.recordings() if entry["user"] == user.name]
        return mine if mine and all(entry["state"] != "live" for entry in mine) else None
    return wait_until(settled, f"recordings of {user.name}, finished", timeout)


def newest(world, user):
    return max(finished_recordings(world, user), key=lambda entry: (entry["started"], entry["audit_key"]))


def channel_outputs(world, audit_key):
    """{channel: (stdout, stderr)} as the recording replays them."""
    outputs = {}
    for number in [channel["channel"] for channel in world.gateway.channels(audit_key)]:
        outputs[number] = (world.gateway.play(audit_key, "--channel", number, "--stream", "stdout"),
                           world.gateway.play(audit_key, "--channel", number, "--stream", "stderr"))
    return outputs


def compare(world, user):
    """Every output that the user's clients got must be replayed byte by byte by a channel of a recording, and
    every recording must verify as intact. Returns (outputs compared, bytes compared)."""
    replayed = {}
    for entry in finished_recordings(world, user):
        world.gateway.command("recordings", "verify", entry["audit_key"]).ok()
        for channel, (out, err) in channel_outputs(world, entry["audit_key"]).items():
            replayed.setdefault(hashlib.sha256(out).digest(), []).append((entry["audit_key"], channel, len(out)))
            replayed.setdefault("parts", []).append(out)
    compared = total = 0
    for arguments, out in user.captured():
        if not out:
            continue
        places = replayed.get(hashlib.sha256(out).digest())
        if not places:
            raise AssertionError(f"no recording replays the {len(out)} bytes that `ssh {' '.join(arguments)[:120]}` received")
        compared, total = compared + 1, total + len(out)
    for shown in sorted(user.captures.glob("*.terminal")):
        # The terminal also shows what ssh itself says before and after the channel, and the gateway's notice.
        data = shown.read_bytes()
        inside = [part for part in replayed.get("parts", []) if len(part) > 200 and part in data]
        if not inside:
            raise AssertionError(f"no recording replays what the terminal showed ({len(data)} bytes)")
        compared, total = compared + 1, total + len(inside[0])
    return compared, total


def audit_key_in(text):
    found = re.search(r"AUDIT KEY: (" + AUDIT_KEY + ")", text)
    assert found, f"no audit key in what the user saw: {text[-500:]!r}"
    return found[1]


def now():
    return time.time()
