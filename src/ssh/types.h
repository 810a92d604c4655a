// Strong types and numbers shared by the whole engine: ids, message numbers, reason codes.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"

namespace sekisho::ssh {

enum class Role { Client, Server };

/// Our number for a channel (the "recipient channel" of what the peer sends us).
using ChannelId = base::Id<struct ChannelTag>;
/// A question that the engine asked and that waits for its answer; never reused within a connection.
using Ticket = base::Id<struct TicketTag, std::uint64_t>;

enum class DataStream : std::uint32_t { Main = 0, Stderr = 1 };  // RFC 4254 §5.2

/// One question of keyboard-interactive (RFC 4256 §3.2).
struct Prompt {
    std::string text;
    bool echo = false;  // the answer may be seen while it is typed
};

// RFC 4254 §5.1, the reason codes of SSH_MSG_CHANNEL_OPEN_FAILURE
enum class OpenFailure : std::uint32_t {
    AdministrativelyProhibited = 1,
    ConnectFailed = 2,
    UnknownChannelType = 3,
    ResourceShortage = 4,
};

// RFC 4253 §11.1
enum class DisconnectReason : std::uint32_t {
    HostNotAllowed = 1,
    ProtocolError = 2,
    KeyExchangeFailed = 3,
    MacError = 5,
    ServiceNotAvailable = 7,
    HostKeyNotVerifiable = 9,
    ConnectionLost = 10,
    ByApplication = 11,
    TooManyConnections = 12,
    NoMoreAuthMethods = 14,
    IllegalUserName = 15,
};

}  // namespace sekisho::ssh
