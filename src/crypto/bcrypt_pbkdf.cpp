#include "crypto/bcrypt_pbkdf.h"

#include <array>
#include <string_view>

#include "base/assert.h"
#include "crypto/blowfish.h"
#include "crypto/hash.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kBlock = 32;
constexpr std::string_view kPlain = "OxychromaticBlowfishSwatDynamite";  // the format's constant
static_assert(kPlain.size() == kBlock);

using Block = std::array<std::byte, kBlock>;

/// A digest that is wiped: of the passphrase, or of what a block was made from.
Secret sha512(std::initializer_list<BytesView> parts) {
    Bytes digested = digest(HashKind::Sha512, parts);
    Secret out{BytesView(digested)};
    base::wipe(digested);
    return out;
}

/// bcrypt with a fixed cost of 2^6, and the constant of twice the length of password hashing's.
Block bcrypt(BytesView passphrase, BytesView salt) {
    BlowfishState state = blowfish_start();
    blowfish_expand(state, salt, passphrase);
    for (int i = 0; i < 64; ++i) {
        blowfish_expand(state, {}, salt);
        blowfish_expand(state, {}, passphrase);
    }
    std::array<std::uint32_t, kBlock / 4> words{};
    for (std::size_t i = 0; i < kBlock; ++i) {
        words[i / 4] = words[i / 4] << 8U | static_cast<unsigned char>(kPlain[i]);
    }
    for (int i = 0; i < 64; ++i) blowfish_encrypt(state, words);
    Block out;
    for (std::size_t i = 0; i < kBlock; ++i) out[i] = static_cast<std::byte>(words[i / 4] >> (8 * (i % 4)) & 255U);
    base::wipe(std::as_writable_bytes(std::span(words)));
    return out;
}

}  // namespace

Secret bcrypt_pbkdf(BytesView passphrase, BytesView salt, unsigned rounds, std::size_t size) {
    SEKISHO_ASSERT(!passphrase.empty() && !salt.empty() && rounds > 0 && size > 0 && size <= kBlock * kBlock);
    const std::size_t blocks = (size + kBlock - 1) / kBlock;
    const Secret digested = sha512({passphrase});
    Secret out(size);
    for (std::size_t block = 0; block < blocks; ++block) {
        const std::array number{std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(block + 1)};
        Block last = bcrypt(digested.bytes(), sha512({salt, number}).bytes());
        Block sum = last;
        for (unsigned round = 1; round < rounds; ++round) {
            last = bcrypt(digested.bytes(), sha512({last}).bytes());
            for (std::size_t i = 0; i < kBlock; ++i) sum[i] ^= last[i];
        }
        // Unlike PBKDF2, the key takes the blocks' bytes in turns, so that whoever wants part of it must compute all.
        for (std::size_t i = 0; i * blocks + block < size; ++i) out.bytes()[i * blocks + block] = sum[i];
        base::wipe(last);
        base::wipe(sum);
    }
    return out;
}

}  // namespace sekisho::crypto
