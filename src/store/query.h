// Query: a statement whose conditions depend on what is asked. What comes from outside is only ever bound, never pasted. Private to
// store; lives until its statement has run.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include <soci/soci.h>

namespace sekisho::store {

class Query {
public:
    Query(soci::session& sql, std::string text) : m_statement(sql), m_text(std::move(text)) {}

    Query(const Query&) = delete;
    Query(Query&&) = default;

    /// Each '?' of `condition` stands for the next value.
    template <class... Values>
    void where(std::string_view condition, const Values&... values) {
        m_text += m_conditions++ == 0 ? " WHERE " : " AND ";
        append(condition, values...);
    }
    template <class... Values>
    void append(std::string_view text, const Values&... values) {
        (bind(values), ...);
        for (const char c : text) {
            if (c == '?')
                m_text += ":v" + std::to_string(m_parameters++);
            else
                m_text += c;
        }
    }
    template <class Value>
    void into(Value& value) {
        m_statement.exchange(soci::into(value));
    }

    /// For into() of what has an indicator, and to fetch.
    soci::statement& statement() { return m_statement; }
    void run() {
        m_statement.alloc();
        m_statement.prepare(m_text);
        m_statement.define_and_bind();
        m_statement.execute();
    }

private:
    void bind(const std::string& value) { m_statement.exchange(soci::use(m_texts.emplace_back(value))); }
    void bind(long long value) { m_statement.exchange(soci::use(m_numbers.emplace_back(value))); }

    std::deque<std::string> m_texts;  // where they are they stay
    std::deque<long long> m_numbers;
    soci::statement m_statement;
    std::string m_text;
    int m_conditions = 0;
    int m_parameters = 0;
};

/// `text` in a LIKE pattern with ESCAPE '\'.
inline std::string like_text(std::string_view text) {
    std::string pattern;
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern;
}

}  // namespace sekisho::store
