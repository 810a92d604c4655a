// Order: begin (recording → store → audit → START), what happens, failure of evidence, finish.
#include "gateway/session_record.h"

#include "base/log.h"
#include "recording/file_event.h"

namespace sekisho::gateway {

SessionRecord::SessionRecord(Services& services, net::Loop& loop, model::Session facts, Listener listener)
    : m_services(services), m_loop(loop), m_live(std::make_shared<LiveSession>()), m_listener(std::move(listener)) {
    m_live->facts = std::move(facts);
}

SessionRecord::~SessionRecord() = default;

// --- begin ---

void SessionRecord::begin(
    Services& services, net::Loop& loop, model::Session facts, model::RecordLevel level, Listener listener, Begun done) {
    const std::shared_ptr<SessionRecord> record(new SessionRecord(services, loop, std::move(facts), std::move(listener)));
    record->open_recording(level, true, std::move(done));
}

void SessionRecord::open_recording(model::RecordLevel level, bool reserve, Begun done) {
    recording::SessionFacts facts;
    facts.session = m_live->facts.id;
    facts.user = m_live->facts.user;
    facts.source = m_live->facts.source;
    facts.client = m_live->facts.client;
    facts.level = level;
    facts.started = m_live->facts.started;
    recording::RecorderCallbacks callbacks;
    callbacks.on_drained = [weak = weak_from_this()] {
        if (auto record = weak.lock(); record && !record->m_finished) record->m_listener.drained();
    };
    callbacks.on_failure = [weak = weak_from_this()](const Error& error) {
        if (auto record = weak.lock()) record->failed(error);
    };
    callbacks.on_command = [weak = weak_from_this()](const recording::TypedCommand& typed) {
        if (auto record = weak.lock())
            record->index(model::CommandRun{.channel = typed.channel,
                .time = typed.entered,
                .text = typed.text,
                .how = model::CommandHow::Typed,
                .target = typed.target});
    };
    m_services.recordings.open(
        std::move(facts), reserve, [&loop = m_loop](std::function<void()> work) { loop.post(std::move(work)); },
        std::move(callbacks),
        [self = shared_from_this(), level, reserve, done = std::move(done)](Result<recording::Recordings::Opened> opened) {
            if (opened || !reserve) return self->store_start(std::move(opened), done);
            // A rule that says "end" or "alarm" begins with less; one that says "refuse" is told by m_open_problem.
            self->m_loop.post([self, level, done, error = opened.error()] {
                self->m_open_problem = error;
                self->open_recording(level, false, done);
            });
        });
}

/// On the recording's thread, straight to the store's: a way over the loop would only wake it. Nobody else has this record yet.
void SessionRecord::store_start(Result<recording::Recordings::Opened> opened, Begun done) {
    if (opened) m_live->facts.audit_key = opened->audit_key;
    // Shared, because a std::function must be copyable and Opened is not.
    auto held = std::make_shared<Result<recording::Recordings::Opened>>(std::move(opened));
    submit_start(
        StoreWorker::When::Now, [self = shared_from_this(), held, done = std::move(done)](const Result<void>& stored) {
            self->m_loop.post_patiently([self, held, done, stored] { self->begun(std::move(*held), stored, done); });
        });
}

/// `done` runs on the store's thread.
void SessionRecord::submit_start(StoreWorker::When when, std::function<void(Result<void>)> done) {
    model::AuditRecord start;
    start.time = m_live->facts.started;
    start.kind = "session.start";
    start.session = m_live->facts.id;
    start.user = m_live->facts.user;
    start.source = m_live->facts.source;
    start.subject = m_live->facts.target;
    start.outcome = "ok";
    start.reason = "signed with " + m_live->facts.key_fingerprint;
    start.recording = evidence::recorded_text(m_live->facts.audit_key);
    m_services.store.submit(
        [session = m_live->facts, start](store::Store& store) -> Result<void> {
            if (auto stored = store.session_started(session); !stored) return stored;
            return store.audit(start);
        },
        [self = shared_from_this(), done = std::move(done), session = m_live->facts](const Result<void>& stored) {
            done(stored);
            if (stored) self->m_services.session_started(session);
        },
        when);
}

void SessionRecord::begun(Result<recording::Recordings::Opened> opened, const Result<void>& stored, const Begun& done) {
    if (opened) {
        m_recorder = std::move(opened->recorder);
    } else if (!m_open_problem) {
        m_open_problem = opened.error();
    }
    if (!stored) not_stored(stored.error());
    log::info("session.start", {{"session", facts().id}, {"user", facts().user}, {"source", facts().source},
                                   {"target", facts().target}, {"audit_key", facts().audit_key}});
    done(shared_from_this());
    if (m_finished) return;  // the client had left
    // Behind done(), which sets how it is ended: from here on other threads may ask for that.
    m_services.live.enter(m_live);
    // Removed while the start was on its way to the store: whoever ends the sessions of removed users did not see this one.
    if (!m_services.access.load()->access.user(facts().user) && m_live->end) m_live->end(kUserRemoved);
}

/// Once more, with more patience: a store that cannot be reached takes it later.
void SessionRecord::not_stored(const Error& error) {
    log::error("session.not_stored", {{"session", facts().id}, {"reason", error.full()}});
    m_store_problem = error;
    submit_start(StoreWorker::When::Soon, [self = shared_from_this()](const Result<void>& stored) {
        self->m_loop.post([self, stored] {
            if (stored) return self->m_store_problem.reset();
            log::error("session.not_stored", {{"session", self->facts().id}, {"reason", stored.error().full()}});
        });
    });
}

// --- what happens ---

Result<void> SessionRecord::may_begin(model::OnFailure on_failure) {
    if (m_store_problem) {
        const bool goes_on = on_failure == model::OnFailure::Alarm;
        if (!m_store_alarmed) audit("store.failed", facts().target, goes_on ? "failed" : "refused", m_store_problem->full());
        m_store_alarmed = true;
        if (!goes_on)
            return fail(
                "The gateway cannot keep its records at the moment, and begins nothing without them. Try again in a "
                "moment.");
    }
    if (on_failure == model::OnFailure::Alarm) {
        if (!recorded() && !m_alarmed) complain(m_open_problem.value_or(Error{"the recording failed", ""}));
        return {};
    }
    const bool lacks_reserve = m_open_problem.has_value() && on_failure == model::OnFailure::Refuse;
    if (recorded() && !lacks_reserve) return {};
    const Error why = m_open_problem.value_or(Error{"the recording failed", ""});
    if (!m_alarmed) complain(why);
    return fail(
        "This session must be recorded, and its recording cannot be written: " + why.text + ". Nothing was started.");
}

std::uint32_t SessionRecord::channel_opened(recording::ChannelFacts facts, model::OnFailure on_failure) {
    m_must_hold = m_must_hold || on_failure != model::OnFailure::Alarm;
    facts.channel = ++m_last_channel;
    if (recorded()) m_recorder->channel_opened(facts, m_loop.now());
    m_watch.channel_opened(facts);
    return facts.channel;
}

void SessionRecord::request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload) {
    if (recorded()) m_recorder->request(channel, from_client, type, payload, m_loop.now());
    m_watch.request(channel, from_client, type, payload);
}

