// Order: make (store, recordings) → mark what the last run left cut → listen → run → goodbye. Members are destroyed in
// the order in which nobody can call the next one any more: see ~Gateway.
#include "gateway/serve.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/assert.h"
#include "base/log.h"
#include "base/network.h"
#include "base/thread_name.h"
#include "gateway/ca_control.h"
#include "gateway/checkpoints.h"
#include "gateway/farewell.h"
#include "gateway/loop_home.h"
#include "gateway/process_setup.h"
#include "gateway/shipping_books.h"
#include "gateway/telling.h"
#include "gateway/trust.h"
#include "gateway/users_from.h"
#include "keys/public_key.h"
#include "net/listener.h"
#include "net/signals.h"
#include "notify/monthly_log.h"
#include "recording/folder.h"
#include "shipping/fetch.h"
#include "shipping/shipping.h"

namespace sekisho::gateway {

namespace {

constexpr unsigned kWorkers = 4;
constexpr std::chrono::seconds kAccessPoll{1};
constexpr unsigned kSignaturesNoted = 60;  // polls of access
constexpr std::chrono::milliseconds kGoodbyePoll{20};
constexpr std::chrono::seconds kGoodbyeMost{10};

void set_log_level(const std::string& level) {
    using log::Level;
    log::threshold(level == "debug"   ? Level::Debug
                   : level == "warn"  ? Level::Warn
                   : level == "error" ? Level::Error
                                      : Level::Info);
}

model::AuditRecord about_gateway(std::string kind, std::string subject, std::string reason) {
    model::AuditRecord record;
    record.kind = std::move(kind);
    record.subject = std::move(subject);
    record.outcome = "ok";
    record.reason = std::move(reason);
    return record;
}

class Gateway final : public model::LiveGateway {
public:
    Gateway(keyholder::Process& keyholder, ServeHooks hooks) : m_keyholder(keyholder), m_hooks(std::move(hooks)) {}
    ~Gateway() override;

    Result<void> prepare(const model::Config& config);
    Result<void> listen();
    void run();

    std::vector<model::Session> live_sessions() override { return m_services->live.list(); }
    bool end_session(const std::string& id_or_audit_key, const std::string& reason) override {
        return m_services->live.end(id_or_audit_key, reason);
    }
    void settle() override {
        m_recordings->settle();  // which hands its ends on to the store
        m_store_worker->settle();
    }
    bool watch_session(const std::string& id, std::shared_ptr<model::SessionWatcher> watcher) override {
        return m_services->live.watch(id, std::move(watcher));
    }
    Result<void> fetch_recording(
        const std::string& audit_key, const std::string& session, std::shared_ptr<model::FileSink> sink) override {
        if (!m_fetcher) return LiveGateway::fetch_recording(audit_key, session, std::move(sink));
        if (!session.empty() && !shipping::is_session_id(session)) return fail("that is not the id of a session");
        return m_fetcher->fetch(audit_key, session, std::move(sink));
    }
    void access_changed() override { read_access(true); }
    std::vector<model::SourcePenalty> penalties() override {
        return m_services->doorkeeper.penalties(std::chrono::steady_clock::now());
    }
    std::optional<model::UserCa> user_ca() override { return m_ca.lines(); }
    Result<model::UserCa> change_user_ca(model::CaStep step) override {
        return m_ca.change(step, [this](model::CaStep taken, std::function<void(Result<Bytes>)> done) {
            LoopHome* home = m_homes.front().get();
            home->loop().post([home, taken, done = std::move(done)] { home->keys().change_user_ca(taken, done); });
        });
    }

    Result<void> wrap_secret(model::TargetSecret& secret, const Bytes& sealed) override;

private:
    Result<void> after_the_last_run(const std::string& folder);
    recording::EndSigner end_signer();
    Result<void> make_shipping(const model::Config& config);
    shipping::ShipSettings ship_settings() const;
    void note(notify::MonthlyLog::Moment moment, const model::Session& session);
    void adopt_evidence(keyholder::Links& links);
    void adopt(keyholder::Links links);
    void watch_keyholder();
    void note_host_signatures();
    void read_accept_rules(const model::Config& config);
    void accepted(int fd, net::Endpoint peer);
    void signalled(int number);
    void reload();
    void read_access(bool even_if_unchanged);
    void end_removed_users();
    void poll_access();
    void stop();
    void wait_for_goodbyes();
    void sign_the_end();

