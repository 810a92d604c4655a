// Search in three steps: the terms of what is sought lead to rows (a full-text table in SQLite, an inverted index in PostgreSQL), the
// times of chunks bound their numbers, and each row is looked at again. The newest come first, so that what is common ends early.
#include "store/search_tables.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/activity_tables.h"
#include "store/database.h"
#include "store/query.h"
#include "store/search_terms.h"

namespace sekisho::store {
namespace {

constexpr std::size_t kMostHits = 10'000;
constexpr long long kNewestRows = 16 * kRowsOfChunk;

/// What one table is asked for.
struct Sought {
    std::string_view table;
    std::vector<std::string> columns;  // that a text may stand in
    std::vector<std::string> texts;
    std::string sha256;
};

/// Numbers that rows of the wanted time have; nothing: there are none.
struct Numbers {
    long long first = 0;
    long long last = 0;
    bool all = false;  // every row has one of them: not worth a condition
};

std::optional<Numbers> numbers_of(soci::session& sql, std::string_view table, const ActivityFilter& filter) {
    Query query(sql, "SELECT MIN(chunk), MAX(chunk) FROM activity_times");
    query.where("kind = ?", std::string(table));
    if (filter.since) query.where("last_ms >= ?", static_cast<long long>(base::unix_milliseconds(*filter.since)));
    if (filter.until) query.where("first_ms <= ?", static_cast<long long>(base::unix_milliseconds(*filter.until)));
    long long first = 0;
    long long last = 0;
    soci::indicator there = soci::i_null;
    soci::indicator there_too = soci::i_null;
    query.statement().exchange(soci::into(first, there));
    query.statement().exchange(soci::into(last, there_too));
    query.run();
    if (!query.statement().fetch() || there != soci::i_ok) return std::nullopt;
    return Numbers{first * kRowsOfChunk, last * kRowsOfChunk + (kRowsOfChunk - 1), !filter.since && !filter.until};
}

/// Calls `read(numbers, most)` for the newest rows, and for the others where those did not fill the answer. An inverted index names all
/// rows that have a term before anybody knows the newest of them: for a common word these are found sooner row by row. The full-text
/// table of SQLite names the newest first by itself.
template <class Read>
std::vector<ActivityHit> newest_first(const Dialect& dialect, const Numbers& numbers, std::size_t most, const Read& read) {
    if (dialect.terms_apart || numbers.last - numbers.first < kNewestRows) return read(numbers, most);
    const long long newest = numbers.last - kNewestRows + 1;
    std::vector<ActivityHit> hits = read(Numbers{newest, numbers.last}, most);
    if (hits.size() < most) {
        auto older = read(Numbers{numbers.first, newest - 1}, most - hits.size());
        std::ranges::move(older, std::back_inserter(hits));
    }
    return hits;
}

Terms terms_of(const Sought& sought, const ActivityFilter& filter) {
    Terms terms;
    for (const std::string& text : sought.texts) {
        const Terms more = terms_sought(text);
        terms.insert(terms.end(), more.begin(), more.end());
    }
    if (!filter.user.empty()) terms.push_back(fact_term('u', storable(filter.user)));
    if (!filter.source.empty()) terms.push_back(fact_term('a', storable(filter.source)));
    if (!filter.target.empty()) terms.push_back(fact_term('t', storable(filter.target)));
    if (!filter.login.empty()) terms.push_back(fact_term('l', storable(filter.login)));
    if (!sought.sha256.empty()) terms.push_back(fact_term('h', sought.sha256));
    std::ranges::sort(terms);
    const auto rest = std::ranges::unique(terms);
    terms.erase(rest.begin(), rest.end());
    return terms;
}

/// FROM, and the conditions: `columns` are of table a, and of its session s.
Query query_of(soci::session& sql, const Dialect& dialect, const Sought& sought, const ActivityFilter& filter,
    const Numbers& numbers, std::size_t most, std::string_view columns) {
    const Terms terms = terms_of(sought, filter);
    const bool apart = dialect.terms_apart && !terms.empty();
    std::string from = apart ? fmt::format("{0}_terms CROSS JOIN {0} a ON a.number = {0}_terms.rowid", sought.table)
                             : fmt::format("{} a", sought.table);
    Query query(sql,
        fmt::format("SELECT a.session, a.channel, a.time_ms, a.target, COALESCE(s.audit_key, ''), "
                    "COALESCE(s.user_name, ''), COALESCE(s.source, ''), {} FROM {} LEFT JOIN sessions s ON s.id = a.session",
            columns, from));
    if (apart)
        query.where(fmt::format("{}_terms MATCH ?", sought.table), terms_text(dialect, terms));
    else if (!terms.empty())
        query.where("a.terms @> CAST(? AS INTEGER[])", terms_text(dialect, terms));
    const std::string number = apart ? fmt::format("{}_terms.rowid", sought.table) : "a.number";
    if (!numbers.all) query.where(number + " BETWEEN ? AND ?", numbers.first, numbers.last);
    if (filter.since) query.where("a.time_ms >= ?", static_cast<long long>(base::unix_milliseconds(*filter.since)));
    if (filter.until) query.where("a.time_ms <= ?", static_cast<long long>(base::unix_milliseconds(*filter.until)));
    for (const std::string& text : sought.texts) {
        if (!looked_at_again(text)) continue;
        const std::string word = in_small_letters(storable(text));
        const auto stands_in = [&](const std::string& column) {
            return fmt::format("{}(lower(a.{}), ?) > 0", dialect.position, column);
        };
        if (sought.columns.size() == 1)
            query.where(stands_in(sought.columns[0]), word);
        else
            query.where(fmt::format("({} OR {})", stands_in(sought.columns[0]), stands_in(sought.columns[1])), word, word);
    }
    if (!filter.user.empty()) query.where("s.user_name = ?", storable(filter.user));
    if (!filter.source.empty()) query.where("s.source = ?", storable(filter.source));
    if (!filter.target.empty()) {
        const std::string target = storable(filter.target);
        query.where("(a.target = ? OR a.target LIKE ? ESCAPE '\\')", target, "%@" + like_text(target));
    }
    if (!filter.login.empty()) query.where("a.target LIKE ? ESCAPE '\\'", like_text(storable(filter.login)) + "@%");
    if (!sought.sha256.empty()) query.where("a.sha256 = ?", sought.sha256);
    query.append(fmt::format(" ORDER BY {} DESC LIMIT ?", number), static_cast<long long>(most));
    return query;
}

/// The columns that both tables have.
struct Row {
    ActivityHit hit;
    std::string session;
    std::string target;
    long long channel = 0;
    long long time = 0;

