// SessionRecord: everything that is kept of one session: its recording, its row in the store, its audit records, its START and
// FINISH, its counters. Nothing of the session runs before begin() made its start durable, or knows that it could not. What happens
// when evidence cannot be written is decided here: refuse, end, or go on and alarm. Owned by the front hop; lives until its end is on disk.
// Loop thread only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/services.h"
#include "gateway/session_watch.h"
#include "model/activity.h"
#include "sftp/operation.h"

namespace sekisho::gateway {

class SessionRecord : public std::enable_shared_from_this<SessionRecord> {
public:
    struct Listener {
        std::function<void()> drained;  // the recording takes data again
        std::function<void(const std::string& text)> must_end;  // evidence fails, and a rule wants the session to end then
    };

    using Begun = std::function<void(std::shared_ptr<SessionRecord>)>;
    /// Opens the recording, then makes the session's start durable; `done` runs on `loop` with the record. What could not be written is
    /// asked about with may_begin(). `facts` without audit key.
    static void begin(
        Services& services, net::Loop& loop, model::Session facts, model::RecordLevel level, Listener listener, Begun done);
    ~SessionRecord();

    const model::Session& facts() const { return m_live->facts; }
    const std::shared_ptr<LiveSession>& live() const { return m_live; }
    bool recorded() const { return m_recorder != nullptr && !m_failed; }

    /// May a channel begin whose rule says `on_failure`? The error is a sentence for the user.
    Result<void> may_begin(model::OnFailure on_failure);

    // --- what happens, before it is forwarded ---
    /// Returns the channel's number in the recording. may_begin() said yes for `on_failure`.
    std::uint32_t channel_opened(recording::ChannelFacts facts, model::OnFailure on_failure);
    void request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload);
    void data(std::uint32_t channel, recording::Stream stream, BytesView bytes);
    void file_operations(std::uint32_t channel, const std::string& via, const std::vector<sftp::Operation>& operations);
    /// For search; times and the session are filled in here. More than kMostIndexing at once are left out, with a warning in the log.
    void index_files(std::vector<model::FileOperation> operations);
    static constexpr std::size_t kMostIndexing = 20'000;
    void eof(std::uint32_t channel, bool from_client);
    void channel_closed(std::uint32_t channel);
    /// Withhold window credit until Listener::drained.
    bool backlogged() const { return m_recorder && m_recorder->backlogged(); }

    /// Somebody looks on, from now to the end.
    void watch(std::shared_ptr<model::SessionWatcher> watcher);

    /// For the searchable index, as far as its rule permits (model::indexed). Nobody waits for it.
    void index(model::CommandRun command);

    /// An audit record about this session.
    void audit(std::string kind, std::string subject, std::string outcome, std::string reason);
    /// Ends the record; the listener is not called any more.
    void finish(const std::string& result);

private:
    SessionRecord(Services& services, net::Loop& loop, model::Session facts, Listener listener);

    void open_recording(model::RecordLevel level, bool reserve, Begun done);
    void store_start(Result<recording::Recordings::Opened> opened, Begun done);
    void submit_start(StoreWorker::When when, std::function<void(Result<void>)> done);
    void begun(Result<recording::Recordings::Opened> opened, const Result<void>& stored, const Begun& done);
    void not_stored(const Error& error);
    void store_finish(const model::Session& ended, const std::optional<evidence::Written>& written);
    void failed(const Error& error);
    void not_indexed(const Result<void>& result) const;
    void complain(const Error& error);

    Services& m_services;
    net::Loop& m_loop;
    std::shared_ptr<LiveSession> m_live;
    Listener m_listener;
    std::unique_ptr<recording::Recorder> m_recorder;
    SessionWatch m_watch;
    std::optional<Error> m_open_problem;  // why it could not be opened with room in reserve
    std::optional<Error> m_store_problem;  // why the start is not in the store, until it is
    bool m_store_alarmed = false;
    std::atomic<bool> m_failed = false;  // it broke later
    bool m_must_hold = false;  // a channel runs whose rule does not permit going on without evidence
    bool m_alarmed = false;
    bool m_finished = false;
    bool m_index_full = false;  // and said so
    std::atomic<std::size_t> m_indexing = 0;  // operations on their way to the store
    std::uint32_t m_last_channel = 0;
};

}  // namespace sekisho::gateway
