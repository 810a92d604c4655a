#include "store/access_file.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/nearest.h"
#include "base/network.h"
#include "base/time_zone.h"
#include "keys/authorized_key.h"
#include "model/access_fields.h"
#include "model/forward.h"
#include "model/hours.h"
#include "model/own_login.h"
#include "model/pattern.h"
#include "model/route.h"
#include "store/toml.h"

namespace sekisho::store {
namespace {

constexpr std::size_t kMostBytes = 64U << 20;
constexpr std::size_t kMostErrors = 20;
constexpr std::size_t kLongestText = 16384;  // an RSA-16384 key line with options fits

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string rfc3339_text(const toml::date_time& t) {
    const int minutes = t.offset ? t.offset->minutes : 0;
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}", t.date.year, t.date.month, t.date.day,
        t.time.hour, t.time.minute, t.time.second, minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

/// Collects objects and problems from all files.
class Reader {
public:
    void read(const AccessText& file);
    Result<model::Access> result();

private:
    using Check = std::optional<std::string> (*)(const std::string&);  // what is wrong with one text

    void problem(const toml::node& where, std::string_view text);
    void known_keys(const toml::table& table, std::string_view kind, const std::vector<std::string>& keys);
    std::string text(const toml::table& table, std::string_view key, Check check, bool required = false);
    std::vector<std::string> texts(const toml::table& table, std::string_view key, Check check);
    bool flag(const toml::table& table, std::string_view key);
    std::map<std::string, std::string> pairs(
        const toml::table& table, std::string_view key, bool (*is_name)(std::string_view));
    void each(const toml::table& root, std::string_view kind, void (Reader::*read_one)(const toml::table&));
    void once(const toml::table& table, std::string_view kind, const std::string& name);

    void user(const toml::table& table);
    void target(const toml::table& table);
    void rule(const toml::table& table);
    void client_host(const toml::table& table);
    void route(const toml::table& table);
    void when(const toml::table& table, model::When& when);
    void limits(const toml::table& table, model::Limits& limits);
    void host_trust(const toml::table& table, model::Target& target);
    std::string expiry(const toml::table& table);

