// Public keys in the text forms that other programs export: OpenSSH's line, RFC 4716 ("SSH2 PUBLIC KEY"), and PEM (SPKI and
// PKCS#1). For what people paste or upload; the store keeps lines only.
#pragma once

#include <string>
#include <string_view>

#include "keys/public_key.h"

namespace sekisho::keys {

struct PublicText {
    PublicKey key;
    std::string comment;  // of the line, or of RFC 4716's header without its quotes; PEM has none
};

/// One key, of at most 64 KiB of text. White space around it and, for PEM and RFC 4716, other lines before it are skipped.
Result<PublicText> parse_public_text(std::string_view text);

/// RFC 4716, lines of at most 70 characters. A comment with a quote, a control character or over 1024 bytes is left out.
std::string rfc4716(const PublicKey& key, std::string_view comment = {});

}  // namespace sekisho::keys
