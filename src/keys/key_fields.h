// Inside of keys only: what differs between the kinds of key on the wire. A certificate carries the same fields as the plain
// blob, only under another name, so both are parsed here.
#pragma once

#include <optional>
#include <string>

#include "crypto/pem.h"
#include "crypto/signature.h"
#include "keys/public_key.h"
#include "wire/reader.h"

namespace sekisho::keys {

std::optional<KeyKind> kind_by_blob_name(std::string_view name);

/// The SSH kind of a key from a PEM file.
KeyKind kind_of(crypto::PemKind kind);

/// Of an ECDSA kind: the curve, and its name inside blobs ("nistp256", RFC 5656 §6.1).
crypto::Curve curve(KeyKind kind);
std::string_view curve_name(KeyKind kind);

struct KeyFields {
    crypto::VerifyKey verifier;
    std::string application;  // of security keys
};

/// Reads the fields behind the name (or behind a certificate's nonce) and checks the numbers in them. Bytes behind the fields
/// stay in `reader`.
Result<KeyFields> read_key_fields(KeyKind kind, wire::Reader& reader);

/// The bytes of a blob behind its name.
BytesView fields_of(const PublicKey& key);

/// Cuts the next word off the front of `line`; empty at the end. Words are parted by blanks and tabs.
std::string_view next_word(std::string_view& line);

}  // namespace sekisho::keys