void SessionRecord::data(std::uint32_t channel, recording::Stream stream, BytesView bytes) {
    LiveSession::add(stream == recording::Stream::Input ? m_live->bytes_in : m_live->bytes_out, bytes.size());
    if (recorded()) m_recorder->data(channel, stream, bytes, m_loop.now());
    m_watch.data(channel, stream, bytes);
}

void SessionRecord::file_operations(
    std::uint32_t channel, const std::string& via, const std::vector<sftp::Operation>& operations) {
    if (!recorded()) return;
    for (const auto& operation : operations)
        m_recorder->file_operation(channel, recording::encode_file_event(operation, via), m_loop.now());
}

void SessionRecord::index_files(std::vector<model::FileOperation> operations) {
    const std::size_t count = operations.size();
    if (m_indexing + count > kMostIndexing) {
        if (!std::exchange(m_index_full, true))
            log::warn("index.behind", {{"session", facts().id}, {"reason", "the store does not keep up; the recording has all"}});
        return;
    }
    m_indexing += count;
    for (auto& operation : operations) {
        operation.session = facts().id;
        operation.time = std::chrono::system_clock::now();
    }
    m_services.store.submit(
        [operations = std::move(operations)](store::Store& store) { return store.record_file_operations(operations); },
        [self = shared_from_this(), count](const Result<void>& stored) {
            self->m_indexing -= count;
            if (!stored) log::error("index.failed", {{"session", self->facts().id}, {"reason", stored.error().full()}});
        },
        StoreWorker::When::Soon);
}

