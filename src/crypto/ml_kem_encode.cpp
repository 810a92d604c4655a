#include "crypto/ml_kem_encode.h"

#include "crypto/constant_time.h"

namespace sekisho::crypto::ml_kem {
namespace {

constexpr std::uint32_t number(std::byte b) { return std::to_integer<std::uint32_t>(b); }
constexpr std::byte low_byte(std::uint32_t x) { return static_cast<std::byte>(x & 0xffU); }
constexpr std::uint32_t coefficient(const Poly& f, std::size_t i) { return static_cast<std::uint32_t>(f.at[i]); }

}  // namespace

void encode_12(std::span<std::byte, kPolyBytes> out, const Poly& f) {
    for (std::size_t i = 0; i < kDegree / 2; ++i) {
        const std::uint32_t pair = coefficient(f, 2 * i) | coefficient(f, 2 * i + 1) << 12;
        out[3 * i] = low_byte(pair);
        out[3 * i + 1] = low_byte(pair >> 8);
        out[3 * i + 2] = low_byte(pair >> 16);
    }
}

void decode_12(Poly& f, std::span<const std::byte, kPolyBytes> bytes) {
    for (std::size_t i = 0; i < kDegree / 2; ++i) {
        const std::uint32_t pair = number(bytes[3 * i]) | number(bytes[3 * i + 1]) << 8 | number(bytes[3 * i + 2]) << 16;
        f.at[2 * i] = static_cast<std::int16_t>(pair & 0xfffU);
        f.at[2 * i + 1] = static_cast<std::int16_t>(pair >> 12);
    }
}

bool decode_12_checked(Poly& f, std::span<const std::byte, kPolyBytes> bytes) {
    decode_12(f, bytes);
    int too_big = 0;
    for (const std::int16_t x : f.at) too_big |= (kQ - 1 - x) >> 15;
    return too_big == 0;
}

void compress_10(std::span<std::byte, kCompressed10Bytes> out, const Poly& f) {
    for (std::size_t i = 0; i < kDegree / 4; ++i) {
        std::uint64_t four = 0;
        for (std::size_t j = 0; j < 4; ++j) four |= std::uint64_t{compress<10>(coefficient(f, 4 * i + j))} << (10 * j);
        for (std::size_t j = 0; j < 5; ++j) out[5 * i + j] = static_cast<std::byte>(four >> (8 * j) & 0xffU);
    }
}

void decompress_10(Poly& f, std::span<const std::byte, kCompressed10Bytes> bytes) {
    for (std::size_t i = 0; i < kDegree / 4; ++i) {
        std::uint64_t four = 0;
        for (std::size_t j = 0; j < 5; ++j) four |= std::uint64_t{number(bytes[5 * i + j])} << (8 * j);
        for (std::size_t j = 0; j < 4; ++j) {
            f.at[4 * i + j] = decompress<10>(static_cast<std::uint32_t>(four >> (10 * j)) & 0x3ffU);
        }
    }
}

void compress_4(std::span<std::byte, kCompressed4Bytes> out, const Poly& f) {
    for (std::size_t i = 0; i < kDegree / 2; ++i) {
        out[i] = low_byte(compress<4>(coefficient(f, 2 * i)) | compress<4>(coefficient(f, 2 * i + 1)) << 4);
    }
}

void decompress_4(Poly& f, std::span<const std::byte, kCompressed4Bytes> bytes) {
    for (std::size_t i = 0; i < kDegree / 2; ++i) {
        f.at[2 * i] = decompress<4>(number(bytes[i]) & 0xfU);
        f.at[2 * i + 1] = decompress<4>(number(bytes[i]) >> 4);
    }
}

void compress_1(std::span<std::byte, kMessageBytes> out, const Poly& f) {
    for (std::size_t i = 0; i < kMessageBytes; ++i) {
        std::uint32_t byte = 0;
        for (std::size_t j = 0; j < 8; ++j) byte |= compress<1>(coefficient(f, 8 * i + j)) << j;
        out[i] = low_byte(byte);
    }
}

void decompress_1(Poly& f, std::span<const std::byte, kMessageBytes> bytes) {
    constexpr std::uint32_t kOne = static_cast<std::uint32_t>(decompress<1>(1));
    for (std::size_t i = 0; i < kDegree; ++i) {
        // A product with one secret bit is what compilers like to make a branch of; a mask behind a barrier is not.
        const std::uint32_t mask = value_barrier(0U - (number(bytes[i / 8]) >> (i % 8) & 1U));
        f.at[i] = static_cast<std::int16_t>(mask & kOne);
    }
}

}  // namespace sekisho::crypto::ml_kem
