// What the owner tells an Engine: decisions and things to send. Data goes through Engine::write, everything else here.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "ssh/types.h"

namespace sekisho::ssh {

struct ProvideSignature {
    Ticket ticket;
    Bytes signature;  // SSH signature blob
};

/// The work of AgreementWanted was done; its results are seen by this thread.
struct AgreementDone {
    Ticket ticket;
};

/// Client: the signature cannot be had (agent refused); the attempt counts as failed → AuthMethodsOffered again.
struct SkipSignature {
    Ticket ticket;
};

struct AcceptHostKey {
    Ticket ticket;
};

/// Client: the server's Diffie-Hellman group is good enough (GroupOffered).
struct AcceptGroup {
    Ticket ticket;
};

/// Sends SSH_MSG_DISCONNECT after what is already in the output, then the engine is over. `text` is for the peer's user.
struct Disconnect {
    DisconnectReason reason;
    std::string text;
};

/// SSH_MSG_DEBUG, to be shown: a word to the peer's user where the protocol's answer has no room for one.
struct SendDebug {
    std::string text;
};

// --- authentication, server ---
struct SendBanner {
    std::string text;  // valid before success only
};
struct AcceptAuth {
    Ticket ticket;
};
struct AcceptKeyQuery {  // SSH_MSG_USERAUTH_PK_OK
    Ticket ticket;
};
/// Keyboard-interactive: asks the client, at most limits::kPrompts prompts → PromptsAnswered.
struct SendPrompts {
    Ticket ticket;
    std::string name, instruction;
    std::vector<Prompt> prompts;
};
/// `partial_success`: the attempt was good, and `methods` are what is still wanted.
struct RejectAuth {
    Ticket ticket;
    std::vector<std::string> methods;  // that can continue
    bool partial_success = false;
};

/// From now on only these signature algorithms of the policy are accepted, for this user (as the first AuthRequested names it); a
/// client that understands ext-info-in-auth@openssh.com is told.
struct LimitUserSignatures {
    std::vector<std::string> algorithms;
};

// --- authentication, client ---
/// Starts "publickey" with this blob; `algorithm` as negotiated from server-sig-algs (certificate form for certificates).
struct TryPublicKey {
    std::string algorithm;
    Bytes key_blob;
    /// Ask first whether the server takes this key (RFC 4252 §7): a signature is wanted only then, for a round trip more. For keys whose
    /// owner is asked for each signature, by an agent or a touch.
    bool ask_first = false;
};
/// Starts "hostbased" (RFC 4252 §9) → UserSignatureWanted, to be signed with the key of this host.
struct TryHostBased {
    std::string algorithm;
    Bytes key_blob;           // of this host, or its certificate
    std::string client_host;  // this host's name, as the server knows its key
    std::string client_user;  // the user's name here
};

/// Starts "keyboard-interactive" → PromptsReceived.
struct TryKeyboardInteractive {
    std::string submethods;  // a hint to the server, usually empty
};
/// One answer for each prompt of PromptsReceived.
struct AnswerPrompts {
    Ticket ticket;
    std::vector<Secret> answers;
};
/// Sends "password"; with the new one after PasswordChangeWanted.
struct TryPassword {
    Secret password;
    std::optional<Secret> new_password;
};

// --- connection ---
struct OpenChannel {
    ChannelId channel;  // from Engine::new_channel()
    std::string type;
    Bytes payload;
};
struct AcceptChannel {
    ChannelId channel;
    Bytes payload;
};
struct RejectChannel {
    ChannelId channel;
    OpenFailure reason;
    std::string text;
};
/// Kept in order with the channel's data, unless `overtake`: then it does not wait for data that the window holds back
/// (signal, break, window-change must reach a command that does not read).
struct SendRequest {
    ChannelId channel;
    std::string type;
    bool want_reply = false;
    Bytes payload;
    bool overtake = false;
};
struct ReplyRequest {
    ChannelId channel;
    bool success;
};
struct SendEof {
    ChannelId channel;
};
/// After data, requests and EOF that are queued. CLOSE is sent once, whatever happens.
struct CloseChannel {
    ChannelId channel;
};
/// The owner is done with `count` received bytes of this channel (the other hop sent them, the recording took them):
/// the peer may send as many more.
struct Credit {
    ChannelId channel;
    std::size_t count;
};
struct SendGlobalRequest {
    std::string type;
    bool want_reply = false;
    Bytes payload;
};
struct ReplyGlobal {
    bool success;
    Bytes payload;
};
/// Client: asks the server to prove that it owns these keys (1…limits::kHostKeys of HostKeysAnnounced) → HostKeysProven.
struct ProveHostKeys {
    std::vector<Bytes> blobs;
};
/// Starts a new key exchange now (tests, policy).
struct Rekey {};

using Command =
    std::variant<ProvideSignature, AgreementDone, SkipSignature, AcceptHostKey, AcceptGroup, Disconnect, SendDebug, SendBanner,
                 AcceptAuth, AcceptKeyQuery, SendPrompts, RejectAuth, LimitUserSignatures, TryPublicKey, TryHostBased,
                 TryKeyboardInteractive, AnswerPrompts, TryPassword, OpenChannel, AcceptChannel, RejectChannel,
                 SendRequest, ReplyRequest, SendEof, CloseChannel, Credit, SendGlobalRequest, ReplyGlobal,
                 ProveHostKeys, Rekey>;

}  // namespace sekisho::ssh
