// Recorder: the evidence of one session while it happens. The relay calls it on its loop, before it forwards (tap before
// forward); blocks are compressed and written by the recording thread. Container: docs/RECORDING_FORMAT.md.
// Owned by the gateway's front hop, one per recorded session; all calls from one loop thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/hpke.h"
#include "evidence/recorded.h"
#include "model/access.h"
#include "recording/signing.h"

namespace sekisho::recording {

enum class Stream : std::uint8_t { Input = 0, Output = 1, Stderr = 2, Notice = 3 };  // Notice: the gateway's own text to the user

struct SessionFacts {  // goes into the header block, as JSON
    std::string session;
    std::string audit_key;
    std::string user;
    std::string source;
    std::string client;
    model::RecordLevel level = model::RecordLevel::Full;
    WallTime started{};
};

struct ChannelFacts {  // a channel begins
    std::uint32_t channel = 0;  // the front hop's number, unique within the recording (not reused)
    std::string type;           // session, direct-tcpip …
    std::string target;         // "login@target" or empty
    std::string destination;    // host:port of forwards
    model::RecordLevel level = model::RecordLevel::Full;  // of the rule that allowed it; a recording's channels may differ
    bool tell_commands = false;  // RecorderCallbacks::on_command hears what is typed
    bool hidden_input = false;  // of a terminal: also what it does not show
    model::Contents contents;  // at level Full: how much of each stream is kept; the rest is counted and digested
};

struct TypedCommand {  // as terminal::CommandReader read it
    std::uint32_t channel = 0;
    std::string target;
    std::string text;
    WallTime entered{};
};

class Recorder {
public:
    virtual ~Recorder() = default;

    virtual void channel_opened(const ChannelFacts& facts, TimePoint now) = 0;
    /// pty-req, exec, shell, subsystem, env, window-change, signal, break, auth-agent-req …; payload raw as on the wire.
    virtual void request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload, TimePoint now) = 0;
    /// Bytes before they are forwarded. Below level Full only counted.
    virtual void data(std::uint32_t channel, Stream stream, BytesView bytes, TimePoint now) = 0;
    /// What sftp or scp did in the channel, as JSON (file_event.h). Below level Commands nothing is kept.
    virtual void file_operation(std::uint32_t channel, std::string_view json, TimePoint now) = 0;
    virtual void eof(std::uint32_t channel, bool from_client, TimePoint now) = 0;
    virtual void channel_closed(std::uint32_t channel, TimePoint now) = 0;

    /// True while more than the allowed backlog waits for the disk: the relay then withholds window credit until `on_drained`.
    virtual bool backlogged() const = 0;

    /// With what was written, where the recording could be given an end.
    using Finished = std::function<void(Result<void> done, const std::optional<evidence::Written>& written)>;
    /// Ends the recording with a reason ("finished", "ended by …"); flushes; later calls are ignored. `done` runs on the writer's
    /// thread when everything is written (or failed), within 200 ms or when somebody settles, and at once where it had ended before;
    /// signature and fdatasync follow within seconds.
    virtual void finish(std::string_view reason, TimePoint now, Finished done) = 0;
};

/// Told on the loop thread that owns the recorder.
struct RecorderCallbacks {
    std::function<void()> on_drained;
    std::function<void(Error)> on_failure;  // once: a block could not be written; what was before it is safe
    std::function<void(TypedCommand)> on_command;
};

/// Runs a function on a loop; given by net so that recording needs no Asio.
using Executor = std::function<void(std::function<void()>)>;

/// The folder of recordings and the thread that writes them. Thread-safe. Blocks are written when 64 KiB are gathered, and at
/// the latest 500 ms after their first event (checked by the recording thread).
class Recordings {
public:
    virtual ~Recordings() = default;

    struct Opened {
        std::unique_ptr<Recorder> recorder;
        std::string audit_key;
    };
    /// Creates the file (O_EXCL; "+2" … is added to the audit key while the name is taken), writes and checks the header block, and,
    /// with `reserve`, refuses when the disk has less than a few MiB left. `done` runs on a writer's thread and hands on at once.
    virtual void open(SessionFacts facts, bool reserve, Executor executor, RecorderCallbacks callbacks,
                      std::function<void(Result<Opened>)> done) = 0;

    /// From now on those that are opened with `reserve` fail for this reason; empty: no more. Any thread.
    virtual void refuse_new(std::string /*reason*/) {}

    /// Waits until all recordings that were finished before have their end. Not on a loop.
    virtual void settle() {}
};

/// `seal_to`: the auditors who can read what is recorded; nobody else can then. Empty: whoever may read the files.
std::unique_ptr<Recordings> make_recordings(
    const std::string& folder, std::vector<crypto::hpke::PublicKey> seal_to = {}, EndSigner signer = {});

/// "YYYY-MM-DD_HH-MM-SS_user" in local time.
std::string audit_key(WallTime started, std::string_view user);

}  // namespace sekisho::recording
