// LiveGateway: what a running gateway can tell and do for the admin API. Implemented by gateway, called by web; both know
// only this. Thread-safe: calls come from the admin thread and return quickly, without waiting for a loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/session.h"
#include "model/target_secret.h"
#include "model/user_ca.h"

namespace sekisho::model {

/// A network whose connections kept ending without a sign-in.
struct SourcePenalty {
    std::string network;  // "192.0.2.7/32"
    std::string reason;   // of the last one
    std::chrono::seconds left{};
    bool enforced = false;  // it is turned away; otherwise it only gathers
};

/// A channel of a live session as its watchers see it.
struct WatchedChannel {
    std::uint32_t number = 0;  // as in the recording
    std::string target;        // "login@target"
    bool terminal = false;
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
    std::uint64_t bytes = 0;  // of output so far: what a watcher who comes now has missed
};

/// Sees a live session as its user does. Told on the session's loop, and returns at once: whoever is slow misses something.
class SessionWatcher {
public:
    virtual ~SessionWatcher() = default;
    /// It is there, was opened, or has another size.
    virtual void channel(const WatchedChannel& channel) = 0;
    virtual void output(std::uint32_t channel, BytesView bytes) = 0;
    virtual void closed(std::uint32_t channel) = 0;
    /// The last call.
    virtual void ended(std::string_view reason) = 0;
    /// Nobody looks any more: it may be let go.
    virtual bool gone() const = 0;
};

/// Takes a file as it comes, on a thread of whoever fetches it.
class FileSink {
public:
    virtual ~FileSink() = default;
    /// Waits while too much has gathered. False: nobody reads any more.
    virtual bool take(std::string piece) = 0;
    /// The last call. An Error: what was taken is not all of it.
    virtual void end(Result<void> outcome) = 0;
};

class LiveGateway {
public:
    virtual ~LiveGateway() = default;

    /// Waits, a moment at most, until the store holds all that has happened so far: before a listing is read.
    virtual void settle() = 0;
    /// The live sessions with their current byte counts.
    virtual std::vector<Session> live_sessions() = 0;
    /// Ends the session with this id or audit key and shows `reason` to its user; false when it is not live here.
    virtual bool end_session(const std::string& id_or_audit_key, const std::string& reason) = 0;
    /// Shows the session with this id to `watcher`, until it ends; false when it is not live here.
    virtual bool watch_session(const std::string& /*id*/, std::shared_ptr<SessionWatcher> /*watcher*/) { return false; }
    /// Has a recording's file fetched from where recordings are shipped, or with an empty audit key the list of what is there as lines of
    /// JSON. `session` may be empty. Returns at once.
    virtual Result<void> fetch_recording(
        const std::string& /*audit_key*/, const std::string& /*session*/, std::shared_ptr<FileSink> /*sink*/) {
        return fail("recordings are not shipped anywhere: recording.upload.url is empty");
    }
    /// The store's access has changed: read it again for what is decided from now on.
    virtual void access_changed() = 0;
    /// Networks with penalties, some of them where there are very many.
    virtual std::vector<SourcePenalty> penalties() { return {}; }
    /// The user CA as the keyholder has it; nothing where there is none at hand.
    virtual std::optional<UserCa> user_ca() { return std::nullopt; }
    /// Takes a step in the keyholder, and waits for it.
    virtual Result<UserCa> change_user_ca(CaStep) { return fail("the user CA cannot be changed here"); }
    /// Has the keyholder wrap a credential that was sealed to it: `wrapped` and `public_key` are put into `secret`. Waits for it.
    virtual Result<void> wrap_secret(TargetSecret& /*secret*/, const Bytes& /*sealed*/) {
        return fail("credentials cannot be wrapped here");
    }
};

}  // namespace sekisho::model
