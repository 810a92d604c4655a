// SSH_MSG_KEXINIT (RFC 4253 §7.1): what one side offers; and the agreement of two of them.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/random.h"
#include "ssh/config.h"

namespace sekisho::ssh {

struct KexInit {
    using Names = std::vector<std::string_view>;  // of the payload that was decoded, or of the policy that is offered
    Names kex;
    Names host_keys;
    Names ciphers_to_server, ciphers_to_client;
    Names macs_to_server, macs_to_client;
    Names compression_to_server, compression_to_client;
    bool first_packet_follows = false;

    bool offers(std::string_view kex_name) const;
};

/// What both sides agreed on, by the client's preference.
struct Agreement {
    std::string kex, host_key;
    std::string cipher_to_server, cipher_to_client;
    std::string mac_to_server, mac_to_client;  // empty for AEAD ciphers
    std::string compression_to_server, compression_to_client;
    bool guess_was_wrong = false;              // the packet that first_packet_follows announces must be dropped
};

inline constexpr std::string_view kExtInfoClient = "ext-info-c";
inline constexpr std::string_view kExtInfoServer = "ext-info-s";
inline constexpr std::string_view kStrictClient = "kex-strict-c-v00@openssh.com";
inline constexpr std::string_view kStrictServer = "kex-strict-s-v00@openssh.com";

/// Payload with message number and a fresh cookie.
Bytes encode(const KexInit& message, crypto::Random& random);
/// `payload` with its message number.
Result<KexInit> decode_kexinit(BytesView payload);

/// `theirs` is the peer's message: packet-follows concerns the peer's guess. Fails naming the kind without a common name.
Result<Agreement> agree(const KexInit& client, const KexInit& server, const KexInit& theirs);

}  // namespace sekisho::ssh
