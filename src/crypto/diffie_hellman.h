// Diffie-Hellman over the integers modulo a safe prime (RFC 4253 §8, RFC 8268; groups of RFC 3526 and, for old targets only,
// of RFC 2409), in the shape of key_agreement.h: values are the contents of an mpint, which is how SSH hashes and sends them.
// The fixed groups are found by name through key_agreement(); group exchange (RFC 4419) asks here. Thread-safe.
#pragma once

#include <memory>

#include "crypto/key_agreement.h"

namespace sekisho::crypto {

/// A group as group exchange carries it: magnitudes, big endian without leading zeros.
struct DiffieHellmanGroup {
    Bytes prime;
    Bytes generator;
};

/// One of our groups that a server hands out in group exchange with SHA-256.
struct KnownGroup {
    unsigned bits;
    const DiffieHellmanGroup& group;
    const KeyAgreement& method;
};

/// The smallest group of RFC 3526 that has `wanted` bits or more, else the largest, in both cases within least…most and of at
/// least 2048 bits. Fails when there is none.
Result<KnownGroup> choose_known_group(std::uint32_t least, std::uint32_t wanted, std::uint32_t most);
/// A group of RFC 3526 of 2048 bits or more.
bool is_known_group(const DiffieHellmanGroup& group);

/// For a group that a server chose: its size within least…most bits, an odd prime number as far as that is seen without work,
/// 1 < generator < prime-1. Whether it is a safe prime is not looked at (is_safe_prime).
Result<std::unique_ptr<KeyAgreement>> diffie_hellman_sha256(const DiffieHellmanGroup& group, std::size_t least, std::size_t most);

/// Whether prime and (prime-1)/2 are prime; wrong with a probability below 2^-128 whoever chose the number. From a tenth of a second
/// (2048 bits) to more than ten (8192 bits), unless it was asked about the same one before: never on a loop. Any thread.
bool is_safe_prime(BytesView prime);

}  // namespace sekisho::crypto
