// The store in PostgreSQL, which several gateways may share. What has no values goes straight to libpq: one question, one answer.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>

#include "store/connection.h"

namespace sekisho::store {
namespace {

constexpr int kOldestServer = 130000;  // the first that says what became of a transaction

// A gateway that hangs must not hold up the others, and a lock that others hold must not hold up the sign-ins here for long.
constexpr const char* kSession =
    "SET lock_timeout = '10s'; SET statement_timeout = '60s'; "
    "SET idle_in_transaction_session_timeout = '60s'";

struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

/// On one line.
std::string flattened(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool blank = c == '\n' || c == '\t' || c == ' ';
        if (!blank)
            out += c;
        else if (!out.empty() && !out.ends_with(' '))
            out += ' ';
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

class PostgreSqlConnection final : public Connection {
public:
    explicit PostgreSqlConnection(std::unique_ptr<soci::session> sql)
        : Connection(std::move(sql)),
          m_connection(static_cast<soci::postgresql_session_backend*>(this->sql().get_backend())->conn_) {
        PQsetNoticeProcessor(m_connection, [](void*, const char*) {}, nullptr);
    }

    void run(const std::string& statement) override {
        const Answer answer = ask(statement);
        // A transaction that has failed answers a COMMIT so, without calling it an error.
        if (statement == "COMMIT" && std::string_view(PQcmdStatus(answer.get())) != "COMMIT")
            throw std::runtime_error("the database rolled the transaction back");
    }

    void limit_time(std::chrono::milliseconds limit) override {
        if (limit.count() > 0) ask(fmt::format("SET LOCAL statement_timeout = {}", limit.count()));
    }

    std::optional<std::uint32_t> version_of_others() override { return std::nullopt; }
    int changes() override { return 0; }
    bool alive() override {
        // Twice: the first reads the last words of a server that goes down, the second that it went.
        for (int i = 0; i < 2; ++i) {
            if (PQstatus(m_connection) != CONNECTION_OK || PQconsumeInput(m_connection) != 1) return false;
        }
        return PQstatus(m_connection) == CONNECTION_OK;
    }

    std::string transaction_id() override { return value_of(ask("SELECT pg_current_xact_id_if_assigned()")); }

    std::optional<bool> committed(const std::string& transaction_id) override {
        const std::string status = value_of(ask("SELECT pg_xact_status('" + transaction_id + "')"));
        if (status == "in progress") return std::nullopt;
        if (status != "committed" && status != "aborted")
            throw std::runtime_error("the database does not know the transaction any more");
        return status == "committed";
    }

    std::string parameter(const char* name) const {
        const char* value = PQparameterStatus(m_connection, name);
        return value == nullptr ? "" : value;
    }
    int version() const { return PQserverVersion(m_connection); }

private:
    Answer ask(const std::string& statement) {
        Answer answer(PQexec(m_connection, statement.c_str()));
        const ExecStatusType status = answer ? PQresultStatus(answer.get()) : PGRES_FATAL_ERROR;
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
        const char* said = answer ? PQresultErrorMessage(answer.get()) : PQerrorMessage(m_connection);
        throw std::runtime_error(flattened(said));
    }
    static std::string value_of(const Answer& answer) {
        return PQntuples(answer.get()) == 1 && PQgetisnull(answer.get(), 0, 0) == 0 ? PQgetvalue(answer.get(), 0, 0) : "";
    }

    PGconn* m_connection;  // the session's
};

/// libpq passes over a file that others can read with a word on stderr, and then has no password.
void check_passfile(const std::string& path) {
    struct stat facts{};
    if (path.empty()) return;
    if (::stat(path.c_str(), &facts) != 0 || ::access(path.c_str(), R_OK) != 0)
        throw std::runtime_error("the passfile " + path + " cannot be read");
    if ((facts.st_mode & 077) != 0)
        throw std::runtime_error(fmt::format("the passfile {} is open to others; run: chmod 600 {}", path, path));
}

class PostgreSqlBackend final : public Backend {
public:
    explicit PostgreSqlBackend(PostgreSqlUrl url) : m_url(std::move(url)), m_name(m_url.name()) {}

    const Dialect& dialect() const override { return kPostgreSql; }
    const std::string& name() const override { return m_name; }

    std::unique_ptr<Connection> connect() override {
        check_passfile(m_url.passfile());
        auto connection = std::make_unique<PostgreSqlConnection>(session());
        if (connection->version() < kOldestServer) throw std::runtime_error("PostgreSQL 13 or a newer one is wanted");
        if (const std::string encoding = connection->parameter("server_encoding"); encoding != "UTF8") {
            throw std::runtime_error(
                fmt::format("the database is encoded in {}; make one with CREATE DATABASE … ENCODING 'UTF8'", encoding));
        }
        connection->run(kSession);
        return connection;
    }

    /// A COMMIT is answered when it lasts; where somebody set synchronous_commit otherwise, that was meant.
    void sync() override {}

private:
    std::unique_ptr<soci::session> session() const {
        try {
            return std::make_unique<soci::session>(soci::postgresql, m_url.connect_url());
        } catch (const std::exception& error) {
            constexpr std::string_view kAlsoSays = "Cannot establish connection to the database.";
            std::string_view said = error.what();
            if (said.starts_with(kAlsoSays)) said.remove_prefix(kAlsoSays.size());
            throw std::runtime_error(flattened(said));
        }
    }

    PostgreSqlUrl m_url;
    std::string m_name;
};

}  // namespace

std::unique_ptr<Backend> postgresql_backend(PostgreSqlUrl url) {
    return std::make_unique<PostgreSqlBackend>(std::move(url));
}

}  // namespace sekisho::store
