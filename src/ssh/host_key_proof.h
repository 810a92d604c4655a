// The payloads of hostkeys-00@openssh.com and hostkeys-prove-00@openssh.com (OpenSSH PROTOCOL §2.5): a server tells all its host
// keys after sign-in and proves to own those that the client asks about, so that keys can be rotated. Used by global_requests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sekisho::ssh {

inline constexpr std::string_view kHostKeysRequest = "hostkeys-00@openssh.com";
inline constexpr std::string_view kHostKeysProveRequest = "hostkeys-prove-00@openssh.com";

/// Blobs, or signatures: strings, one behind the other to the end of the payload, at most limits::kHostKeys.
Bytes encode_strings(const std::vector<Bytes>& strings);
Result<std::vector<Bytes>> decode_strings(BytesView payload);

/// What the server signs for one of its keys.
Bytes host_key_proof_data(BytesView session_id, BytesView blob);
/// The session identifier inside such data, so that whoever holds the key can put the rest together; nothing for other data.
std::optional<BytesView> session_id_of_host_key_proof(BytesView data);
/// Checks the signature over host_key_proof_data of a plain key. RSA with SHA-2 only: OpenSSH before 9.3 signs with SHA-1 where the
/// exchange was with another kind of key, and such a key stays unproven.
Result<void> verify_host_key_proof(BytesView session_id, BytesView blob, BytesView signature);

}  // namespace sekisho::ssh