    std::string m_file;
    std::vector<std::string> m_problems;
    std::size_t m_left_out = 0;
    std::map<std::string, std::string, std::less<>> m_defined;  // "user alice" → "a.toml:3"
    model::Access m_access;
};

std::optional<std::string> check_user_name(const std::string& text) {
    if (text == "root") return "root is never a user of the gateway";
    if (!model::is_user_name(text)) return "a user's name is a lower-case letter, then at most 63 of a-z 0-9 - _ .";
    return std::nullopt;
}
std::optional<std::string> check_target_name(const std::string& text) {
    if (!model::is_target_name(text)) return "a target's name is at most 128 of a-z 0-9 - _ ., a letter or digit first";
    return std::nullopt;
}
std::optional<std::string> check_plain(const std::string& text) {
    if (text.empty() || text.size() > 256 || has_control(text))
        return "1 to 256 bytes without control characters are wanted";
    return std::nullopt;
}
std::optional<std::string> check_group_name(const std::string& text) {
    if (!model::is_group_name(text)) return "a group's name is a lower-case letter, then at most 63 of a-z 0-9 - _ .";
    return std::nullopt;
}
std::optional<std::string> check_key(const std::string& text) {
    const auto key = keys::parse_authorized_key(text);
    return key ? std::nullopt : std::optional(key.error().text);
}
std::optional<std::string> check_public_key(const std::string& text) {
    const auto key = keys::PublicKey::from_line(text);
    return key ? std::nullopt : std::optional(key.error().text);
}
std::optional<std::string> check_address(const std::string& text) {
    const auto address = base::parse_host_port(text);
    if (!address || address->port == 0) return "an address is host:port or [IPv6]:port, for example 10.0.0.5:22";
    return std::nullopt;
}
std::optional<std::string> check_login(const std::string& text) {
    if (!model::is_login(text) && !model::is_own_login(text))
        return "a login is at most 64 printable characters without blanks and without @ % # : / * ? , ; { }, or it is {user} or "
               "{email_prefix}";
    return std::nullopt;
}
std::optional<std::string> check_principal(const std::string& text) {
    if (!model::is_principal(text))
        return "a principal is {login}, {user}, {email_prefix}, {email}, or a name without blanks and without * ? { } , \"";
    return std::nullopt;
}
std::optional<std::string> check_login_pattern(const std::string& text) {
    std::string letters = text;
    std::replace_if(letters.begin(), letters.end(), [](char c) { return c == '*' || c == '?'; }, 'x');
    return check_login(letters);
}
std::optional<std::string> check_hop(const std::string& text) {
    const auto hop = model::RouteHop::parse(text);
    return hop ? std::nullopt : std::optional(hop.error().text);
}
std::optional<std::string> check_rule_user(const std::string& text) {
    if (text == "*") return std::nullopt;
    const bool fine =
        text.starts_with('@') ? model::is_group_name(std::string_view(text).substr(1)) : model::is_user_name(text);
    if (!fine) return "write the name of a user, @GROUP or *";
    return std::nullopt;
}
std::optional<std::string> check_rule_target(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
        if (!model::is_label_name(std::string_view(text).substr(0, equals)) || has_control(text))
            return "a label is KEY=VALUE, the key of a-z 0-9 - _ .";
        return std::nullopt;
    }
    std::string letters = text;
    std::replace_if(letters.begin(), letters.end(), [](char c) { return c == '*' || c == '?'; }, 'x');
    if (!model::is_target_name(letters)) return "write the name of a target, a pattern with * and ?, or a label KEY=VALUE";
    return std::nullopt;
}
std::optional<std::string> check_capability(const std::string& text) {
    if (model::parse_capability(text)) return std::nullopt;
    const std::vector<std::string> known{"shell", "exec", "sftp", "scp", "local-forward", "remote-forward", "udp-forward",
        "socket-forward", "agent", "x11", "vpn"};
    return fmt::format("no such capability{}; known are {}", base::did_you_mean(text, known), fmt::join(known, ", "));
}
std::optional<std::string> check_command(const std::string& text) {
    if (text.empty() || text.size() > 1024 || has_control(text))
        return "a command is 1 to 1024 bytes without control characters; * stands for any words";
    return std::nullopt;
}
std::optional<std::string> check_forward(const std::string& text) {
    const auto entry = model::ForwardEntry::parse(text);
    return entry ? std::nullopt : std::optional(entry.error().text);
}
std::optional<std::string> check_host_pattern(const std::string& text) {
    const auto pattern = model::HostPattern::parse(text);
    return pattern ? std::nullopt : std::optional(pattern.error().text);
}
std::optional<std::string> check_path(const std::string& text) {
    if (model::is_path_pattern(text)) return std::nullopt;
    return "a path begins with / and has no names that are empty, . or ..; * and ? stand for text within a name, and /** at the end for "
           "everything below the folder, for example /srv/data/**";
}
std::optional<std::string> check_host_name(const std::string& text) {
    const bool upper = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (upper || !base::is_host_name(text))
        return "the name is what the host calls itself, in lower case and without a dot at the end, for example build1.example.net";
    return std::nullopt;
}
std::optional<std::string> check_network(const std::string& text) {
    if (base::Network::parse(text)) return std::nullopt;
    return "a network is an address or CIDR whose bits behind the prefix are zero, for example 203.0.113.0/24";
}
std::optional<std::string> check_hours(const std::string& text) {
    const auto hours = model::Hours::parse(text);
    return hours ? std::nullopt : std::optional(hours.error().text);
}
std::optional<std::string> check_limit(const std::string& text) {
    const auto time = base::parse_duration(text);
    if (time && time->count() > 0) return std::nullopt;
    return "a time is wanted, for example \"30m\" or \"8h\"; without a limit leave it out";
}
std::optional<std::string> check_record(const std::string& text) {
    if (model::parse_record_level(text)) return std::nullopt;
    return "full, commands or metadata is wanted" + base::did_you_mean(text, {"full", "commands", "metadata"});
}
std::optional<std::string> check_index(const std::string& text) {
    if (model::is_index_word(text)) return std::nullopt;
    return "commands, files or none is wanted" + base::did_you_mean(text, {"commands", "files", "none"});
}
std::optional<std::string> check_contents(const std::string& text) {
    if (model::parse_contents(text)) return std::nullopt;
    return "full, digest, or the first bytes of each direction is wanted, for example \"first 64 KiB\" (B, KiB, MiB; at most 1024 MiB)";
}
std::optional<std::string> check_on_failure(const std::string& text) {
    if (model::parse_on_failure(text)) return std::nullopt;
    return "refuse, end or alarm is wanted" + base::did_you_mean(text, {"refuse", "end", "alarm"});
}
std::optional<std::string> check_auth(const std::string& text) {
    if (model::parse_target_auth(text)) return std::nullopt;
    const std::vector<std::string> known{"certificate", "agent", "key", "password", "passthrough"};
    return fmt::format("{} is wanted{}", fmt::join(known, ", "), base::did_you_mean(text, known));
}
std::optional<std::string> check_trust(const std::string& text) {
    if (text == "first-use") return std::nullopt;
    return "the only value is first-use" + base::did_you_mean(text, {"first-use"});
}

void Reader::problem(const toml::node& where, std::string_view text) {
    if (m_problems.size() >= kMostErrors) {
        ++m_left_out;
        return;
    }
    m_problems.push_back(
        m_file.empty() ? std::string(text) : fmt::format("{}:{}: {}", m_file, where.source().begin.line, text));
}

void Reader::known_keys(const toml::table& table, std::string_view kind, const std::vector<std::string>& keys) {
    for (const auto& [key, node] : table) {
        if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
        problem(node, fmt::format("unknown key {} in {}{}", key.str(), kind, base::did_you_mean(key.str(), keys)));
    }
}

std::string Reader::text(const toml::table& table, std::string_view key, Check check, bool required) {
    const toml::node* node = table.get(key);
    if (!node) {
        if (required) problem(table, fmt::format("{} is missing", key));
        return {};
    }
    const auto value = node->value_exact<std::string>();
    if (!value || value->size() > kLongestText) {
        problem(*node, fmt::format("{} is a text", key));
        return {};
    }
    if (const auto wrong = check(*value)) {
        problem(*node, fmt::format("{} \"{}\": {}", key, value->substr(0, 80), *wrong));
    }
    return *value;
}

std::vector<std::string> Reader::texts(const toml::table& table, std::string_view key, Check check) {
    std::vector<std::string> values;
    const toml::node* node = table.get(key);
    if (!node) return values;
    const toml::array* array = node->as_array();
    if (!array) {
        problem(*node, fmt::format("{} is a list of texts, for example {} = [\"…\"]", key, key));
        return values;
    }
    for (const toml::node& item : *array) {
        const auto value = item.value_exact<std::string>();
        if (!value || value->size() > kLongestText) {
            problem(item, fmt::format("{} is a list of texts", key));
        } else if (const auto wrong = check(*value)) {
            problem(item, fmt::format("{} \"{}\": {}", key, value->substr(0, 80), *wrong));
        } else if (std::find(values.begin(), values.end(), *value) != values.end()) {
            problem(item, fmt::format("{} \"{}\" is there twice", key, value->substr(0, 80)));
        } else {
            values.push_back(*value);
        }
    }
    return values;
}

bool Reader::flag(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (!node) return false;
    const auto value = node->value_exact<bool>();
    if (!value) problem(*node, fmt::format("{} is true or false", key));
    return value.value_or(false);
}

std::map<std::string, std::string> Reader::pairs(
    const toml::table& table, std::string_view key, bool (*is_name)(std::string_view)) {
    std::map<std::string, std::string> values;
    const toml::node* node = table.get(key);
    if (!node) return values;
    const toml::table* inner = node->as_table();
    if (!inner) {
        problem(*node, fmt::format("{} is a table, for example {} = {{ env = \"prod\" }}", key, key));
        return values;
    }
    for (const auto& [name, item] : *inner) {
        const auto value = item.value_exact<std::string>();
        if (!is_name(name.str())) {
            problem(item, fmt::format("{}: \"{}\" is not a name that can stand here", key, name.str()));
        } else if (!value || value->size() > 1024 || has_control(*value)) {
            problem(item, fmt::format("{}.{} is a text of at most 1024 bytes without control characters", key, name.str()));
        } else {
            values.emplace(std::string(name.str()), *value);
        }
    }
    return values;
}

void Reader::once(const toml::table& table, std::string_view kind, const std::string& name) {
    if (name.empty()) return;
    const auto [place, fresh] =
        m_defined.emplace(fmt::format("{} {}", kind, name), fmt::format("{}:{}", m_file, table.source().begin.line));
    if (!fresh) problem(table, fmt::format("{} \"{}\" is already defined at {}", kind, name, place->second));
}

std::string Reader::expiry(const toml::table& table) {
    const toml::node* node = table.get("expires");
    if (!node) return {};
    std::string text;
    if (const auto time = node->value_exact<toml::date_time>()) {
        if (time->offset) text = rfc3339_text(*time);
    } else {
        text = node->value_exact<std::string>().value_or("");
    }
    if (!base::parse_rfc3339(text)) {
        problem(*node, "expires is a time with its zone, for example \"2027-12-31T23:59:59+09:00\"");
        return {};
    }
    return text;
}

void Reader::user(const toml::table& table) {
    known_keys(table, "[[user]]", model::field_names("user"));
    model::User user;
    user.name = text(table, "name", check_user_name, true);
    user.email = text(table, "email", check_plain);
    user.groups = texts(table, "groups", check_group_name);
    user.keys = texts(table, "keys", check_key);
    user.locked = flag(table, "locked");
    user.expires = expiry(table);
    once(table, "user", user.name);
    m_access.users.push_back(std::move(user));
}

void Reader::host_trust(const toml::table& table, model::Target& target) {
    target.host_keys = texts(table, "host_keys", check_public_key);
    target.host_ca = texts(table, "host_ca", check_public_key);
    target.trust_first_use = text(table, "trust", check_trust) == "first-use";
    if (!table.contains("host_keys") && !table.contains("host_ca") && !table.contains("trust")) {
        problem(table, "how the target's host key is known is missing: host_keys, host_ca or trust = \"first-use\"");
    }
}

void Reader::target(const toml::table& table) {
    known_keys(table, "[[target]]", model::field_names("target"));
    model::Target target;
    target.name = text(table, "name", check_target_name, true);
    target.address = text(table, "address", check_address, true);
    target.logins = texts(table, "logins", check_login);
    target.principals = texts(table, "principals", check_principal);
    target.auth = model::parse_target_auth(text(table, "auth", check_auth)).value_or(model::TargetAuth::Certificate);
    host_trust(table, target);
    target.route = texts(table, "route", check_hop);
    if (const auto route = model::check_route(target.route); !route) problem(table, "route: " + route.error().text);
    target.labels = pairs(table, "labels", model::is_label_name);
    target.set_env = pairs(table, "set_env", model::is_variable_name);
    target.legacy = flag(table, "legacy");
    once(table, "target", target.name);
    m_access.targets.push_back(std::move(target));
}

void Reader::when(const toml::table& table, model::When& when) {
    const toml::node* node = table.get("when");
    if (!node) return;
    const toml::table* inner = node->as_table();
    if (!inner) {
        problem(*node,
            "when is a table, for example when = { from = [\"203.0.113.0/24\"], hours = \"Mon-Fri 08:00-20:00 Asia/Tokyo\" "
            "}");
        return;
    }
    known_keys(*inner, "when", model::field_names("rule", "when"));
    when.from = texts(*inner, "from", check_network);
    if (inner->contains("from") && when.from.empty()) problem(*inner, "from is empty: leave it out, or name the networks");
    when.hours = text(*inner, "hours", check_hours);
    when.touch = flag(*inner, "touch");
}

void Reader::limits(const toml::table& table, model::Limits& limits) {
    for (const auto& [key, limit] : {std::pair("max_time", &limits.max_time), std::pair("idle_time", &limits.idle_time)}) {
        if (const std::string written = text(table, key, check_limit); !written.empty()) {
            *limit = base::parse_duration(written).value_or(std::chrono::seconds(0));
        }
    }
    const toml::node* most = table.get("max_sessions");
    if (!most) return;
    const auto value = most->value_exact<std::int64_t>();
    if (!value || *value < 1 || *value > 1'000'000) return problem(*most, "max_sessions is a number from 1 on");
    limits.max_sessions = static_cast<std::uint32_t>(*value);
}

void Reader::rule(const toml::table& table) {
    known_keys(table, "[[rule]]", model::field_names("rule"));
    model::Rule rule;
    rule.name = text(table, "name", check_plain, true);
    rule.users = texts(table, "users", check_rule_user);
    rule.targets = texts(table, "targets", check_rule_target);
    rule.logins = texts(table, "logins", check_login_pattern);
    for (const std::string& word : texts(table, "allow", check_capability))
        rule.allow.push_back(*model::parse_capability(word));
    rule.commands = texts(table, "commands", check_command);
    rule.forward = texts(table, "forward", check_forward);
    rule.accept_from = texts(table, "accept_from", check_network);
    rule.sftp.read_only = flag(table, "sftp_read_only");
    rule.sftp.paths = texts(table, "sftp_paths", check_path);
    rule.record = model::parse_record_level(text(table, "record", check_record)).value_or(model::RecordLevel::Full);
    const std::vector<std::string> index = texts(table, "index", check_index);
    for (const std::string& word : index) model::add_index_word(rule.index, word);
    if (index.size() > 1 && std::find(index.begin(), index.end(), "none") != index.end())
        problem(table, "index says none and more: leave one out");
    rule.record_contents = model::parse_contents(text(table, "record_contents", check_contents)).value_or(model::Contents());
    if (!rule.record_contents.all() && rule.record != model::RecordLevel::Full)
        problem(table, "record_contents narrows what record = \"full\" keeps; this rule keeps no contents at all");
    rule.record_hidden_input = flag(table, "record_hidden_input");
    if (rule.record_hidden_input && rule.record != model::RecordLevel::Full)
        problem(table, "record_hidden_input adds to record = \"full\"; this rule keeps nothing that is typed");
    rule.on_failure = model::parse_on_failure(text(table, "on_failure", check_on_failure));
    when(table, rule.when);
    limits(table, rule.limits);
    if (!table.contains("users")) problem(table, "users is missing: names, @groups or \"*\"");
    if (!table.contains("allow")) problem(table, "allow is missing: the capabilities, for example [\"shell\", \"exec\"]");
    // An empty list is a mistake that would widen a rule or leave it without effect; leaving the key out says what is meant.
    for (const std::string_view key : {"targets", "logins", "commands", "accept_from", "sftp_paths", "index"}) {
        const toml::array* list = table[key].as_array();
        if (list && list->empty()) problem(*list, fmt::format("{} is empty: leave it out, or name some", key));
    }
    const bool runs = std::find(rule.allow.begin(), rule.allow.end(), model::Capability::Exec) != rule.allow.end();
    if (!rule.commands.empty() && !runs) problem(table, "commands narrows exec, but allow does not have it");
    const bool has_sftp = std::find(rule.allow.begin(), rule.allow.end(), model::Capability::Sftp) != rule.allow.end();
    if (rule.sftp.any() && !has_sftp) problem(table, "sftp_read_only and sftp_paths narrow sftp, but allow does not have it");
    const bool forwards = std::any_of(rule.allow.begin(), rule.allow.end(), [](model::Capability c) {
        return c == model::Capability::LocalForward || c == model::Capability::RemoteForward ||
               c == model::Capability::UdpForward || c == model::Capability::SocketForward;
    });
    if (!rule.forward.empty() && !forwards)
        problem(table, "forward names destinations, but allow has no forward, for example \"local-forward\"");
    const auto may_listen = std::find(rule.allow.begin(), rule.allow.end(), model::Capability::RemoteForward);
    if (!rule.accept_from.empty() && (may_listen == rule.allow.end() || !rule.targets.empty()))
        problem(table, "accept_from is about ports of the gateway: allow has remote-forward, and targets is left out");
    once(table, "rule", rule.name);
    m_access.rules.push_back(std::move(rule));
}

void Reader::client_host(const toml::table& table) {
    known_keys(table, "[[client_host]]", model::field_names("client_host"));
    model::ClientHost host;
    host.name = text(table, "name", check_host_name, true);
    host.addresses = texts(table, "addresses", check_network);
    host.keys = texts(table, "keys", check_public_key);
    host.users = texts(table, "users", check_rule_user);
    host.accounts = pairs(table, "accounts", model::is_login);
    for (const auto& [account, user] : host.accounts) {
        if (const auto wrong = check_user_name(user)) problem(table, fmt::format("accounts.{} \"{}\": {}", account, user, *wrong));
    }
    for (const std::string_view key : {"keys", "users"}) {
        if (!table.contains(key)) problem(table, fmt::format("{} is missing", key));
    }
    // As with rules: an empty list would widen.
    for (const std::string_view key : {"addresses", "accounts"}) {
        const toml::node* node = table.get(key);
        const bool empty = node && ((node->is_array() && node->as_array()->empty()) || (node->is_table() && node->as_table()->empty()));
        if (empty) problem(*node, fmt::format("{} is empty: leave it out, or name some", key));
    }
    once(table, "client_host", host.name);
    m_access.client_hosts.push_back(std::move(host));
}

void Reader::route(const toml::table& table) {
    known_keys(table, "[[route]]", model::field_names("route"));
    model::Route route;
    route.name = text(table, "name", check_plain, true);
    route.hosts = texts(table, "hosts", check_host_pattern);
    route.via = texts(table, "via", check_hop);
    if (const auto possible = model::check_route(route.via); !possible) problem(table, "via: " + possible.error().text);
    if (!table.contains("hosts")) problem(table, "hosts is missing: names with * and ?, networks, or \"*\"");
    for (const std::string_view key : {"hosts", "via"}) {
        const toml::array* list = table[key].as_array();
        if (list && list->empty()) problem(*list, fmt::format("{} is empty: leave it out, or name some", key));
    }
    once(table, "route", route.name);
    m_access.routes.push_back(std::move(route));
}

void Reader::each(const toml::table& root, std::string_view kind, void (Reader::*read_one)(const toml::table&)) {
    const toml::node* node = root.get(kind);
    if (!node) return;
    const toml::array* array = node->as_array();
    if (!array) {
        problem(*node, fmt::format("write [[{}]], with two brackets: there can be several", kind));
        return;
    }
    for (const toml::node& item : *array) {
        if (const toml::table* table = item.as_table()) {
            (this->*read_one)(*table);
        } else {
            problem(item, fmt::format("{} is a table, written as [[{}]]", kind, kind));
        }
    }
}

void Reader::read(const AccessText& file) {
    m_file = file.name;
    if (file.text.size() > kMostBytes) {
        m_problems.push_back(fmt::format("{}: more than {} MiB", m_file, kMostBytes >> 20));
        return;
    }
    const auto parsed = parse_toml(file.text);
    if (!parsed) {
        m_problems.push_back(fmt::format("{}:{}: {}", m_file, parsed.error().line, parsed.error().text));
        return;
    }
    const toml::table& root = *parsed;
    known_keys(root, "an access file", {"user", "target", "rule", "client_host", "route"});
    each(root, "user", &Reader::user);
    each(root, "target", &Reader::target);
    each(root, "rule", &Reader::rule);
    each(root, "client_host", &Reader::client_host);
    each(root, "route", &Reader::route);
}

Result<model::Access> Reader::result() {
    if (!m_problems.empty()) {
        std::string text = fmt::format("{}", fmt::join(m_problems, "\n"));
        if (m_left_out > 0) text += fmt::format("\nand {} more", m_left_out);
        return fail(std::move(text));
    }
    m_access.index();
    return std::move(m_access);
}

}  // namespace

Result<model::Access> parse_access(const std::vector<AccessText>& files) {
    Reader reader;
    for (const AccessText& file : files) reader.read(file);
    return reader.result();
}

}  // namespace sekisho::store
