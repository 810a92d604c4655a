// Message numbers of the SSH protocol that the engine knows (RFC 4250 §4.1, RFC 8308, OpenSSH PROTOCOL §1.8).
#pragma once

#include <cstdint>

namespace sekisho::ssh {

enum class Message : std::uint8_t {
    Disconnect = 1,
    Ignore = 2,
    Unimplemented = 3,
    Debug = 4,
    ServiceRequest = 5,
    ServiceAccept = 6,
    ExtInfo = 7,
    KexInit = 20,
    NewKeys = 21,
    KexEcdhInit = 30,
    KexEcdhReply = 31,
    KexGroup = 31,  // RFC 4419 §5 gives 31 a second meaning
    KexGroupInit = 32,
    KexGroupReply = 33,
    KexGroupRequest = 34,
    UserauthRequest = 50,
    UserauthFailure = 51,
    UserauthSuccess = 52,
    UserauthBanner = 53,
    UserauthPkOk = 60,  // publickey; 60 and 61 mean something else to each method (RFC 4252 §6)
    UserauthPasswordChange = 60,  // password
    UserauthInfoRequest = 60,     // keyboard-interactive, as the next
    UserauthInfoResponse = 61,
    GlobalRequest = 80,
    RequestSuccess = 81,
    RequestFailure = 82,
    ChannelOpen = 90,
    ChannelOpenConfirmation = 91,
    ChannelOpenFailure = 92,
    ChannelWindowAdjust = 93,
    ChannelData = 94,
    ChannelExtendedData = 95,
    ChannelEof = 96,
    ChannelClose = 97,
    ChannelRequest = 98,
    ChannelSuccess = 99,
    ChannelFailure = 100,
    Ping = 192,
    Pong = 193,
};

/// RFC 4250 §4.1.2: 30 to 49 belong to the method of key exchange.
constexpr bool is_method_message(std::uint8_t number) { return number >= 30 && number <= 49; }

constexpr std::uint8_t number(Message message) { return static_cast<std::uint8_t>(message); }

}  // namespace sekisho::ssh
