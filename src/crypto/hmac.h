// HMAC-SHA256 (RFC 2104) of one message, for who signs requests (s3). The packet MACs keep a context of their own.
#pragma once

#include <array>

#include "base/bytes.h"

namespace sekisho::crypto {

std::array<std::byte, 32> hmac_sha256(BytesView key, BytesView message);

}  // namespace sekisho::crypto
