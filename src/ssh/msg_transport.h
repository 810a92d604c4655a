// Generic transport messages: DISCONNECT, UNIMPLEMENTED, DEBUG, SERVICE_REQUEST/ACCEPT (RFC 4253 §10–11), EXT_INFO (RFC 8308),
// PING/PONG (OpenSSH PROTOCOL §1.8).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ssh/types.h"

namespace sekisho::ssh {

struct DisconnectMessage {
    std::uint32_t reason = 0;
    std::string text;
};

Bytes encode(const DisconnectMessage& message);
Result<DisconnectMessage> decode_disconnect(BytesView payload);

Bytes encode_unimplemented(std::uint32_t sequence);
Bytes encode_debug(std::string_view text);

Bytes encode_service_request(std::string_view service);
Bytes encode_service_accept(std::string_view service);
/// The service of either message.
Result<std::string> decode_service(BytesView payload);

/// What a peer said in EXT_INFO, as far as we use it.
struct ExtInfo {
    std::vector<std::string> signature_algorithms;
    bool hostbound = false;
    bool ping = false;
    bool in_auth = false;
};

/// The server's EXT_INFO: server-sig-algs, publickey-hostbound, ping.
Bytes encode_ext_info(const std::vector<std::string>& signature_algorithms);
/// The client's: ext-info-in-auth@openssh.com.
Bytes encode_client_ext_info();
/// The server's second one, during authentication: server-sig-algs for this user.
Bytes encode_user_ext_info(const std::vector<std::string>& signature_algorithms);
/// A later message overrides what it repeats; the rest stays as `known`.
Result<ExtInfo> decode_ext_info(BytesView payload, ExtInfo known = {});

/// PONG with the data of this PING.
Result<Bytes> answer_ping(BytesView payload);

}  // namespace sekisho::ssh
