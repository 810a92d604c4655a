#!/usr/bin/env python3
# Prints the tables of packet_cipher_test.cpp and packet_cipher_legacy_test.cpp: SHA-256 over three sealed packets for every
# cipher and MAC, computed with python's `cryptography` and hashlib from the text of the standards, not with our code.
# Keys: byte i of each key material is (i + base) & 255, base 0 for the key, 224 for the iv, 100 for the MAC key. The GCM iv
# counter starts at 2^64 - 2, so that it wraps. Sequence numbers 0xfffffffe, 0xffffffff, 0.
import hashlib
import hmac
import struct

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.poly1305 import Poly1305

SEQUENCES = [0xFFFFFFFE, 0xFFFFFFFF, 0]


def material(base, size):
    return bytes((i + base) & 255 for i in range(size))


def packets(outside):
    """Packets whose encrypted part is 16, 48 and 35008 bytes, `outside` bytes of the length field not among them."""
    for encrypted in (16, 48, 35008):
        total = encrypted + outside
        yield struct.pack(">IB", total - 4, 4) + bytes((i * 7 + 3) & 255 for i in range(total - 5))


def gcm(key_size):
    iv = material(224, 4) + b"\xff" * 7 + b"\xfe"
    out = b""
    for packet in packets(4):
        out += packet[:4] + AESGCM(material(0, key_size)).encrypt(iv, packet[4:], packet[:4])
        iv = iv[:4] + struct.pack(">Q", (int.from_bytes(iv[4:], "big") + 1) % 2**64)
    return out


def chacha():
    key = material(0, 64)

    def stream(k, counter, sequence, data):
        nonce = struct.pack("<Q", counter) + struct.pack(">Q", sequence)
        return Cipher(algorithms.ChaCha20(k, nonce), None).encryptor().update(data)

    out = b""
    for sequence, packet in zip(SEQUENCES, packets(4)):
        sealed = stream(key[32:], 0, sequence, packet[:4]) + stream(key[:32], 1, sequence, packet[4:])
        out += sealed + Poly1305.generate_tag(stream(key[:32], 0, sequence, bytes(32)), sealed)
    return out


def ctr(key_size, name, size, etm):
    encryptor = Cipher(algorithms.AES(material(0, key_size)), modes.CTR(material(224, 16))).encryptor()
    out = b""
    for sequence, packet in zip(SEQUENCES, packets(4 if etm else 0)):
        sealed = packet[:4] + encryptor.update(packet[4:]) if etm else encryptor.update(packet)
        covered = struct.pack(">I", sequence) + (sealed if etm else packet)
        out += sealed + hmac.new(material(100, size), covered, name).digest()
    return out


def cbc(algorithm, key_size, block, name, size, etm):
    encryptor = Cipher(algorithm(material(0, key_size)), modes.CBC(material(224, block))).encryptor()
    out = b""
    for sequence, packet in zip(SEQUENCES, packets(4 if etm else 0)):
        sealed = packet[:4] + encryptor.update(packet[4:]) if etm else encryptor.update(packet)
        covered = struct.pack(">I", sequence) + (sealed if etm else packet)
        out += sealed + hmac.new(material(100, size), covered, name).digest()
    return out


def row(cipher, mac, sealed):
    print(f'    {{"{cipher}", "{mac}",\n     "{hashlib.sha256(sealed).hexdigest()}"}},')


row("aes128-gcm@openssh.com", "", gcm(16))
row("aes256-gcm@openssh.com", "", gcm(32))
row("chacha20-poly1305@openssh.com", "", chacha())
for bits in (128, 192, 256):
    for hash_name, hash_size in (("256", 32), ("512", 64)):
        for suffix in ("", "-etm@openssh.com"):
            sealed = ctr(bits // 8, "sha" + hash_name, hash_size, suffix != "")
            row(f"aes{bits}-ctr", f"hmac-sha2-{hash_name}{suffix}", sealed)
for cipher, algorithm, key_size, block in (("aes128-cbc", algorithms.AES, 16, 16), ("aes192-cbc", algorithms.AES, 24, 16),
                                           ("aes256-cbc", algorithms.AES, 32, 16), ("3des-cbc", TripleDES, 24, 8)):
    for mac, name, size, etm in (("hmac-sha1", "sha1", 20, False), ("hmac-sha2-256-etm@openssh.com", "sha256", 32, True)):
        row(cipher, mac, cbc(algorithm, key_size, block, name, size, etm))
row("aes128-ctr", "hmac-sha1", ctr(16, "sha1", 20, False))
