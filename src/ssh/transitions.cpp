#include "ssh/transitions.h"

#include <array>

namespace sekisho::ssh {
namespace {

// Who may receive it, and when. A bit for each Phase.
constexpr unsigned kClient = 1;
constexpr unsigned kServer = 2;
constexpr unsigned kBoth = 3;
constexpr unsigned kFirst = 1U << static_cast<unsigned>(Phase::FirstExchange);
constexpr unsigned kService = 1U << static_cast<unsigned>(Phase::ExpectService);
constexpr unsigned kAuth = 1U << static_cast<unsigned>(Phase::Authenticating);
constexpr unsigned kConnected = 1U << static_cast<unsigned>(Phase::Connected);
constexpr unsigned kEncrypted = kService | kAuth | kConnected;
constexpr unsigned kAlways = kFirst | kEncrypted;

// Which states of a key exchange allow it.
constexpr unsigned bit(ExchangeState state) { return 1U << static_cast<unsigned>(state); }
constexpr unsigned kQuiet = bit(ExchangeState::Quiet);
constexpr unsigned kAnyExchange = kQuiet | bit(ExchangeState::ExpectInit) | bit(ExchangeState::ExpectReply) |
                                  bit(ExchangeState::ExpectDecision) | bit(ExchangeState::ExpectNewKeys) |
                                  bit(ExchangeState::ExpectGroupRequest) | bit(ExchangeState::ExpectGroupInit) |
                                  bit(ExchangeState::ExpectGroup) | bit(ExchangeState::ExpectGroupReply);

struct Row {
    Message message;
    unsigned receivers;
    unsigned phases;
    unsigned exchange;
    bool legal_in_strict_first_exchange;
};

constexpr Row kTable[] = {
    {Message::Disconnect, kBoth, kAlways, kAnyExchange, true},
    {Message::Ignore, kBoth, kAlways, kAnyExchange, false},
    {Message::Unimplemented, kBoth, kAlways, kAnyExchange, false},
    {Message::Debug, kBoth, kAlways, kAnyExchange, false},
    // Again before each attempt: Paramiko asks for the service whenever it tries another key.
    {Message::ServiceRequest, kServer, kService | kAuth, kQuiet, false},
    {Message::ServiceAccept, kClient, kService, kQuiet, false},
    // RFC 8308 §2.4: right after the first NEWKEYS, or by the server right before USERAUTH_SUCCESS.
    {Message::ExtInfo, kServer, kService, kQuiet, false},
    {Message::ExtInfo, kClient, kService | kAuth, kQuiet, false},
    {Message::KexInit, kBoth, kAlways, kQuiet, true},
    {Message::KexEcdhInit, kServer, kAlways, bit(ExchangeState::ExpectInit), true},
    {Message::KexEcdhReply, kClient, kAlways, bit(ExchangeState::ExpectReply), true},
    {Message::KexGroupRequest, kServer, kAlways, bit(ExchangeState::ExpectGroupRequest), true},
    {Message::KexGroup, kClient, kAlways, bit(ExchangeState::ExpectGroup), true},
    {Message::KexGroupInit, kServer, kAlways, bit(ExchangeState::ExpectGroupInit), true},
    {Message::KexGroupReply, kClient, kAlways, bit(ExchangeState::ExpectGroupReply), true},
    {Message::NewKeys, kBoth, kAlways, bit(ExchangeState::ExpectNewKeys), true},
    // RFC 4252 §5.1: requests after success are silently ignored; they may still be on their way.
    {Message::UserauthRequest, kServer, kAuth | kConnected, kQuiet, false},
    {Message::UserauthInfoResponse, kServer, kAuth, kQuiet, false},
    {Message::UserauthFailure, kClient, kAuth, kQuiet, false},
    {Message::UserauthSuccess, kClient, kAuth, kQuiet, false},
    {Message::UserauthBanner, kClient, kAuth, kQuiet, false},
    {Message::UserauthPkOk, kClient, kAuth, kQuiet, false},
    // RFC 4253 §7.1 forbids these between a peer's KEXINIT and its NEWKEYS. AsyncSSH sends them all the same when keys are exchanged
    // again, OpenSSH takes them, and nothing is lost by it: they come under the old keys and in order. Never in the first exchange.
    {Message::GlobalRequest, kBoth, kConnected, kAnyExchange, false},
    {Message::RequestSuccess, kBoth, kConnected, kAnyExchange, false},
    {Message::RequestFailure, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelOpen, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelOpenConfirmation, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelOpenFailure, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelWindowAdjust, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelData, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelExtendedData, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelEof, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelClose, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelRequest, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelSuccess, kBoth, kConnected, kAnyExchange, false},
    {Message::ChannelFailure, kBoth, kConnected, kAnyExchange, false},
    {Message::Ping, kBoth, kConnected, kQuiet, false},
    {Message::Pong, kBoth, kConnected, kQuiet, false},
};

}  // namespace

Verdict judge(Role role, Phase phase, ExchangeState exchange, bool strict, std::uint8_t message) {
    const unsigned receiver = role == Role::Client ? kClient : kServer;
    const unsigned now = 1U << static_cast<unsigned>(phase);
    bool known = false;
    for (const Row& row : kTable) {
        if (static_cast<std::uint8_t>(row.message) != message) continue;
        known = true;
        if ((row.receivers & receiver) == 0 || (row.phases & now) == 0 || (row.exchange & bit(exchange)) == 0) continue;
        if (strict && phase == Phase::FirstExchange && !row.legal_in_strict_first_exchange) continue;
        return Verdict::Legal;
    }
    if (known) return Verdict::Illegal;
    // RFC 4253 §11.4: an unrecognised message is answered with UNIMPLEMENTED; not while keys are exchanged.
    return exchange == ExchangeState::Quiet && phase != Phase::FirstExchange ? Verdict::Unknown : Verdict::Illegal;
}

}  // namespace sekisho::ssh
