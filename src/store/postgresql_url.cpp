#include "store/postgresql_url.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/nearest.h"

namespace sekisho::store {
namespace {

constexpr std::string_view kSchemes[] = {"postgresql://", "postgres://"};
constexpr std::string_view kForm = "postgresql://USER@HOST:PORT/DATABASE?OPTION=VALUE is wanted";
constexpr std::string_view kEncode = "in user, password and values, what is not a letter or digit is written %XX";
constexpr const char* kFileOptions[] = {"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"};

struct Option {
    const char* name;
    const char* value;
    const char* variable;  // the environment's name for it, which libpq honours
};

// What is not stated otherwise. Nobody waits longer than a user would: a connection that cannot be made, or that went without a word,
// is an error after seconds. libpq's own defaults know no bound.
constexpr Option kDefaults[] = {
    {"connect_timeout", "5", "PGCONNECT_TIMEOUT"},
    {"tcp_user_timeout", "15000", ""},
    {"keepalives_idle", "10", ""},
    {"keepalives_interval", "5", ""},
    {"keepalives_count", "3", ""},
    {"target_session_attrs", "read-write", "PGTARGETSESSIONATTRS"},  // of several hosts the one that takes writes
    {"gssencmode", "disable", "PGGSSENCMODE"},  // or it looks for tickets in files that the sandbox closes
    {"fallback_application_name", "sekisho", ""},
    {"client_encoding", "UTF8", ""},
};

struct Free {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, Free>;

std::vector<std::string> known_options() {
    std::vector<std::string> names;
    const Options all(PQconndefaults());
    for (const PQconninfoOption* one = all.get(); one != nullptr && one->keyword != nullptr; ++one)
        names.emplace_back(one->keyword);
    return names;
}

bool is_option_name(std::string_view text) {
    return !text.empty() && text.size() <= 40 &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

/// Why libpq does not take the URL. Its own words repeat parts of it.
std::string complaint(std::string_view url) {
    const std::size_t question = url.find('?');
    std::string_view query = question == std::string_view::npos ? "" : url.substr(question + 1);
    if (query.find('@') != std::string_view::npos) query = {};  // the question mark may be of a password
    const auto known = known_options();
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view one = query.substr(0, end);
        const std::string name(one.substr(0, std::min(one.find('='), one.size())));
        query.remove_prefix(std::min(end + 1, query.size()));
        const bool may_be_shown = name.size() < one.size() && is_option_name(name);
        if (!may_be_shown || name == "ssl" || std::ranges::find(known, name) != known.end()) continue;
        return fmt::format("libpq knows no option {}{}", name, base::did_you_mean(name, known));
    }
    return fmt::format("{}; {}", kForm, kEncode);
}

bool is_number_between(const std::string& text, int least, int most) {
    if (text.empty() || text.size() > 6 ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return false;
    const int value = std::stoi(text);
    return value >= least && value <= most;
}

std::string environment(const char* name) {
    const char* value = *name == '\0' ? nullptr : std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (plain)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

/// Of a list of ports the one that stands for host number `at`.
std::string port_of(const std::string& ports, std::size_t at) {
    std::size_t begin = 0;
    for (; at > 0 && ports.find(',', begin) != std::string::npos; --at) begin = ports.find(',', begin) + 1;
    return ports.substr(begin, ports.find(',', begin) - begin);
}

}  // namespace

bool is_postgresql_url(std::string_view url) {
    return std::ranges::any_of(kSchemes, [&](std::string_view scheme) { return url.starts_with(scheme); });
}

Result<PostgreSqlUrl> PostgreSqlUrl::parse(const std::string& url) {
    if (!is_postgresql_url(url) || url.find('\0') != std::string::npos) return fail(std::string(kForm));
    const Options parsed(PQconninfoParse(url.c_str(), nullptr));
    if (!parsed) return fail(complaint(url));
    PostgreSqlUrl result;
    for (const PQconninfoOption* one = parsed.get(); one->keyword != nullptr; ++one) {
        if (one->val != nullptr && *one->val != '\0') result.m_options.emplace(one->keyword, one->val);
    }
    if (result.m_options.contains("service"))
        return fail("service files are not read; write host, user and database into the URL");
    for (const auto& [option, what] : {std::pair("user", "user"), std::pair("dbname", "database")}) {
        if (!result.m_options.contains(option)) return fail(fmt::format("{}; the {} is missing", kForm, what));
    }
    // What is left of a password with an @ or a / that is not written %XX.
    for (const char* option : {"host", "dbname"}) {
        if (result.option(option).find('@') != std::string::npos) return fail(fmt::format("{}; {}", kForm, kEncode));
    }
    for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
        const std::string ports = result.option("port");
        if (ports.empty()) break;
        end = ports.find(',', at);
        const std::string port = ports.substr(at, end - at);
        if (!port.empty() && !is_number_between(port, 1, 65535))
            return fail(fmt::format("{}; the port is not a number; {}", kForm, kEncode));
    }
    if (const std::string seconds = result.option("connect_timeout"); !seconds.empty() && !is_number_between(seconds, 2, 60))
        return fail("connect_timeout is 2 to 60 (seconds)");
    for (const char* name : kFileOptions) {
        const std::string path = result.option(name);
        if (!path.empty() && !path.starts_with('/')) return fail(fmt::format("{} is an absolute path", name));
    }
    return result;
}

std::string PostgreSqlUrl::option(const std::string& name) const {
    const auto found = m_options.find(name);
    return found == m_options.end() ? std::string() : found->second;
}

std::string PostgreSqlUrl::name() const {
    std::string hosts = option("host").empty() ? option("hostaddr") : option("host");
    if (hosts.empty()) hosts = environment("PGHOST");
    std::string ports = option("port").empty() ? environment("PGPORT") : option("port");
    if (ports.empty()) ports = "5432";
    if (hosts.empty()) hosts = "/var/run/postgresql";
    std::string places;
    for (std::size_t at = 0, number = 0, end = 0; end != std::string::npos; at = end + 1, ++number) {
        end = hosts.find(',', at);
        const std::string host = hosts.substr(at, end - at);
        const std::string port = port_of(ports, number).empty() ? "5432" : port_of(ports, number);
        if (!places.empty()) places += " or ";
        if (host.starts_with('/'))
            places += fmt::format("{}/.s.PGSQL.{}", host, port);
        else
            places += fmt::format("{}:{}", host.find(':') == std::string::npos ? host : "[" + host + "]", port);
    }
    return fmt::format("PostgreSQL database {} at {}", option("dbname"), places);
}

std::vector<std::string> PostgreSqlUrl::files() const {
    std::vector<std::string> paths;
    for (const char* name : kFileOptions) {
        if (const std::string path = option(name); !path.empty()) paths.push_back(path);
    }
    for (const char* variable : {"PGPASSFILE", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT", "PGSSLCRL"}) {
        if (const std::string path = environment(variable); path.starts_with('/')) paths.push_back(path);
    }
    if (const std::string home = environment("HOME"); home.starts_with('/')) {
        for (const char* name : {".pgpass", ".postgresql/postgresql.crt", ".postgresql/postgresql.key",
                 ".postgresql/root.crt", ".postgresql/root.crl"}) {
            paths.push_back(home + "/" + name);
        }
    }
    return paths;
}

/// As a URL without blanks and quotes: SOCI takes apart what it is given, in a way of its own, before libpq sees it.
std::string PostgreSqlUrl::connect_url() const {
    std::map<std::string, std::string> all = m_options;
    all["client_encoding"] = "UTF8";
    for (const Option& one : kDefaults) {
        if (environment(one.variable).empty()) all.emplace(one.name, one.value);
    }
    std::string url = "postgresql:///";
    char separator = '?';
    for (const auto& [name, value] : all) {
        url += fmt::format("{}{}={}", separator, name, encoded(value));
        separator = '&';
    }
    return url;
}

}  // namespace sekisho::store
