#!/usr/bin/env python3
"""Makes the expected values of diffie_hellman_test.cpp: primes from the formulas of RFC 2409 and RFC 3526 (digits of pi),
public values and secrets by the `cryptography` package. For each group: the SHA-256 of the mpint contents of g^x, and of the
secret with the peer's value g^y, for x = 80 01 02 … 3f and y = 81 03 05 … (64 bytes each)."""
import hashlib

from cryptography.hazmat.primitives.asymmetric import dh

GROUPS = {1024: 129093, 2048: 124476, 3072: 1690314, 4096: 240904, 6144: 929484, 8192: 4743158}


def scaled_pi(bits):
    """floor(2^bits * pi), by Machin's formula."""
    guard = 64
    one = 1 << (bits + guard)

    def arctan_of_inverse(n):
        total, term, k, sign = 0, one // n, 1, 1
        while term:
            total += sign * (term // k)
            term //= n * n
            k += 2
            sign = -sign
        return total

    return (16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)) >> guard


def prime(bits):
    return 2**bits - 2 ** (bits - 64) - 1 + 2**64 * (scaled_pi(bits - 130) + GROUPS[bits])


def mpint(number):
    return number.to_bytes(number.bit_length() // 8 + 1, "big") if number.bit_length() % 8 == 0 else number.to_bytes(
        (number.bit_length() + 7) // 8, "big")


x = int.from_bytes(bytes([0x80] + list(range(1, 64))), "big")
y = int.from_bytes(bytes([0x81] + [(2 * i + 1) & 255 for i in range(1, 64)]), "big")
for bits in GROUPS:
    p = prime(bits)
    numbers = dh.DHParameterNumbers(p, 2)
    mine = pow(2, x, p)
    theirs = dh.DHPublicNumbers(pow(2, y, p), numbers)
    try:
        private = dh.DHPrivateNumbers(x, dh.DHPublicNumbers(mine, numbers)).private_key()
        secret = int.from_bytes(private.exchange(theirs.public_key()), "big")
    except ValueError:  # OpenSSL refuses the group of 1024 bits in some builds
        secret = pow(theirs.y, x, p)
    assert secret == pow(theirs.y, x, p)
    print(bits, hashlib.sha256(mpint(p)).hexdigest())
    print("   ", hashlib.sha256(mpint(mine)).hexdigest())
    print("   ", hashlib.sha256(mpint(secret)).hexdigest())