void SessionRecord::eof(std::uint32_t channel, bool from_client) {
    if (recorded()) m_recorder->eof(channel, from_client, m_loop.now());
}

void SessionRecord::channel_closed(std::uint32_t channel) {
    if (recorded()) m_recorder->channel_closed(channel, m_loop.now());
    m_watch.channel_closed(channel);
}

void SessionRecord::watch(std::shared_ptr<model::SessionWatcher> watcher) {
    if (m_finished) return watcher->ended("the session has ended");
    m_watch.add(std::move(watcher));
}

// --- failure of evidence ---

void SessionRecord::failed(const Error& error) {
    if (m_failed || m_finished) return;
    m_failed = true;
    complain(error);
    // Nobody waits for a broken recording.
    m_listener.drained();
    if (m_must_hold) m_listener.must_end("This session is ended because its recording cannot be written any more.");
}

void SessionRecord::complain(const Error& error) {
    m_alarmed = true;
    log::error("recording.failed", {{"session", facts().id}, {"user", facts().user}, {"reason", error.full()}});
    audit("recording.failed", facts().audit_key, "failed", error.full());
}

void SessionRecord::audit(std::string kind, std::string subject, std::string outcome, std::string reason) {
    model::AuditRecord record;
    record.kind = std::move(kind);
    record.session = facts().id;
    record.user = facts().user;
    record.source = facts().source;
    record.subject = std::move(subject);
    record.outcome = std::move(outcome);
    record.reason = std::move(reason);
    m_services.store.audit(std::move(record));
}

void SessionRecord::not_indexed(const Result<void>& result) const {
    if (!result) log::error("index.failed", {{"session", facts().id}, {"reason", result.error().full()}});
}

void SessionRecord::index(model::CommandRun command) {
    command.session = facts().id;
    if (command.time == WallTime{}) command.time = std::chrono::system_clock::now();
    m_services.store.submit(
        [command = std::move(command)](store::Store& store) { return store.record_commands({&command, 1}); },
        [self = shared_from_this()](const Result<void>& result) { self->not_indexed(result); }, StoreWorker::When::Soon);
}

// --- finish ---

void SessionRecord::finish(const std::string& result) {
    if (m_finished) return;
    m_finished = true;
    m_services.live.stop_counting(facts().id);
    m_watch.finish(result);
    model::Session ended = m_live->now();
    ended.result = result;
    ended.finished = std::chrono::system_clock::now();
    if (!m_recorder) return store_finish(ended, std::nullopt);
    // On the recording's thread, and from there to the store's: a way over the loop would only wake it.
    m_recorder->finish(result, m_loop.now(),
        [self = shared_from_this(), ended](const Result<void>& finished, const std::optional<evidence::Written>& written) {
            if (!finished && !self->m_failed) self->complain(finished.error());
            self->store_finish(ended, written);
        });
}

void SessionRecord::store_finish(const model::Session& ended, const std::optional<evidence::Written>& written) {
    model::AuditRecord record;
    record.time = *ended.finished;
    record.kind = "session.finish";
    record.session = facts().id;
    record.user = facts().user;
    record.source = facts().source;
    record.subject = facts().target;
    record.outcome = "ok";
    record.reason = ended.result;
    record.recording = evidence::recorded_text(ended.audit_key, written);
    log::info("session.finish", {{"session", ended.id}, {"user", ended.user}, {"result", ended.result},
                                    {"in", std::to_string(ended.bytes_in)}, {"out", std::to_string(ended.bytes_out)}});
    m_services.store.submit(
        [ended, record](store::Store& store) -> Result<void> {
            if (auto stored = store.session_finished(ended); !stored) return stored;
            return store.audit(record);
        },
        [self = shared_from_this(), ended](const Result<void>& stored) {
            if (!stored)
                log::error("session.not_stored", {{"session", self->facts().id}, {"reason", stored.error().full()}});
            self->m_services.session_finished(ended);
            self->m_services.live.leave(self->facts().id);
        },
        StoreWorker::When::Soon);
}

}  // namespace sekisho::gateway
