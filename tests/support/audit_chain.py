"""The chain of audit records and the signed ends of recordings, checked by hashlib and `cryptography` from what docs/RECORDING_FORMAT.md
says: a second opinion that shares nothing with the gateway."""
import base64
import hashlib
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TEXTS = ("kind", "session", "user", "source", "subject", "outcome", "reason", "recording")


def public_key(line):
    blob = base64.b64decode(line.split()[1])
    return Ed25519PublicKey.from_public_bytes(blob[-32:])


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">I", len(data)) + data


def record_hash(previous, record):
    return hashlib.sha256(previous + struct.pack(">QQ", record["sequence"], record["time_ms"]) +
                          b"".join(string(record[name]) for name in TEXTS)).digest()


def check_export(text, key):
    """The number of checkpoints in an export whose every hash and signature is right."""
    header, *records = [json.loads(line) for line in text.splitlines()]
    previous, checkpoints = bytes.fromhex(header["hash"]), 0
    if header["after"] == 0:
        assert previous == hashlib.sha256(b"sekisho audit 1").digest()
    for record in records:
        if record["kind"] == "audit.checkpoint" and record["outcome"] == "ok":
            said = dict(word.split("=", 1) for word in record["reason"].split(" "))
            assert bytes.fromhex(said["hash"]) == previous and int(record["subject"]) == record["sequence"] - 1
            before, before_hash = said["before"].split(":")
            message = string("sekisho audit checkpoint 1") + struct.pack(">Q", int(record["subject"])) + previous + \
                struct.pack(">Q", int(before)) + bytes.fromhex(before_hash) + struct.pack(">Q", int(said["time"]))
            key.verify(base64.b64decode(said["signature"]), message)  # raises what is wrong
            checkpoints += 1
        previous = record_hash(previous, record)
        assert previous.hex() == record["hash"], record
    return checkpoints


def blocks_of(data):
    """[(type, header, stored)] of a recording whose checksums are right."""
    last, offset, blocks = hashlib.sha256(data[:16]).digest(), 16, []
    while offset < len(data):
        header = data[offset:offset + 64]
        assert header[:4] == b"SKBL"
        stored = data[offset + 64:offset + 64 + int.from_bytes(header[16:20], "big")]
        last = hashlib.sha256(last + header[:32] + stored).digest()
        assert last == header[32:64]
        blocks.append((header[4], header, stored))
        offset += 64 + len(stored)
    return blocks


def check_signed_end(data, key):
    """How many recordings share the signature of this one, which is right."""
    blocks = blocks_of(data)
    assert [kind for kind, _, _ in blocks[-2:]] == [4, 5], "the end, and its signature behind it"
    signature = json.loads(blocks[-1][2][:-8])
    hashed, index, count = hashlib.sha256(b"\0" + blocks[-2][1][32:64]).digest(), signature["index"], signature["count"]
    path = [base64.b64decode(one) for one in signature["path"]]
    while count > 1:
        if index % 2 == 1 or index + 1 < count:
            pair = (path.pop(0), hashed) if index % 2 == 1 else (hashed, path.pop(0))
            hashed = hashlib.sha256(b"\1" + b"".join(pair)).digest()
        index, count = index // 2, (count + 1) // 2
    assert not path
    key.verify(base64.b64decode(signature["signature"]), string("sekisho recordings 1") + struct.pack(">I", signature["count"]) +
               hashed + struct.pack(">Q", signature["time_ms"]))
    return signature["count"]
