"""Opens a sealed recording with an auditor's private key: written from docs/RECORDING_FORMAT.md and RFC 9180 alone, with Python's
`cryptography` as primitives, so that it shares nothing with the gateway but the documents.
"""
import base64
import hashlib
import hmac
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


def hpke_open(secret, encapsulated, info, associated, sealed):
    """The first message of an HPKE context in base mode."""
    exchanged = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(encapsulated))
    shared = expand(KEM, extract(KEM, b"", b"eae_prk", exchanged), b"shared_secret", encapsulated + public_half(secret), 32)
    context = b"\x00" + extract(SUITE, b"", b"psk_id_hash", b"") + extract(SUITE, b"", b"info_hash", info)
    schedule = extract(SUITE, shared, b"secret", b"")
    key, nonce = expand(SUITE, schedule, b"key", context, 32), expand(SUITE, schedule, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, sealed, associated)


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
            key = hpke_open(secret, base64.b64decode(mine["encapsulated"]), b"sekisho recording 1", facts["audit_key"].encode(),
                            base64.b64decode(mine["key"]))
        elif kind == 2:
            assert flags == 1, f"block {number} is not sealed"
            blocks.append((codec, ChaCha20Poly1305(key).decrypt(struct.pack(">QI", 0, number), body, header[:32])))
    return facts, blocks
