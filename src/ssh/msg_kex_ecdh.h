// SSH_MSG_KEX_ECDH_INIT and _REPLY (RFC 5656 §4; RFC 8731, the hybrids, Diffie-Hellman and, under numbers of its own, group
// exchange use the same shape), and the exchange hash.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "ssh/message_numbers.h"

namespace sekisho::ssh {

struct KexEcdhReply {
    BytesView host_key;   // K_S, public key or certificate blob
    BytesView share;      // Q_S or S_REPLY
    BytesView signature;  // over the exchange hash
};

Bytes encode_kex_ecdh_init(BytesView share, Message number = Message::KexEcdhInit);
Result<BytesView> decode_kex_ecdh_init(BytesView payload);
Bytes encode(const KexEcdhReply& message, Message number = Message::KexEcdhReply);
Result<KexEcdhReply> decode_kex_ecdh_reply(BytesView payload);

/// The inputs of the exchange hash H (RFC 5656 §4), in its order.
struct ExchangeHashInput {
    std::string_view client_line, server_line;  // V_C, V_S
    BytesView client_init, server_init;         // I_C, I_S
    BytesView host_key;                         // K_S
    BytesView group;                            // group exchange only: min, n, max, p, g (RFC 4419 §3)
    BytesView client_share, server_share;
    BytesView secret;  // K as it is encoded: mpint or string, with its length
};

Bytes exchange_hash(crypto::HashKind hash, const ExchangeHashInput& input);

/// K as it enters hashes: mpint, or string for the post-quantum hybrids.
Secret encode_shared_secret(const Secret& shared, bool as_string);

/// RFC 4253 §7.2: `size` bytes of the key with letter 'A'…'F'.
Secret derive_key(crypto::HashKind hash, const Secret& encoded_secret, BytesView exchange_hash, char letter, BytesView session_id,
                  std::size_t size);

}  // namespace sekisho::ssh
