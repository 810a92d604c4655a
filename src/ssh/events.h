// What an Engine tells its owner (gateway front hop, target hop, tests): facts, in the order they happened.
// Views inside an event point into the buffer given to Engine::feed() and are valid until the next feed().
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "keys/public_key.h"
#include "ssh/types.h"

namespace sekisho::ssh {

// --- transport -------------------------------------------------------------------------------------------------

/// The peer's identification line without CR LF, e.g. "SSH-2.0-OpenSSH_9.2p1".
struct PeerIdentified {
    std::string line;
};

/// Please sign `data` with host key number `host_key` (index in Config::host_keys) → ProvideSignature or Disconnect.
struct HostSignatureWanted {
    Ticket ticket;
    std::size_t host_key;
    std::string algorithm;
    Bytes data;
};

/// Server, only with Config::agree_elsewhere: call `work` once, on any thread (it takes milliseconds and touches nothing of the
/// Engine) → AgreementDone or Disconnect.
struct AgreementWanted {
    Ticket ticket;
    std::function<void()> work;
};

/// Client role: the server proved to own this host key (plain key or certificate blob); decide → AcceptHostKey or Disconnect.
/// Asked at every exchange; the same blob as before in a rekey is accepted by the engine itself.
struct HostKeyOffered {
    Ticket ticket;
    std::string algorithm;
    Bytes blob;
};

/// Client role, only with Config::judge_groups: the server chose this Diffie-Hellman group in group exchange, and it is not one
/// of RFC 3526. Magnitudes, big endian. Decide, off the loop (crypto::is_safe_prime) → AcceptGroup or Disconnect.
struct GroupOffered {
    Ticket ticket;
    Bytes prime, generator;
};

/// First exchange done: the connection is encrypted. Names are those of the client-to-server direction.
struct ExchangeCompleted {
    bool first = true;
    std::string kex, host_key, cipher, mac, compression;
};

/// The peer said goodbye (SSH_MSG_DISCONNECT), or the engine ended the connection because of `reason`. Last event.
struct Disconnected {
    bool by_peer = false;
    std::uint32_t reason = 0;
    std::string text;    // for the user
    std::string detail;  // for our log
};

// --- authentication, server role --------------------------------------------------------------------------------

/// The attempt as the client stated it. Exactly one AuthRequested is outstanding at a time; later requests of the client wait.
struct AuthRequested {
    enum class Method { None, PublicKeyQuery, PublicKey, HostBased, BadSignature, KeyboardInteractive, Other };
    Ticket ticket;
    std::string user;
    Method method = Method::None;
    std::string method_name;   // as sent
    std::string algorithm;     // public key: signature algorithm, or its certificate form
    Bytes key_blob;            // public key or certificate blob; of the client's host for HostBased
    bool hostbound = false;    // publickey-hostbound-v00@openssh.com
    std::string client_host;   // HostBased: what the client says of itself; only the key vouches for it
    std::string client_user;
    keys::SignatureDetails proof;  // PublicKey, HostBased: what a security key's signature says of touch and PIN
    std::string submethods;    // KeyboardInteractive: a hint, often empty
    // For PublicKey and HostBased the signature was already verified over this connection's session id; for PublicKeyQuery
    // nothing was. BadSignature: the key was offered with a signature that does not verify; it can only be rejected.
    // KeyboardInteractive → SendPrompts, or AcceptAuth or RejectAuth at once.
};

/// The client answered what SendPrompts asked, as many answers as prompts → SendPrompts again, AcceptAuth or RejectAuth. A client
/// that gives up starts another attempt instead: the next AuthRequested says so, and the old ticket is worth nothing.
struct PromptsAnswered {
    Ticket ticket;
    std::vector<Secret> answers;
};

// --- authentication, client role --------------------------------------------------------------------------------

/// "none" or an attempt was answered; `methods` can continue. Decide → one of Try… or Disconnect.
struct AuthMethodsOffered {
    std::vector<std::string> methods;
    bool partial_success = false;
    /// Signature algorithms of server-sig-algs (RFC 8308); empty when the server sent none.
    std::vector<std::string> signature_algorithms;
};

/// Sign `data` for the attempt started by TryPublicKey or TryHostBased → ProvideSignature, or SkipSignature.
struct UserSignatureWanted {
    Ticket ticket;
    std::string algorithm;
    Bytes data;
};

/// The server asks for answers (keyboard-interactive; possibly none, to show the instruction) → AnswerPrompts, or another Try….
struct PromptsReceived {
    Ticket ticket;
    std::string name, instruction;  // for the user; hostile like every text of a peer
    std::vector<Prompt> prompts;
};

/// The password is right but has expired → TryPassword with a new one, or another Try….
struct PasswordChangeWanted {
    std::string prompt;
};

struct AuthSucceeded {};

struct BannerReceived {
    std::string text;
};

// --- connection --------------------------------------------------------------------------------------------------

/// The peer wants a channel → AcceptChannel or RejectChannel. `payload` is the type-specific part, raw.
struct ChannelOpenRequested {
    ChannelId channel;
    std::string type;
    BytesView payload;
};

/// Our OpenChannel was confirmed.
struct ChannelOpened {
    ChannelId channel;
    BytesView payload;
};

struct ChannelOpenFailed {
    ChannelId channel;
    std::uint32_t reason;
    std::string text;
};

/// Channel data, decrypted in place. The memory around `bytes` may be used by Engine::write of another engine
/// (Engine::kHeadroom, kTailroom): see Engine::write.
struct Data {
    ChannelId channel;
    DataStream stream;
    std::span<std::byte> bytes;
};

/// `count` bytes that were queued by write() have now been put into packets (what write() returned is not counted again).
struct Sent {
    ChannelId channel;
    DataStream stream;
    std::size_t count;
};

/// A channel request with its type-specific part, raw. want_reply → exactly one ReplyRequest, in order.
struct ChannelRequested {
    ChannelId channel;
    std::string type;
    bool want_reply;
    BytesView payload;
};

/// The peer's answer to a SendRequest with want_reply, in the order sent.
struct RequestReplied {
    ChannelId channel;
    bool success;
};

struct EofReceived {
    ChannelId channel;
};

/// The peer sent CLOSE. After our own CLOSE the id is free; the owner answers with CloseChannel if it has not already.
struct CloseReceived {
    ChannelId channel;
};

/// Both CLOSEs passed: the id may be used again. Always the last event of a channel that was open.
struct ChannelEnded {
    ChannelId channel;
};

/// want_reply → exactly one ReplyGlobal, in order.
struct GlobalRequested {
    std::string type;
    bool want_reply;
    BytesView payload;
};

/// Client, with Config::learn_host_keys: plain keys that the server says are its own, the one in use among them. Nothing is proven
/// → ProveHostKeys for those that are new, or nothing.
struct HostKeysAnnounced {
    std::vector<Bytes> blobs;
};

/// The answer to ProveHostKeys: those that are the server's, and what was wrong with another, if anything was.
struct HostKeysProven {
    std::vector<Bytes> blobs;
    std::string problem;
};

struct GlobalReplied {
    bool success;
    BytesView payload;
};

using Event = std::variant<PeerIdentified, AgreementWanted, HostSignatureWanted, HostKeyOffered, GroupOffered, ExchangeCompleted,
                           Disconnected, AuthRequested, PromptsAnswered, AuthMethodsOffered, UserSignatureWanted, PromptsReceived,
                           PasswordChangeWanted, AuthSucceeded, BannerReceived,
                           ChannelOpenRequested, ChannelOpened, ChannelOpenFailed, Data, Sent, ChannelRequested, RequestReplied,
                           EofReceived, CloseReceived, ChannelEnded, GlobalRequested, HostKeysAnnounced, HostKeysProven,
                           GlobalReplied>;

}  // namespace sekisho::ssh
