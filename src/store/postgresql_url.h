// The URL of a PostgreSQL database as libpq reads it (postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?OPTION=VALUE&…]), with what a
// gateway wants beside it: bounded waits, keepalives, UTF-8. No text that comes out of here holds a password or the URL itself, which
// can have one in any place when it is written wrongly. Private to store.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::store {

bool is_postgresql_url(std::string_view url);

class PostgreSqlUrl {
public:
    /// The error's text says what is wrong without repeating what was written.
    static Result<PostgreSqlUrl> parse(const std::string& url);

    /// "PostgreSQL database sekisho at db.example.com:5432"
    std::string name() const;
    bool has_password() const { return m_options.contains("password"); }
    /// Empty: libpq looks at PGPASSFILE and ~/.pgpass.
    std::string passfile() const { return option("passfile"); }
    /// Files that libpq reads whenever it connects, as far as they are named here, in the environment or by its own defaults.
    std::vector<std::string> files() const;
    /// With everything that a connection wants beside it. It holds the password.
    std::string connect_url() const;

private:
    std::string option(const std::string& name) const;

    std::map<std::string, std::string> m_options;  // by libpq's names, as far as the URL states them
};

}  // namespace sekisho::store
