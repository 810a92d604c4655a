"""Opens what the gateway seals, with an auditor's private key: recordings and `ssh-log` exports. Written from
docs/RECORDING_FORMAT.md and RFC 9180 alone, with Python's `cryptography` as primitives, so that it shares nothing with the gateway
but the documents.
"""
import base64
import hashlib
import hmac
import itertools
import json
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"


def extract(suite, salt, label, text):
    return hmac.digest(salt, b"HPKE-v1" + suite + label + text, "sha256")


def expand(suite, secret, label, info, size):
    return hmac.digest(secret, struct.pack(">H", size) + b"HPKE-v1" + suite + label + info + b"\x01", "sha256")[:size]


def public_half(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def hpke_opener(secret, encapsulated, info=b""):
    """A function that opens the messages of an HPKE context in base mode, one after the other."""
    exchanged = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(encapsulated))
    shared = expand(KEM, extract(KEM, b"", b"eae_prk", exchanged), b"shared_secret", encapsulated + public_half(secret), 32)
    context = b"\x00" + extract(SUITE, b"", b"psk_id_hash", b"") + extract(SUITE, b"", b"info_hash", info)
    schedule = extract(SUITE, shared, b"secret", b"")
    key, nonce = expand(SUITE, schedule, b"key", context, 32), expand(SUITE, schedule, b"base_nonce", context, 12)
    numbers = itertools.count()

    def opened(sealed, associated=b""):
        number = (int.from_bytes(nonce, "big") ^ next(numbers)).to_bytes(12, "big")
        return ChaCha20Poly1305(key).decrypt(number, sealed, associated)
    return opened


def open_recording(data, private_key):
    """(facts, [(codec, what was packed)] of each block of events)"""
    secret = base64.b64decode(private_key, validate=True)
    assert data[:8] == b"\x89SKR\r\n\x1a\n" and data[8:10] == b"\x00\x01"
    offset, before, facts, key, blocks = 16, hashlib.sha256(data[:16]).digest(), None, None, []
    while offset < len(data):
        header = data[offset:offset + 64]
        magic, kind, codec, flags, number, _, stored = struct.unpack(">4sBBHIII", header[:20])
        assert magic == b"SKBL", offset
        body = data[offset + 64:offset + 64 + stored]
        before = hashlib.sha256(before + header[:32] + body).digest()
        assert before == header[32:], f"block {number}: the chain is broken"
        offset += 64 + stored
        if kind == 1:
            facts = json.loads(body)
            mine = next(one for one in facts["seal"] if base64.b64decode(one["to"]) == public_half(secret))
            opener = hpke_opener(secret, base64.b64decode(mine["encapsulated"]), b"sekisho recording 1")
            key = opener(base64.b64decode(mine["key"]), facts["audit_key"].encode())
        elif kind == 2:
            assert flags == 1, f"block {number} is not sealed"
            blocks.append((codec, ChaCha20Poly1305(key).decrypt(struct.pack(">QI", 0, number), body, header[:32])))
    return facts, blocks


def frames(data):
    """The pieces of u32 length and as many bytes; fails where one is cut short."""
    while data:
        (size,) = struct.unpack(">I", data[:4])
        assert len(data) >= 4 + size, "cut short"
        yield data[4:4 + size]
        data = data[4 + size:]


def open_ssh_log(data, private_key):
    """(metadata, [(source, code, microseconds, data)], [plain size of each block]) of an `ssh-log` export."""
    pieces = frames(data)
    metadata = json.loads(base64.b64decode(next(pieces), validate=True))
    opener = hpke_opener(base64.b64decode(private_key, validate=True), bytes.fromhex(metadata["encapsulated_key"]))
    packets, sizes = [], []
    for piece in pieces:
        block = opener(piece)
        sizes.append(len(block))
        for packet in frames(block):  # the published reader wants whole packets in a block
            assert len(packet) >= 13
            packets.append((packet[0], *struct.unpack(">IQ", packet[1:13]), packet[13:]))
    return metadata, packets, sizes
