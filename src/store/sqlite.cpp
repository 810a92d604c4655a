// The store in a file. One process writes at a time; SQLite's own lock sees to it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <thread>

#include <soci/sqlite3/soci-sqlite3.h>

#include "store/connection.h"

namespace sekisho::store {
namespace {

constexpr std::string_view kInMemory = ":memory:";
constexpr int kPatience = 5000;  // milliseconds, with another who writes

sqlite_api::sqlite3* handle_of(soci::session& sql) {
    return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
}

class SqliteConnection final : public Connection {
public:
    using Connection::Connection;

    void run(const std::string& statement) override {
        auto parsed = m_parsed.find(statement);
        if (parsed == m_parsed.end())
            parsed = m_parsed.emplace(statement, soci::statement((sql().prepare << statement))).first;
        parsed->second.execute(true);
    }
    void limit_time(std::chrono::milliseconds limit) override {
        constexpr int kSteps = 10'000;  // of SQLite's machine, some of them a microsecond
        auto* handle = handle_of(sql());
        m_end = std::chrono::steady_clock::now() + limit;
        const auto is_late = [](void* end) -> int {
            return std::chrono::steady_clock::now() > *static_cast<std::chrono::steady_clock::time_point*>(end) ? 1 : 0;
        };
        sqlite_api::sqlite3_progress_handler(handle, limit.count() > 0 ? kSteps : 0, is_late, &m_end);
    }
    std::optional<std::uint32_t> version_of_others() override {
        auto* handle = handle_of(sql());
        std::uint32_t version = 0;
        const int asked = sqlite_api::sqlite3_file_control(handle, "main", SQLITE_FCNTL_DATA_VERSION, &version);
        return asked == SQLITE_OK ? std::optional(version) : std::nullopt;
    }
    int changes() override { return sqlite_api::sqlite3_total_changes(handle_of(sql())); }
    bool alive() override { return true; }
    std::string transaction_id() override { return {}; }
    std::optional<bool> committed(const std::string&) override { return std::nullopt; }

private:
    std::map<std::string, soci::statement> m_parsed;  // BEGIN, COMMIT, ROLLBACK
    std::chrono::steady_clock::time_point m_end;
};

/// A new file, under its name only when we have closed it.
void create_private(const std::string& path) {
    std::string beside = path + ".XXXXXX";
    const int fd = ::mkostemp(beside.data(), O_CLOEXEC);  // with 0600
    if (fd < 0) throw std::runtime_error(std::strerror(errno));
    ::close(fd);
    const int error = ::link(beside.c_str(), path.c_str()) == 0 || errno == EEXIST ? 0 : errno;
    ::unlink(beside.c_str());
    if (error != 0) throw std::runtime_error(std::strerror(error));
}

/// The file exists with 0600 before SQLite opens it: its -wal and -shm files take the same mode. A descriptor of it that is closed takes
/// SQLite's locks from all connections of this process (POSIX), and the next process that leaves the database deletes the log that we
/// write to. One of O_PATH has no part in locks.
void make_private(const std::string& path) {
    constexpr int kHow = O_PATH | O_CLOEXEC | O_NOFOLLOW;
    int fd = ::open(path.c_str(), kHow);
    if (fd < 0 && errno == ENOENT) {
        create_private(path);
        fd = ::open(path.c_str(), kHow);
    }
    if (fd < 0) throw std::runtime_error(std::strerror(errno));
    struct stat facts{};
    const bool known = ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
    const bool narrow =
        known && ((facts.st_mode & 077) == 0 || ::chmod(("/proc/self/fd/" + std::to_string(fd)).c_str(), 0600) == 0);
    ::close(fd);
    if (!known) throw std::runtime_error("it is not a file");
    if (!narrow) throw std::runtime_error("it can be read by others, and its mode cannot be changed");
}

/// Where several open a fresh file at once SQLite has no patience with the first step to its log, whatever busy_timeout says.
void keep_log(soci::session& sql) {
    using namespace std::chrono_literals;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatience);
    const auto try_it = [&] {
        return sqlite_api::sqlite3_exec(handle_of(sql), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    };
    int status = try_it();
    for (; status == SQLITE_BUSY && std::chrono::steady_clock::now() < until; status = try_it())
        std::this_thread::sleep_for(5ms);
    if (status != SQLITE_OK) throw std::runtime_error(sqlite_api::sqlite3_errmsg(handle_of(sql)));
}

class SqliteBackend final : public Backend {
public:
    explicit SqliteBackend(std::string file) : m_file(std::move(file)), m_name("the store " + m_file) {}

    const Dialect& dialect() const override { return kSqlite; }
    const std::string& name() const override { return m_name; }

    std::unique_ptr<Connection> connect() override {
        if (m_file.find('"') != std::string::npos) throw std::runtime_error("a quotation mark cannot stand in its path");
        if (m_file != kInMemory) make_private(m_file);
        auto sql = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + m_file + "\"");
        *sql << "PRAGMA busy_timeout = " + std::to_string(kPatience);
        keep_log(*sql);
        for (const char* pragma :
            {"PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON", "PRAGMA case_sensitive_like = ON"}) {
            *sql << pragma;
        }
        return std::make_unique<SqliteConnection>(std::move(sql));
    }

    /// SQLite leaves the log to the system until it copies it into the database, which may be hours (synchronous = NORMAL). There are
    /// no locks on the log's file: a descriptor of our own takes none away.
    void sync() override {
        if (m_file == kInMemory) return;
        const int fd = ::open((m_file + "-wal").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno == ENOENT) return;  // all of it is in the database
        const int error = fd < 0 || ::fdatasync(fd) != 0 ? errno : 0;
        if (fd >= 0) ::close(fd);
        if (error != 0) throw std::runtime_error(std::strerror(error));
    }

private:
    std::string m_file;
    std::string m_name;
};

}  // namespace

std::unique_ptr<Backend> sqlite_backend(std::string file) { return std::make_unique<SqliteBackend>(std::move(file)); }

}  // namespace sekisho::store
