// The protocol between gateway and keyholder, over a stream socket pair: frames of uint32 length and payload, in the data types of
// RFC 4251 §5. The keyholder begins with Hello (or says why it cannot); then each request has a ticket and gets one reply with it,
// in any order. Both ends bound what they read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "evidence/statement.h"
#include "keyholder/signer.h"
#include "model/user_ca.h"

namespace sekisho::keyholder {

inline constexpr std::size_t kMostRequest = 32 * 1024;  // payload; a key with an RSA modulus of 16384 bits, and all options
inline constexpr std::size_t kMostReply = 32 * 1024;  // payload; a certificate is little longer than what was asked for
inline constexpr std::size_t kMostHello = 1024 * 1024;  // payload; every host key and certificate
inline constexpr std::size_t kFrameHeader = 4;

struct SignExchange {
    std::uint32_t key = 0;
    std::string algorithm;
    Bytes hash;
};
struct ProveHostKey {
    std::uint32_t key = 0;
    std::string algorithm;
    Bytes session_id;
};
struct ChangeUserCa {
    model::CaStep step = model::CaStep::Publish;
};
/// A credential that somebody sealed to the keyholder, to be wrapped for the store.
struct WrapSecret {
    keys::SecretPlace place;
    Bytes sealed;
};
/// A stored key's signature for a sign-in, and nothing else.
struct SignAsStored {
    StoredCredential credential;
    std::string algorithm;
    Bytes data;  // RFC 4252 §7
};
/// A stored password, for the moment in which it is sent.
struct OpenPassword {
    StoredCredential credential;
};
/// A position of the chain of audit records, for the evidence key.
struct SignCheckpoint {
    std::uint64_t sequence = 0;
    evidence::Digest hash{};
};
/// The root over the last checksums of recordings that ended.
struct SignRecordings {
    std::uint32_t count = 0;
    evidence::Digest root{};
};
using Request = std::variant<SignExchange, ProveHostKey, CertificateWish, HostCertificateWish, ChangeUserCa, WrapSecret,
    SignAsStored, OpenPassword, SignCheckpoint, SignRecordings>;

struct TicketedRequest {
    std::uint64_t ticket = 0;
    Request request;
};

struct Reply {
    std::uint64_t ticket = 0;  // 0: to what could not be read
    Result<Bytes> answer;  // signature, certificate or UserCaKeys; an Error says why it was refused
};

// Whole frames.
Bytes encode(std::uint64_t ticket, const Request& request);
Bytes encode(const Reply& reply);
Bytes encode(const Result<PublicParts>& hello);

// Payloads.
Result<TicketedRequest> decode_request(BytesView payload);
Result<Reply> decode_reply(BytesView payload);
/// The keyholder's own Error where it could not begin.
Result<PublicParts> decode_hello(BytesView payload);
/// The answer to ChangeUserCa.
Bytes encode(const UserCaKeys& keys);
Result<UserCaKeys> decode_user_ca(BytesView answer);
/// The answer to WrapSecret.
Bytes encode(const WrappedSecret& wrapped);
Result<WrappedSecret> decode_wrapped(BytesView answer);
/// The answer to SignCheckpoint: what the keyholder puts into the statement (evidence::Checkpoint).
struct SignedCheckpoint {
    std::uint64_t before = 0;
    evidence::Digest before_hash{};
    WallTime time{};
    evidence::Signature signature{};
};
Bytes encode(const SignedCheckpoint& answer);
Result<SignedCheckpoint> decode_checkpoint(BytesView answer);
/// The answer to SignRecordings.
struct SignedRoot {
    WallTime time{};
    evidence::Signature signature{};
};
Bytes encode(const SignedRoot& answer);
Result<SignedRoot> decode_root(BytesView answer);
/// Of a payload that is not a request, the ticket for the refusal.
std::uint64_t ticket_of(BytesView payload);

/// The first frame's payload in `bytes`: whole, not there yet (nullopt), or longer than `most`.
Result<std::optional<BytesView>> next_frame(BytesView bytes, std::size_t most);

}  // namespace sekisho::keyholder
