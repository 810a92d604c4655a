#include "store/activity_tables.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "store/database.h"
#include "store/search_terms.h"

namespace sekisho::store {
namespace {

using soci::into;
using soci::use;

/// What is known of a session, as terms of all that was done in it.
class Sessions {
public:
    Sessions(soci::session& sql) : m_sql(sql) {}

    void add_facts(Terms& terms, const std::string& session, const std::string& target) {
        const auto known = m_known.find(session);
        const Terms& own = known == m_known.end() ? read(session) : known->second;
        terms.insert(terms.end(), own.begin(), own.end());
        const std::size_t at = target.rfind('@');
        terms.push_back(fact_term('t', at == std::string::npos ? target : target.substr(at + 1)));
        if (at != std::string::npos) terms.push_back(fact_term('l', target.substr(0, at)));
    }

private:
    const Terms& read(const std::string& session) {
        std::string user;
        std::string source;
        m_sql << "SELECT user_name, source FROM sessions WHERE id = :id", use(session), into(user), into(source);
        Terms terms;
        if (m_sql.got_data()) terms = {fact_term('u', user), fact_term('a', source)};
        return m_known.emplace(session, std::move(terms)).first->second;
    }

    soci::session& m_sql;
    std::map<std::string, Terms> m_known;
};

/// The part that both tables have in common: terms, and the times of chunks.
class Index {
public:
    Index(soci::session& sql, const Dialect& dialect, std::string_view table)
        : m_sql(sql), m_dialect(dialect), m_table(table) {
        if (m_dialect.terms_apart) {
            m_terms_insert.emplace((sql.prepare << fmt::format("INSERT INTO {}_terms (rowid, terms) VALUES (:n, :t)", table),
                use(m_number), use(m_terms)));
        }
    }

    std::string insert_text(std::string_view columns, std::string_view values) const {
        return fmt::format("INSERT INTO {} ({}{}) VALUES ({}{}", m_table, columns, m_dialect.terms_apart ? "" : ", terms",
            values, m_dialect.terms_apart ? ")" : ", CAST(:terms AS INTEGER[])) RETURNING number");
    }
    /// The last values of `statement`, before it is parsed.
    void bind(soci::statement& statement) {
        if (m_dialect.terms_apart) return;
        statement.exchange(use(m_terms));
        statement.exchange(into(m_number));
    }

    void run(soci::statement& insert, Terms terms, long long time) {
        m_terms = terms_text(m_dialect, terms);
        insert.execute(true);
        if (m_dialect.terms_apart) {
            m_sql.get_last_insert_id(m_table, m_number);
            m_terms_insert->execute(true);
        }
        const auto [chunk, is_new] = m_times.try_emplace(m_number / kRowsOfChunk, time, time);
        chunk->second.first = std::min(chunk->second.first, time);
        chunk->second.second = std::max(chunk->second.second, time);
    }

    void finish() {
        for (const auto& [chunk, times] : m_times) {
            m_sql << "INSERT INTO activity_times (kind, chunk, first_ms, last_ms) VALUES (:k, :c, :f, :l) "
                     "ON CONFLICT (kind, chunk) DO UPDATE SET "
                     "first_ms = CASE WHEN excluded.first_ms < activity_times.first_ms THEN excluded.first_ms "
                     "ELSE activity_times.first_ms END, "
                     "last_ms = CASE WHEN excluded.last_ms > activity_times.last_ms THEN excluded.last_ms "
                     "ELSE activity_times.last_ms END",
                use(m_table), use(chunk), use(times.first), use(times.second);
        }
        m_times.clear();
    }

private:
    soci::session& m_sql;
    const Dialect& m_dialect;
    std::string m_table;
    std::string m_terms;
    long long m_number = 0;
    std::optional<soci::statement> m_terms_insert;
    std::map<long long, std::pair<long long, long long>> m_times;
};

}  // namespace

class ActivityWrites::Commands {
public:
    Commands(soci::session& sql, const Dialect& dialect) : m_index(sql, dialect, "commands"), m_insert(sql) {
        m_insert.exchange(use(m_row.session));
        m_insert.exchange(use(m_channel));
        m_insert.exchange(use(m_time));
        for (std::string* text : {&m_how, &m_row.target, &m_row.text}) m_insert.exchange(use(*text));
        m_index.bind(m_insert);
        m_insert.alloc();
        m_insert.prepare(m_index.insert_text("session, channel, time_ms, how, target, text", ":s, :c, :t, :h, :o, :x"));
        m_insert.define_and_bind();
    }

