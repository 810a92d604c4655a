// Inside of crypto only: polynomials of ML-KEM-768 as bytes (FIPS 203 §4.2.1): ByteEncode and ByteDecode for 12, 10, 4 and 1
// bits, with Compress and Decompress where the standard pairs them. Divisions by q are multiplications: the numbers are secret.
#pragma once

#include "base/bytes.h"
#include "crypto/ml_kem_ntt.h"

namespace sekisho::crypto::ml_kem {

inline constexpr std::size_t kPolyBytes = 384;  // 12 bits a coefficient
inline constexpr std::size_t kCompressed10Bytes = 320;
inline constexpr std::size_t kCompressed4Bytes = 128;
inline constexpr std::size_t kMessageBytes = 32;

/// Takes coefficients of 0 … q - 1.
void encode_12(std::span<std::byte, kPolyBytes> out, const Poly& f);
/// Gives coefficients of 0 … 4095; false when one of them is not below q (FIPS 203 §7.2, the modulus check). For public keys:
/// the answer tells something about them.
bool decode_12_checked(Poly& f, std::span<const std::byte, kPolyBytes> bytes);
/// Gives coefficients of 0 … q - 1, if they were encoded by encode_12().
void decode_12(Poly& f, std::span<const std::byte, kPolyBytes> bytes);

/// Compress and encode; takes coefficients of 0 … q - 1.
void compress_10(std::span<std::byte, kCompressed10Bytes> out, const Poly& f);
void compress_4(std::span<std::byte, kCompressed4Bytes> out, const Poly& f);
void compress_1(std::span<std::byte, kMessageBytes> out, const Poly& f);

/// Decode and decompress; gives coefficients of 0 … q.
void decompress_10(Poly& f, std::span<const std::byte, kCompressed10Bytes> bytes);
void decompress_4(Poly& f, std::span<const std::byte, kCompressed4Bytes> bytes);
void decompress_1(Poly& f, std::span<const std::byte, kMessageBytes> bytes);

/// FIPS 203 equation 4.7: round(2^bits x / q) mod 2^bits for x of 0 … q - 1 and up to 10 bits. The quotient is exact: with
/// n < 2^22 the error of n ceil(2^36 / q) / 2^36 stays below 1 / q.
template <unsigned Bits>
constexpr std::uint32_t compress(std::uint32_t x) {
    static_assert(Bits <= 10);
    constexpr std::uint64_t kReciprocal = ((std::uint64_t{1} << 36) + kQ - 1) / kQ;
    const std::uint64_t n = (x << Bits) + kQ / 2;
    return static_cast<std::uint32_t>(n * kReciprocal >> 36) & ((1U << Bits) - 1);
}

/// FIPS 203 equation 4.8: round(q y / 2^bits).
template <unsigned Bits>
constexpr std::int16_t decompress(std::uint32_t y) {
    return static_cast<std::int16_t>((y * static_cast<std::uint32_t>(kQ) + (1U << (Bits - 1))) >> Bits);
}

}  // namespace sekisho::crypto::ml_kem
