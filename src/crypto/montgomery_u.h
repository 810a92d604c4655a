// Inside of crypto only: from a point of Ed25519's curve to its u coordinate on Curve25519 (RFC 7748 §4.1, the birational map).
// libsodium has a table of multiples for Ed25519's base point and none for Curve25519's, which are the same point: a key pair's
// public value by way of the table costs half. Works without branches or lookups that depend on the value.
#pragma once

#include <array>
#include <cstdint>

namespace sekisho::crypto {

using Coordinate = std::array<unsigned char, 32>;

/// u = (1 + y) / (1 - y) modulo 2^255 - 19. `point` as RFC 8032 §5.1.2 writes it: y, and the sign of x, which does not matter here.
/// For y = 1, the neutral point, which has no u, 0.
Coordinate montgomery_u(const Coordinate& point);

}  // namespace sekisho::crypto
