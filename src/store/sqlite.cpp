// The store in a file. One process writes at a time; SQLite's own lock sees to it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>

#include <soci/sqlite3/soci-sqlite3.h>

#include "store/connection.h"

namespace sekisho::store {
namespace {

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
        auto* handle = static_cast<soci::sqlite3_session_backend*>(sql().get_backend())->conn_;
        m_end = std::chrono::steady_clock::now() + limit;
        const auto is_late = [](void* end) -> int {
            return std::chrono::steady_clock::now() > *static_cast<std::chrono::steady_clock::time_point*>(end) ? 1 : 0;
        };
        sqlite_api::sqlite3_progress_handler(handle, limit.count() > 0 ? kSteps : 0, is_late, &m_end);
    }
    std::optional<std::uint32_t> version_of_others() override {
        auto* handle = static_cast<soci::sqlite3_session_backend*>(sql().get_backend())->conn_;
        std::uint32_t version = 0;
        const int asked = sqlite_api::sqlite3_file_control(handle, "main", SQLITE_FCNTL_DATA_VERSION, &version);
        return asked == SQLITE_OK ? std::optional(version) : std::nullopt;
    }
    bool alive() override { return true; }
    std::string transaction_id() override { return {}; }
    std::optional<bool> committed(const std::string&) override { return std::nullopt; }

private:
    std::map<std::string, soci::statement> m_parsed;  // BEGIN, COMMIT, ROLLBACK
    std::chrono::steady_clock::time_point m_end;
};

/// The file exists with 0600 before SQLite opens it: its -wal and -shm files take the same mode.
void make_private(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) throw std::runtime_error(std::strerror(errno));
    struct stat facts{};
    const bool narrow = ::fstat(fd, &facts) == 0 && ((facts.st_mode & 077) == 0 || ::fchmod(fd, 0600) == 0);
    ::close(fd);
    if (!narrow) throw std::runtime_error("it can be read by others, and its mode cannot be changed");
}

class SqliteBackend final : public Backend {
public:
    explicit SqliteBackend(std::string file) : m_file(std::move(file)), m_name("the store " + m_file) {}

    const Dialect& dialect() const override { return kSqlite; }
    const std::string& name() const override { return m_name; }

    std::unique_ptr<Connection> connect() override {
        if (m_file.find('"') != std::string::npos) throw std::runtime_error("a quotation mark cannot stand in its path");
        if (m_file != ":memory:") make_private(m_file);
        auto sql = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + m_file + "\"");
        for (const char* pragma : {"PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
                 "PRAGMA foreign_keys = ON", "PRAGMA case_sensitive_like = ON"}) {
            *sql << pragma;
        }
        return std::make_unique<SqliteConnection>(std::move(sql));
    }

private:
    std::string m_file;
    std::string m_name;
};

}  // namespace

std::unique_ptr<Backend> sqlite_backend(std::string file) { return std::make_unique<SqliteBackend>(std::move(file)); }

}  // namespace sekisho::store