    void insert(Sessions& sessions, const model::CommandRun& command) {
        m_row = {.session = storable(command.session), .text = storable(command.text), .target = storable(command.target)};
        m_channel = command.channel;
        m_time = base::unix_milliseconds(command.time);
        m_how = model::name(command.how);
        Terms terms = terms_of(m_row.text);
        sessions.add_facts(terms, m_row.session, m_row.target);
        m_index.run(m_insert, std::move(terms), m_time);
    }
    void finish() { m_index.finish(); }

private:
    model::CommandRun m_row;
    long long m_channel = 0;
    long long m_time = 0;
    std::string m_how;
    Index m_index;
    soci::statement m_insert;
};

class ActivityWrites::Files {
public:
    Files(soci::session& sql, const Dialect& dialect) : m_index(sql, dialect, "file_operations"), m_insert(sql) {
        m_insert.exchange(use(m_row.session));
        m_insert.exchange(use(m_channel));
        m_insert.exchange(use(m_time));
        for (std::string* text : {&m_row.operation, &m_row.path, &m_row.other_path}) m_insert.exchange(use(*text));
        m_insert.exchange(use(m_read));
        m_insert.exchange(use(m_written));
        for (std::string* text : {&m_row.sha256, &m_row.result, &m_row.via, &m_row.target}) m_insert.exchange(use(*text));
        m_index.bind(m_insert);
        m_insert.alloc();
        m_insert.prepare(
            m_index.insert_text("session, channel, time_ms, operation, path, other_path, bytes_read, bytes_written, "
                                "sha256, result, via, target",
                ":s, :c, :t, :o, :p, :q, :r, :w, :h, :e, :v, :g"));
        m_insert.define_and_bind();
    }

    void insert(Sessions& sessions, const model::FileOperation& operation) {
        m_row = operation;
        for (std::string* text : {&m_row.session, &m_row.operation, &m_row.path, &m_row.other_path, &m_row.sha256,
                 &m_row.result, &m_row.via, &m_row.target}) {
            *text = storable(*text);
        }
        m_channel = operation.channel;
        m_time = base::unix_milliseconds(operation.time);
        m_read = static_cast<long long>(operation.bytes_read);
        m_written = static_cast<long long>(operation.bytes_written);
        Terms terms = terms_of(m_row.path);
        const Terms other = m_row.other_path.empty() ? Terms() : terms_of(m_row.other_path);
        terms.insert(terms.end(), other.begin(), other.end());
        if (!m_row.sha256.empty()) terms.push_back(fact_term('h', m_row.sha256));
        sessions.add_facts(terms, m_row.session, m_row.target);
        m_index.run(m_insert, std::move(terms), m_time);
    }
    void finish() { m_index.finish(); }

private:
    model::FileOperation m_row;
    long long m_channel = 0;
    long long m_time = 0;
    long long m_read = 0;
    long long m_written = 0;
    Index m_index;
    soci::statement m_insert;
};

std::string terms_text(const Dialect& dialect, const Terms& terms) {
    std::string text;
    for (const Terms::value_type term : terms) {
        if (dialect.terms_apart)
            fmt::format_to(std::back_inserter(text), "{:08x} ", static_cast<std::uint32_t>(term));
        else
            fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : ",", term);
    }
    return dialect.terms_apart ? text : "{" + text + "}";
}

ActivityWrites::ActivityWrites(soci::session& sql, const Dialect& dialect) : m_sql(sql), m_dialect(dialect) {}
ActivityWrites::~ActivityWrites() = default;

void ActivityWrites::insert(std::span<const model::CommandRun> commands) {
    m_running = true;
    if (!m_commands) m_commands = std::make_unique<Commands>(m_sql, m_dialect);
    Sessions sessions(m_sql);
    for (const model::CommandRun& command : commands) m_commands->insert(sessions, command);
    m_commands->finish();
    m_running = false;
}

void ActivityWrites::insert(std::span<const model::FileOperation> operations) {
    m_running = true;
    if (!m_files) m_files = std::make_unique<Files>(m_sql, m_dialect);
    Sessions sessions(m_sql);
    for (const model::FileOperation& operation : operations) m_files->insert(sessions, operation);
    m_files->finish();
    m_running = false;
}

}  // namespace sekisho::store
