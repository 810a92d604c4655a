// The seal of a recording: its events are encrypted with a key of its own, and that key is sealed by HPKE to the public key of each
// auditor, in the facts. The gateway forgets the key with the session, so it can write what it cannot read (docs/RECORDING_FORMAT.md,
// "Seal"). Written by Hub and BlockFile, opened by Reader. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "crypto/hpke.h"
#include "recording/format.h"

namespace sekisho::recording {

/// An auditor's public key.
using AuditorKey = crypto::hpke::PublicKey;

inline constexpr std::size_t kAuditorsMost = 16;

/// From standard base64 of 32 bytes, as `sekisho keygen` writes it; white space around it is left out. Fails on a key that nothing can be
/// sealed to.
Result<AuditorKey> parse_auditor_key(std::string_view text);
/// The private half, from the same form. The error repeats nothing of the text.
Result<crypto::X25519Pair> parse_auditor_secret(std::string_view text);
std::string text_of(const AuditorKey& key);

/// A recording's key as one auditor can open it.
struct SealedKey {
    AuditorKey to{};
    crypto::hpke::Encapsulated encapsulated{};
    Bytes sealed;  // 48 bytes
};

/// A new key, and that key sealed to each of `to`.
struct NewSeal {
    Secret key;
    std::vector<SealedKey> sealed;
};
Result<NewSeal> make_seal(std::span<const AuditorKey> to, std::string_view audit_key, crypto::Random& random);
/// The recording's key. Fails where it was sealed to others, or to another recording.
Result<Secret> open_seal(std::span<const SealedKey> sealed, const crypto::X25519Pair& auditor, std::string_view audit_key);

/// In place: `room` holds `size` bytes and has room for the tag behind them. `header`: the first half of the block's header, which the
/// seal covers. Returns the sealed size.
std::size_t seal_block(const Secret& key, std::uint32_t number, BytesView header, MutableBytes room, std::size_t size);
/// `out` is shorter than `stored` by the tag.
bool open_block(const Secret& key, std::uint32_t number, BytesView header, BytesView stored, MutableBytes out);

}  // namespace sekisho::recording