    void bind(Query& query) {
        query.into(session);
        query.into(channel);
        query.into(time);
        query.into(target);
        for (std::string* text : {&hit.audit_key, &hit.user, &hit.source}) query.into(*text);
    }
};

std::vector<ActivityHit> commands_of(soci::session& sql, const Dialect& dialect, const Sought& sought,
    const ActivityFilter& filter, const Numbers& numbers, std::size_t most) {
    Query query = query_of(sql, dialect, sought, filter, numbers, most, "a.how, a.text");
    Row row;
    std::string how;
    std::string text;
    row.bind(query);
    query.into(how);
    query.into(text);
    query.run();
    std::vector<ActivityHit> hits;
    while (query.statement().fetch()) {
        row.hit.command = model::CommandRun{.session = row.session,
            .channel = static_cast<std::uint32_t>(row.channel),
            .time = base::from_unix_milliseconds(row.time),
            .text = text,
            .how = model::parse_command_how(how).value_or(model::CommandHow::Exec),
            .target = row.target};
        hits.push_back(row.hit);
    }
    return hits;
}

std::vector<ActivityHit> commands(soci::session& sql, const Dialect& dialect, const ActivityFilter& filter) {
    Sought sought{.table = "commands", .columns = {"text"}, .texts = filter.words, .sha256 = {}};
    if (!filter.command.empty()) sought.texts.push_back(filter.command);
    const auto numbers = numbers_of(sql, sought.table, filter);
    if (!numbers) return {};
    return newest_first(dialect, *numbers, std::min(filter.most, kMostHits),
        [&](const Numbers& these, std::size_t most) { return commands_of(sql, dialect, sought, filter, these, most); });
}

std::vector<ActivityHit> files_of(soci::session& sql, const Dialect& dialect, const Sought& sought,
    const ActivityFilter& filter, const Numbers& numbers, std::size_t most) {
    Query query = query_of(sql, dialect, sought, filter, numbers, most,
        "a.operation, a.path, a.other_path, a.bytes_read, a.bytes_written, a.sha256, a.result, a.via");
    Row row;
    model::FileOperation found;
    long long bytes_read = 0;
    long long bytes_written = 0;
    row.bind(query);
    for (std::string* text : {&found.operation, &found.path, &found.other_path}) query.into(*text);
    query.into(bytes_read);
    query.into(bytes_written);
    for (std::string* text : {&found.sha256, &found.result, &found.via}) query.into(*text);
    query.run();
    std::vector<ActivityHit> hits;
    while (query.statement().fetch()) {
        found.session = row.session;
        found.channel = static_cast<std::uint32_t>(row.channel);
        found.time = base::from_unix_milliseconds(row.time);
        found.target = row.target;
        found.bytes_read = static_cast<std::uint64_t>(bytes_read);
        found.bytes_written = static_cast<std::uint64_t>(bytes_written);
        row.hit.file = found;
        hits.push_back(row.hit);
    }
    return hits;
}

std::vector<ActivityHit> files(soci::session& sql, const Dialect& dialect, const ActivityFilter& filter) {
    Sought sought{.table = "file_operations",
        .columns = {"path", "other_path"},
        .texts = filter.words,
        .sha256 = in_small_letters(storable(filter.sha256))};
    if (!filter.path.empty()) sought.texts.push_back(filter.path);
    const auto numbers = numbers_of(sql, sought.table, filter);
    if (!numbers) return {};
    return newest_first(dialect, *numbers, std::min(filter.most, kMostHits),
        [&](const Numbers& these, std::size_t most) { return files_of(sql, dialect, sought, filter, these, most); });
}

}  // namespace

std::vector<ActivityHit> search_tables(soci::session& sql, const Dialect& dialect, const ActivityFilter& filter) {
    std::vector<ActivityHit> hits;
    if (filter.path.empty() && filter.sha256.empty()) hits = commands(sql, dialect, filter);
    if (filter.command.empty()) {
        auto more = files(sql, dialect, filter);
        std::ranges::move(more, std::back_inserter(hits));
    }
    std::ranges::stable_sort(hits, std::greater<>(), &ActivityHit::time);
    if (hits.size() > filter.most) hits.resize(filter.most);
    return hits;
}

}  // namespace sekisho::store
