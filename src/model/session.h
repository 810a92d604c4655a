// A session as the store and the listings know it: one authenticated connection of a user, from START to FINISH.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sekisho::model {

struct Session {
    std::string id;         // random, 16 hex digits; the id in logs
    std::string
        audit_key;  // YYYY-MM-DD_HH-MM-SS_user, "+2" … behind it where several start in one second; empty: unrecorded
    std::string user;
    std::string source;        // address without port
    std::uint16_t source_port = 0;
    std::string key_fingerprint;
    std::string client;        // identification line
    std::string target;        // "login@target", empty for the gateway itself; the first one when there are several
    WallTime started{};
    std::optional<WallTime> finished;
    std::string result;        // "", then why it ended
    std::uint64_t bytes_in = 0;   // from the client
    std::uint64_t bytes_out = 0;  // to the client
};

/// One fact for auditors. Kinds: session.start, session.finish, auth.refused, access.refused, channel.open, target.connected,
/// target.refused, recording.failed, recording.cut, access.changed, hostkey.learned, gateway.start, gateway.stop …
struct AuditRecord {
    std::uint64_t sequence = 0;  // given by the store
    WallTime time{};
    std::string kind;
    std::string session;  // id, may be empty
    std::string user;
    std::string source;
    std::string subject;  // "ubuntu@web1", "host:port", "user alice" …
    std::string outcome;  // ok | refused | failed
    std::string reason;  // for people; names the rule where one decided
    std::string recording;  // of a session's start, finish and cut: its recording, as far as it is written (evidence/recorded.h)
    std::array<std::byte, 32> hash{};  // given by the store: stands for this record and all before it (evidence/chain.h)
};

}  // namespace sekisho::model
