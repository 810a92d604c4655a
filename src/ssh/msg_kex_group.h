// The messages of Diffie-Hellman group exchange (RFC 4419 §3) that come before the shares: the sizes that the client asks for
// and the group that the server answers with. GEX_INIT and GEX_REPLY have the shape of msg_kex_ecdh under other numbers.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/diffie_hellman.h"

namespace sekisho::ssh {

inline constexpr std::string_view kGroupExchangeSha256 = "diffie-hellman-group-exchange-sha256";

struct KexGroupRequest {
    std::uint32_t least = 0, wanted = 0, most = 0;  // bits
};

Bytes encode(const KexGroupRequest& message);
/// Fails unless least ≤ wanted ≤ most.
Result<KexGroupRequest> decode_kex_group_request(BytesView payload);

Bytes encode_kex_group(const crypto::DiffieHellmanGroup& group);
Result<crypto::DiffieHellmanGroup> decode_kex_group(BytesView payload);

/// What stands between K_S and the shares in the exchange hash: the request's numbers, p and g.
Bytes kex_group_for_hash(const KexGroupRequest& request, const crypto::DiffieHellmanGroup& group);

}  // namespace sekisho::ssh
