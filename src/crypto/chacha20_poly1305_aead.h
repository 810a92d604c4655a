// ChaCha20-Poly1305 as RFC 8439 has it (not OpenSSH's cipher of that name), by libsodium. Used by hpke, and by recording for what is
// sealed. A key must never see the same nonce twice: the caller counts. Pure; any thread.
#pragma once

#include <array>

#include "base/result.h"
#include "base/secret.h"

namespace sekisho::crypto::aead {

inline constexpr std::size_t kKey = 32;
inline constexpr std::size_t kTag = 16;
using Nonce = std::array<std::byte, 12>;

/// `out` is as long as `plain` and the tag; it may begin where `plain` does.
void seal(BytesView key, const Nonce& nonce, BytesView associated, BytesView plain, MutableBytes out);
/// `out` is shorter than `sealed` by the tag. False, and zeros in `out`, where anything was changed.
[[nodiscard]] bool open(BytesView key, const Nonce& nonce, BytesView associated, BytesView sealed, MutableBytes out);

}  // namespace sekisho::crypto::aead