    keyholder::Process& m_keyholder;
    ServeHooks m_hooks;
    std::unique_ptr<store::Store> m_store;
    EvidenceLink m_evidence;
    Checkpoints m_checkpoints{m_evidence};
    std::unique_ptr<StoreWorker> m_store_worker;
    std::unique_ptr<recording::Recordings> m_recordings;
    std::unique_ptr<notify::MonthlyLog> m_monthly;
    std::unique_ptr<net::WorkerPool> m_pool;
    std::unique_ptr<Services> m_services;
    CaControl m_ca;
    AnswerWait m_wrapping{"`sekisho target secret ls` tells what is stored"};
    std::unique_ptr<UsersFrom> m_users_from;
    std::unique_ptr<ShippingBooks> m_books;
    std::unique_ptr<shipping::Shipping> m_shipping;
    std::unique_ptr<shipping::Fetcher> m_fetcher;
    std::unique_ptr<Telling> m_telling;
    std::vector<std::unique_ptr<LoopHome>> m_homes;
    std::thread m_keyholder_watch;
    std::vector<std::unique_ptr<net::Listener>> m_listeners;
    std::unique_ptr<Farewell> m_farewell;  // on the listeners' loop
    std::unique_ptr<net::Signals> m_signals;
    std::unique_ptr<net::Timer> m_timer;  // access while running, goodbyes afterwards
    TimePoint m_goodbye_until{};
    std::atomic<unsigned> m_reloads = 0;
    unsigned m_polls = 0;
    // Of the loop that accepts.
    std::uint64_t m_most_connections = 0;
    std::vector<base::Network> m_proxies;
    std::atomic<bool> m_reading = false;  // access; a store that is slow is not asked again meanwhile
    bool m_stopping = false;
    std::atomic<bool> m_leaving = false;
};

// --- make ---

Result<void> Gateway::prepare(const model::Config& config) {
    set_log_level(config.log.level);
    auto store = store::open_store(config.store_url, config.data_dir);
    if (!store) return std::unexpected(store.error());
    m_store = std::move(*store);
    const std::string folder = config.path(config.recording.dir);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail("the folder of recordings " + folder + ": " + error.message());
    if (auto known = m_evidence.has(m_keyholder.public_parts().evidence); !known) return known;
    keyholder::Links links = m_keyholder.take_links();
    adopt_evidence(links);
    if (auto done = after_the_last_run(folder); !done) return done;
    auto access = m_store->access();
    if (!access) return std::unexpected(access.error());

    m_store_worker = std::make_unique<StoreWorker>(*m_store);
    m_store_worker->afterwards([this](store::Store& of) { m_checkpoints.look(of, std::chrono::steady_clock::now()); });
    std::vector<recording::AuditorKey> seal_to;
    for (const std::string& text : config.recording.seal_to) {
        auto key = recording::parse_auditor_key(text);
        if (!key) return std::unexpected(key.error());
        seal_to.push_back(*key);
    }
    const bool sealed = !seal_to.empty();
    m_recordings = recording::make_recordings(folder, std::move(seal_to), end_signer());
    m_pool = std::make_unique<net::WorkerPool>(kWorkers);
    read_accept_rules(config);
    m_services = std::make_unique<Services>(config, *m_pool, *m_store_worker, *m_recordings);
    for (const auto& key : m_keyholder.public_parts().host_keys) m_services->host_keys.push_back({key.blob, key.algorithms});
    m_services->sealed = sealed;
    m_services->host_ca = !m_keyholder.public_parts().host_ca.empty();
    m_ca.has(m_keyholder.public_parts().user_ca);
    m_services->access.store(make_snapshot(std::move(*access)));
    m_services->read_file = [this](const std::string& path, std::size_t most) { return m_keyholder.read_file(path, most); };
    read_trust(config, *m_services, [] { return true; });
    if (!config.log.monthly_dir.empty()) {
        m_monthly = std::make_unique<notify::MonthlyLog>(config.log.monthly_dir);
        m_services->session_started = [this](const model::Session& session) {
            note(notify::MonthlyLog::Moment::Start, session);
        };
        m_services->session_finished = [this](const model::Session& session) {
            note(notify::MonthlyLog::Moment::Finish, session);
        };
    }
    auto source = identity::make_users_source(config, m_services->read_file);
    if (!source) return fail("users_from: " + source.error().text, source.error().detail);
    if (*source) m_users_from = std::make_unique<UsersFrom>(*m_services, std::move(*source), [this] { read_access(true); });
    if (auto made = make_shipping(config); !made) return made;
    auto telling = Telling::make(
        config, m_services->read_file, [this](model::AuditRecord record) { m_store_worker->audit(std::move(record)); });
    if (!telling) return std::unexpected(telling.error());
    m_telling = std::move(*telling);
    for (std::size_t i = 0; i < loop_count(config); ++i) m_homes.push_back(std::make_unique<LoopHome>(*m_services));
    adopt(std::move(links));
    return {};
}

Result<void> Gateway::make_shipping(const model::Config& config) {
    auto bucket = shipping::open_bucket(config, m_services->read_file, true);
    if (!bucket) return fail("recording.upload: " + bucket.error().text, bucket.error().detail);
    if (!*bucket) return {};
    m_fetcher = std::make_unique<shipping::Fetcher>(
        [this, config] { return shipping::open_bucket(config, m_services->read_file, false); });
    m_books = std::make_unique<ShippingBooks>(*m_store_worker);
    m_shipping = std::make_unique<shipping::Shipping>(config.recording.upload.url, std::move(*bucket), *m_books,
        [this] { return ship_settings(); },
        [this](bool full) { m_recordings->refuse_new(full ? "the recordings here take more than recording.upload.local_limit" : ""); });
    return {};
}

/// As the configuration has it now.
shipping::ShipSettings Gateway::ship_settings() const {
    const auto config = m_services->config.load();
    const model::UploadConfig& upload = config->recording.upload;
    return {.folder = config->path(config->recording.dir),
        .every = upload.every,
        .keep_local = upload.keep_local,
        .local_limit = upload.local_limit,
        .delete_shipped = upload.when_full == "delete-shipped",
        .keep_remote = upload.keep_remote};
}

recording::EndSigner Gateway::end_signer() {
    if (m_evidence.fingerprint().empty()) return {};
    return {m_evidence.fingerprint(),
        [this](const evidence::Digest& root, std::uint32_t count) { return m_evidence.sign(root, count); }};
}

/// Sessions and recordings that a killed gateway left without an end.
Result<void> Gateway::after_the_last_run(const std::string& folder) {
    const WallTime now = std::chrono::system_clock::now();
    auto dangling = m_store->close_dangling_sessions(now);
    if (!dangling) return std::unexpected(dangling.error());
    for (const auto& session : *dangling) {
        model::AuditRecord record =
            about_gateway("session.finish", session.target, "cut: the gateway ended without a goodbye");
        record.time = now;
        record.session = session.id;
        record.user = session.user;
        record.source = session.source;
        record.outcome = "failed";
        record.recording = evidence::recorded_text(session.audit_key);
        if (auto kept = m_store->audit(record); !kept) return kept;
    }
    for (const auto& [audit_key, written] : recording::mark_cut(folder, end_signer())) {
        log::warn("recording.cut", {{"audit_key", audit_key}});
        model::AuditRecord record = about_gateway("recording.cut", audit_key, "the gateway ended while it was written");
        record.time = now;
        record.outcome = "failed";
        record.recording = evidence::recorded_text(audit_key, written);
        if (auto kept = m_store->audit(record); !kept) return kept;
    }
    return {};
}

/// On the store's thread: a line may wait for the disk, and START stands before FINISH there.
void Gateway::note(notify::MonthlyLog::Moment moment, const model::Session& session) {
    const WallTime when =
        moment == notify::MonthlyLog::Moment::Start ? session.started : session.finished.value_or(session.started);
    const auto written = m_monthly->write(moment, session.user, session.source, when);
    if (!written) log::warn_limited("monthly_log.failed", {{"reason", written.error().full()}});
}

// --- listen, run ---

Result<void> Gateway::listen() {
    for (const auto& address : m_services->config.load()->ssh.listen) {
        const auto parsed = base::parse_host_port(address);
        if (!parsed) return fail("ssh.listen: \"" + address + "\" is not HOST:PORT");
        auto listener = net::Listener::open(m_homes.front()->loop(), parsed->host, parsed->port);
        if (!listener) return std::unexpected(listener.error());
        m_listeners.push_back(std::move(*listener));
    }
    return {};
}

void Gateway::run() {
    net::Loop& first = m_homes.front()->loop();
    m_signals = std::make_unique<net::Signals>(
        first, std::initializer_list<int>{SIGHUP, SIGTERM, SIGINT}, [this](int number) { signalled(number); });
    m_timer = std::make_unique<net::Timer>(first);
    m_farewell = std::make_unique<Farewell>(first);
    for (auto& listener : m_listeners) {
        listener->start([this](int fd, net::Endpoint peer) { accepted(fd, std::move(peer)); });
        log::info("gateway.listening", {{"address", listener->local().text()}});
    }
    m_store_worker->audit(about_gateway("gateway.start", "", ""));
    poll_access();
    m_keyholder_watch = std::thread([this] { watch_keyholder(); });
    if (m_users_from) m_users_from->start();
    if (m_shipping) m_shipping->start();
    if (m_telling) m_telling->start();
    for (std::size_t i = 1; i < m_homes.size(); ++i) m_homes[i]->loop().start();
    notify_supervisor("READY=1");
    first.run();
}

// --- the keyholder ---

/// The last one is for evidence.
void Gateway::adopt_evidence(keyholder::Links& links) {
    SEKISHO_ASSERT(!links.empty());
    m_evidence.adopt(std::move(links.back()));
    links.pop_back();
}

void Gateway::adopt(keyholder::Links links) {
    SEKISHO_ASSERT(links.size() == m_homes.size());
    for (std::size_t i = 0; i < links.size(); ++i) {
        m_homes[i]->loop().post([home = m_homes[i].get(), fd = links[i].release()] { home->keys().adopt(fd); });
    }
}

/// On a thread of its own, which sleeps as long as nothing happens to the keyholder.
void Gateway::watch_keyholder() {
    using Kind = keyholder::Process::News::Kind;
    base::name_this_thread("keyholder-watch");
    while (true) {
        auto news = m_keyholder.next();
        model::AuditRecord record =
            about_gateway(news.kind == Kind::Started ? "keyholder.start" : "keyholder.end", "", news.text);
        if (news.kind == Kind::Started) {
            m_ca.has(news.user_ca);
            adopt_evidence(news.links);
            adopt(std::move(news.links));
            log::info("keyholder.started");
        } else {
            if (news.kind == Kind::Over && m_leaving) return;
            if (news.kind == Kind::Over) record.reason = "its spawner is gone; restart the gateway";
            record.outcome = "failed";
            log::error("keyholder.ended", {{"reason", record.reason}});
        }
        m_store_worker->audit(std::move(record));
        if (news.kind == Kind::Over) return;
    }
}

/// One record a minute: whoever connects causes such a signature, and must not be able to fill the store with them.
void Gateway::note_host_signatures() {
    std::uint64_t count = 0;
    for (auto& home : m_homes) count += home->keys().take_host_signatures();
    if (count == 0) return;
    m_store_worker->audit(
        about_gateway("keyholder.signed", "host keys", std::to_string(count) + " signatures in key exchanges"));
}

void Gateway::read_accept_rules(const model::Config& config) {
    m_most_connections = config.ssh.max_connections;
    m_proxies.clear();
    for (const std::string& text : config.ssh.proxy_protocol) {
        if (const auto network = base::Network::parse(text)) m_proxies.push_back(*network);
    }
}

/// To the loop with the fewest connections; of equals the first, which is this one: then no other thread has to be woken.
void Gateway::accepted(int fd, net::Endpoint peer) {
    std::size_t connections = 0;
    for (const auto& home : m_homes) connections += home->connections();
    if (connections >= m_most_connections) return m_farewell->say(fd, peer, TurnedAway::Connections);
    const auto& home = *std::ranges::min_element(m_homes, {}, [](const auto& one) { return one->connections(); });
    const auto address = base::Address::parse(peer.address);
    if (address && std::ranges::any_of(m_proxies, [&](const auto& network) { return network.contains(*address); })) {
        return home->adopt_proxied(fd, std::move(peer));
    }
    auto admitted = m_services->doorkeeper.admit(peer, m_homes.front()->loop().now());
    if (const auto* why = std::get_if<TurnedAway>(&admitted)) return m_farewell->say(fd, peer, *why);
    home->adopt(fd, std::move(peer), std::move(std::get<Stranger>(admitted)));
}

void Gateway::signalled(int number) { number == SIGHUP ? reload() : stop(); }

/// Live sessions keep the configuration they began with; new ones get this one. Listeners, keys and store stay as they are.
void Gateway::reload() {
    read_access(true);
    if (!m_hooks.reload_config) return;
    auto config = m_hooks.reload_config();
    model::AuditRecord record = about_gateway("gateway.reload", "configuration", config ? "" : config.error().full());
    if (!config) record.outcome = "failed";
    m_store_worker->audit(std::move(record));
    if (!config) return log::error("gateway.reload_failed", {{"reason", config.error().full()}});
    set_log_level(config->log.level);
    m_services->doorkeeper.configure(config->ssh);
    read_accept_rules(*config);
    m_services->config.store(std::make_shared<const model::Config>(std::move(*config)));
    if (m_users_from) m_users_from->look();
    if (m_shipping) m_shipping->look();
    m_pool->submit([this, number = ++m_reloads, current = m_services->config.load()] {
        read_trust(*current, *m_services, [this, number] { return m_reloads == number; });
        log::info("gateway.reloaded");
    });
}

void Gateway::read_access(bool even_if_unchanged) {
    if (m_reading.exchange(true) && !even_if_unchanged) return;
    m_store_worker->submit(
        [this, even_if_unchanged](store::Store& store) -> Result<void> {
            const auto version = store.access_version();
            if (!version) return std::unexpected(version.error());
            if (!even_if_unchanged && *version == m_services->access.load()->access.version) return {};
            auto access = store.access();
            if (!access) return std::unexpected(access.error());
            m_services->access.store(make_snapshot(std::move(*access)));
            log::info("access.read", {{"version", std::to_string(*version)}});
            end_removed_users();
            return {};
        },
        [this](const Result<void>& read) {
            m_reading = false;
            if (!read) log::warn_limited("access.not_read", {{"reason", read.error().full()}});
        });
}

/// Whoever was removed has nothing more to do here, however the removal came about. On the store's thread.
void Gateway::end_removed_users() {
    const auto snapshot = m_services->access.load();
    for (const model::Session& session : m_services->live.list()) {
        if (session.user.empty() || snapshot->access.user(session.user)) continue;
        if (!m_services->live.end(session.id, kUserRemoved)) continue;
        model::AuditRecord record = about_gateway("session.end", "", "the user was removed");
        record.session = session.id;
        record.user = session.user;
        record.source = session.source;
        m_store_worker->audit(std::move(record));
    }
}

/// Another process may write to the store (apply without a gateway at hand, another gateway).
void Gateway::poll_access() {
    m_timer->after(kAccessPoll, [this] {
        read_access(false);
        if (++m_polls % kSignaturesNoted == 0) note_host_signatures();
        poll_access();
    });
}

// --- stored credentials ---

Result<void> Gateway::wrap_secret(model::TargetSecret& secret, const Bytes& sealed) {
    const auto kind = secret.kind == model::TargetAuth::Password ? keys::SecretKind::Password : keys::SecretKind::Key;
    keyholder::WrapSecret wanted{{kind, secret.target, secret.login}, sealed};
    const auto answer = m_wrapping.ask([&](std::function<void(Result<Bytes>)> done) {
        LoopHome* home = m_homes.front().get();
        home->loop().post([home, wanted, done = std::move(done)] { home->keys().wrap_secret(wanted, done); });
    });
    if (!answer) return std::unexpected(answer.error());
    auto wrapped = keyholder::decode_wrapped(*answer);
    if (!wrapped) return std::unexpected(wrapped.error());
    secret.wrapped = std::move(wrapped->wrapped);
    secret.public_key.clear();
    if (wrapped->public_key.empty()) return {};
    const auto key = keys::PublicKey::from_blob(wrapped->public_key);
    if (!key) return std::unexpected(key.error());
    secret.public_key = key->line();
    return {};
}

// --- goodbye ---

void Gateway::stop() {
    if (m_stopping) return;
    m_stopping = true;
    notify_supervisor("STOPPING=1");
    log::info("gateway.stopping", {{"sessions", std::to_string(m_services->live.count())}});
    for (auto& listener : m_listeners) listener->stop();
    m_ca.stop();
    m_wrapping.stop();
    if (m_hooks.stopping) m_hooks.stopping();
    m_store_worker->hurry();
    for (auto& home : m_homes) home->say_goodbye("The gateway is going down. Connect again in a moment.");
    m_goodbye_until = std::chrono::steady_clock::now() + kGoodbyeMost;
    wait_for_goodbyes();
}

void Gateway::wait_for_goodbyes() {
    m_timer->after(kGoodbyePoll, [this] {
        const bool late = std::chrono::steady_clock::now() >= m_goodbye_until;
        if (m_services->live.count() > 0 && !late) return wait_for_goodbyes();
        note_host_signatures();
        m_store_worker->audit(about_gateway("gateway.stop", "", ""));
        for (auto& home : m_homes) home->loop().stop();
    });
}

/// Everything that happened is in the store by now, where that can be reached.
void Gateway::sign_the_end() {
    if (!m_store_worker) return;
    m_store_worker->settle();
    m_store_worker->submit([this](store::Store& store) { return m_checkpoints.sign(store); }, [](const Result<void>&) {});
    m_store_worker->settle();
}

Gateway::~Gateway() {
    m_leaving = true;
    m_users_from.reset();
    m_shipping.reset();
    m_fetcher.reset();
    for (auto& home : m_homes) home->loop().stop();
    for (auto& home : m_homes) home->loop().join();
    m_timer.reset();
    m_signals.reset();
    m_listeners.clear();
    m_farewell.reset();
    // No loop runs any more. Whoever posts to one goes first, then what the loops still hold.
    m_pool.reset();
    m_recordings.reset();
    sign_the_end();
    m_keyholder.hang_up();
    if (m_keyholder_watch.joinable()) m_keyholder_watch.join();
    if (m_telling) m_telling->hush();
    m_store_worker.reset();
    m_telling.reset();  // with all that is in the store by now
    m_homes.clear();
    m_services.reset();
}

}  // namespace

std::size_t loop_count(const model::Config& config) {
    return config.loops != 0 ? config.loops : std::max(1u, std::thread::hardware_concurrency());
}

std::size_t link_count(const model::Config& config) { return loop_count(config) + 1; }

int run_gateway(const model::Config& config, keyholder::Process& keyholder, ServeHooks hooks) {
    prepare_process();
    const auto failed = [](const Error& error) {
        log::error("gateway.failed", {{"reason", error.full()}});
        return 1;
    };
    const auto started = hooks.started;
    Gateway gateway(keyholder, std::move(hooks));
    if (auto prepared = gateway.prepare(config); !prepared) return failed(prepared.error());
    if (auto listening = gateway.listen(); !listening) return failed(listening.error());
    if (started) {
        if (auto ready = started(gateway); !ready) return failed(ready.error());
    }
    gateway.run();
    return 0;
}

}  // namespace sekisho::gateway
