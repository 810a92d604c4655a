// The messages of the authentication protocol (RFC 4252 §5–9; host-bound public keys: OpenSSH PROTOCOL §3.1). Those of
// keyboard-interactive are in msg_userauth_interactive.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace sekisho::ssh {

inline constexpr std::string_view kUserauthService = "ssh-userauth";
inline constexpr std::string_view kConnectionService = "ssh-connection";
inline constexpr std::string_view kPublicKeyMethod = "publickey";
inline constexpr std::string_view kHostBasedMethod = "hostbased";
inline constexpr std::string_view kInteractiveMethod = "keyboard-interactive";
inline constexpr std::string_view kPasswordMethod = "password";
inline constexpr std::string_view kHostboundMethod = "publickey-hostbound-v00@openssh.com";

struct UserauthRequest {
    std::string user;
    std::string service;
    std::string method;
    BytesView method_data;  // the method-specific part, raw
};
Result<UserauthRequest> decode_userauth_request(BytesView payload);
/// The "none" request.
Bytes encode_userauth_none(std::string_view user);

struct PublicKeyPart {
    bool has_signature = false;
    std::string algorithm;
    BytesView key_blob;
    BytesView host_key;   // host-bound only
    BytesView signature;  // with has_signature
};
Result<PublicKeyPart> decode_public_key_part(BytesView method_data, bool hostbound);

/// The bytes that the user's key signs (RFC 4252 §7), with the host key at the end where the method is host-bound.
Bytes public_key_signed_data(BytesView session_id, std::string_view user, std::string_view method, std::string_view algorithm,
                             BytesView key_blob, BytesView host_key);
/// The request with its signature.
Bytes encode_public_key_request(std::string_view user, std::string_view method, std::string_view algorithm, BytesView key_blob,
                                BytesView host_key, BytesView signature);
/// The same without, which asks whether such a key would do.
Bytes encode_public_key_query(std::string_view user, std::string_view method, std::string_view algorithm, BytesView key_blob,
                              BytesView host_key);
struct KeyQueryAnswer {
    std::string algorithm;
    BytesView key_blob;
};
Result<KeyQueryAnswer> decode_userauth_pk_ok(BytesView payload);

/// RFC 4252 §9.
struct HostBasedPart {
    std::string algorithm;
    BytesView key_blob;  // of the client's host
    std::string client_host, client_user;
    BytesView signature;
};
Result<HostBasedPart> decode_host_based_part(BytesView method_data);
/// The bytes that the client's host signs.
Bytes host_based_signed_data(BytesView session_id, std::string_view user, const HostBasedPart& part);
/// The request, with `part.signature`.
Bytes encode_host_based_request(std::string_view user, const HostBasedPart& part);

/// RFC 4252 §8; the caller wipes the result.
Bytes encode_password_request(std::string_view user, const Secret& password, const Secret* new_password);
/// The prompt of SSH_MSG_USERAUTH_PASSWD_CHANGEREQ.
Result<std::string> decode_password_change(BytesView payload);

struct UserauthFailure {
    std::vector<std::string> methods;
    bool partial_success = false;
};
Bytes encode(const UserauthFailure& message);
Result<UserauthFailure> decode_userauth_failure(BytesView payload);

Bytes encode_userauth_success();
Bytes encode_userauth_pk_ok(std::string_view algorithm, BytesView key_blob);

Bytes encode_userauth_banner(std::string_view text);
Result<std::string> decode_userauth_banner(BytesView payload);

}  // namespace sekisho::ssh
