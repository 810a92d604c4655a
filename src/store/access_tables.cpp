#include "store/access_tables.h"

#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <unordered_map>

#include "base/assert.h"
#include "model/difference.h"
#include "store/secret_tables.h"

namespace sekisho::store {
namespace {

using soci::into;
using soci::use;
using Words = std::vector<std::string>;

/// The rows of a *_items table in order, handed to `take(owner, kind, name, value)`.
void each_item(soci::session& sql, const std::string& table,
    const std::function<void(const std::string&, const std::string&, std::string, std::string)>& take) {
    std::string owner, kind, name, value;
    soci::statement rows =
        (sql.prepare << "SELECT owner, kind, name, value FROM " << table << " ORDER BY owner, kind, position", into(owner),
            into(kind), into(name), into(value));
    rows.execute();
    while (rows.fetch()) take(owner, kind, name, value);
}

/// The last object looked up, since items come sorted by owner.
template <class Item>
class Owners {
public:
    explicit Owners(std::vector<Item>& items) {
        for (Item& item : items) m_by_name.emplace(item.name, &item);
    }
    Item* find(const std::string& name) {
        const auto found = m_by_name.find(name);
        return found == m_by_name.end() ? nullptr : found->second;
    }

private:
    std::unordered_map<std::string_view, Item*> m_by_name;
};

void read_users(soci::session& sql, std::vector<model::User>& users) {
    model::User row;
    int locked = 0;
    soci::statement rows = (sql.prepare << "SELECT name, email, locked, expires, origin FROM users ORDER BY name",
        into(row.name), into(row.email), into(locked), into(row.expires), into(row.origin));
    rows.execute();
    while (rows.fetch()) {
        row.locked = locked != 0;
        users.push_back(row);
    }
    Owners<model::User> owners(users);
    each_item(sql, "user_items", [&](const std::string& owner, const std::string& kind, std::string, std::string value) {
        model::User* user = owners.find(owner);
        if (user) (kind == "group" ? user->groups : user->keys).push_back(std::move(value));
    });
}

void take_target_item(model::Target& target, const std::string& kind, std::string name, std::string value) {
    if (kind == "login")
        target.logins.push_back(std::move(value));
    else if (kind == "principal")
        target.principals.push_back(std::move(value));
    else if (kind == "host_key")
        target.host_keys.push_back(std::move(value));
    else if (kind == "host_ca")
        target.host_ca.push_back(std::move(value));
    else if (kind == "route")
        target.route.push_back(std::move(value));
    else if (kind == "label")
        target.labels.emplace(std::move(name), std::move(value));
    else if (kind == "env")
        target.set_env.emplace(std::move(name), std::move(value));
}

void read_targets(soci::session& sql, std::vector<model::Target>& targets) {
    model::Target row;
    std::string auth;
    int trust = 0;
    int legacy = 0;
    soci::statement rows = (sql.prepare << "SELECT name, address, auth, trust_first_use, legacy FROM targets ORDER BY name",
        into(row.name), into(row.address), into(auth), into(trust), into(legacy));
    rows.execute();
    while (rows.fetch()) {
        const auto known = model::parse_target_auth(auth);
        if (!known) throw soci::soci_error("target " + row.name + " has an unknown auth");
        row.auth = *known;
        row.trust_first_use = trust != 0;
        row.legacy = legacy != 0;
        targets.push_back(row);
    }
    Owners<model::Target> owners(targets);
    each_item(
        sql, "target_items", [&](const std::string& owner, const std::string& kind, std::string name, std::string value) {
            if (model::Target* target = owners.find(owner))
                take_target_item(*target, kind, std::move(name), std::move(value));
        });
}

template <class Number>
bool read_number(const std::string& text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

bool take_limit(model::Limits& limits, const std::string& name, const std::string& value) {
    std::int64_t seconds = 0;
    if (name == "max_sessions") return read_number(value, limits.max_sessions);
    if (!read_number(value, seconds)) return false;
    if (name == "max_time") limits.max_time = std::chrono::seconds(seconds);
    if (name == "idle_time") limits.idle_time = std::chrono::seconds(seconds);
    return name == "max_time" || name == "idle_time";
}

std::map<std::string, std::string> limits_as_items(const model::Limits& limits) {
    std::map<std::string, std::string> items;
    if (limits.max_time.count() != 0) items["max_time"] = std::to_string(limits.max_time.count());
    if (limits.idle_time.count() != 0) items["idle_time"] = std::to_string(limits.idle_time.count());
    if (limits.max_sessions != 0) items["max_sessions"] = std::to_string(limits.max_sessions);
    return items;
}

// What this version does not know (written by a newer one) is an error, never a wider rule.
void take_rule_item(model::Rule& rule, const std::string& kind, const std::string& name, std::string value) {
    if (kind == "user")
        rule.users.push_back(std::move(value));
    else if (kind == "target")
        rule.targets.push_back(std::move(value));
    else if (kind == "login")
        rule.logins.push_back(std::move(value));
    else if (kind == "command")
        rule.commands.push_back(std::move(value));
    else if (kind == "forward")
        rule.forward.push_back(std::move(value));
    else if (kind == "accept_from")
        rule.accept_from.push_back(std::move(value));
    else if (kind == "sftp_path")
        rule.sftp.paths.push_back(std::move(value));
    else if (kind == "sftp" && name == "read_only" && value == "true")
        rule.sftp.read_only = true;
    else if (kind == "when" && name == "touch" && value == "true")
        rule.when.touch = true;
    else if (kind == "record" && name == "hidden_input" && value == "true")
        rule.record_hidden_input = true;
    else if (kind == "index" && model::is_index_word(value))
        model::add_index_word(rule.index, value);
    else if (const auto contents = model::parse_contents(value); kind == "record_contents" && contents)
        rule.record_contents = *contents;
    else if (kind == "from")
        rule.when.from.push_back(std::move(value));
    else if (kind == "limit" && take_limit(rule.limits, name, value))
        return;
    else if (const auto capability = model::parse_capability(value); kind == "allow" && capability)
        rule.allow.push_back(*capability);
    else
        throw soci::soci_error("rule " + rule.name + " has an unknown part " + kind);
}

void read_rules(soci::session& sql, std::vector<model::Rule>& rules) {
    model::Rule row;
    std::string record;
    std::string on_failure;
    soci::statement rows = (sql.prepare << "SELECT name, record, on_failure, hours FROM rules ORDER BY position, name",
        into(row.name), into(record), into(on_failure), into(row.when.hours));
    rows.execute();
    while (rows.fetch()) {
        const auto level = model::parse_record_level(record);
        row.on_failure = model::parse_on_failure(on_failure);
        if (!level || (!row.on_failure && !on_failure.empty()))
            throw soci::soci_error("rule " + row.name + " has an unknown value");
        row.record = *level;
        rules.push_back(row);
    }
    Owners<model::Rule> owners(rules);
    each_item(
        sql, "rule_items", [&](const std::string& owner, const std::string& kind, std::string name, std::string value) {
            if (model::Rule* rule = owners.find(owner)) take_rule_item(*rule, kind, name, std::move(value));
        });
}

void take_client_host_item(model::ClientHost& host, const std::string& kind, std::string name, std::string value) {
    if (kind == "address")
        host.addresses.push_back(std::move(value));
    else if (kind == "key")
        host.keys.push_back(std::move(value));
    else if (kind == "user")
        host.users.push_back(std::move(value));
    else if (kind == "account")
        host.accounts.emplace(std::move(name), std::move(value));
    else
        throw soci::soci_error("client host " + host.name + " has an unknown part " + kind);
}

void read_client_hosts(soci::session& sql, std::vector<model::ClientHost>& hosts) {
    model::ClientHost row;
    soci::statement rows = (sql.prepare << "SELECT name FROM client_hosts ORDER BY name", into(row.name));
    rows.execute();
    while (rows.fetch()) hosts.push_back(row);
    Owners<model::ClientHost> owners(hosts);
    each_item(
        sql, "client_host_items", [&](const std::string& owner, const std::string& kind, std::string name, std::string value) {
            if (model::ClientHost* host = owners.find(owner))
                take_client_host_item(*host, kind, std::move(name), std::move(value));
        });
}

void read_routes(soci::session& sql, std::vector<model::Route>& routes) {
    model::Route row;
    soci::statement rows = (sql.prepare << "SELECT name FROM routes ORDER BY position, name", into(row.name));
    rows.execute();
    while (rows.fetch()) routes.push_back(row);
    Owners<model::Route> owners(routes);
    each_item(
        sql, "route_items", [&](const std::string& owner, const std::string& kind, const std::string&, std::string value) {
            model::Route* route = owners.find(owner);
            if (!route) return;
            if (kind != "host" && kind != "via") throw soci::soci_error("route " + owner + " has an unknown part " + kind);
            (kind == "host" ? route->hosts : route->via).push_back(std::move(value));
        });
}

/// Inserts the items of one object with one prepared statement.
class ItemWriter {
public:
    ItemWriter(soci::session& sql, const std::string& table)
        : m_insert(
              (sql.prepare << "INSERT INTO " << table << " (owner, kind, position, name, value) VALUES (:o, :k, :p, :n, :v)",
                  use(m_owner), use(m_kind), use(m_position), use(m_name), use(m_value))) {}

    void list(const std::string& owner, const std::string& kind, const Words& values) {
        int position = 0;
        for (const std::string& value : values) put(owner, kind, position++, {}, value);
    }
    void map(const std::string& owner, const std::string& kind, const std::map<std::string, std::string>& values) {
        int position = 0;
        for (const auto& [name, value] : values) put(owner, kind, position++, name, value);
    }

private:
    void put(
        const std::string& owner, const std::string& kind, int position, const std::string& name, const std::string& value) {
        m_owner = owner;
        m_kind = kind;
        m_position = position;
        m_name = name;
        m_value = value;
        m_insert.execute(true);
    }

    std::string m_owner, m_kind, m_name, m_value;
    int m_position = 0;
    soci::statement m_insert;
};

class Writer {
public:
    explicit Writer(soci::session& sql)
        : m_sql(sql), m_user_items(sql, "user_items"), m_target_items(sql, "target_items"), m_rule_items(sql, "rule_items"),
          m_client_host_items(sql, "client_host_items"), m_route_items(sql, "route_items") {}

    void remove(const std::string& kind, const std::string& name) {  // items go with it
        m_sql << "DELETE FROM " << kind << "s WHERE name = :name", use(name);
    }

    void insert(const model::User& user) {
        const int locked = user.locked ? 1 : 0;
        m_sql << "INSERT INTO users (name, email, locked, expires, origin) VALUES (:n, :e, :l, :x, :o)", use(user.name),
            use(user.email), use(locked), use(user.expires), use(user.origin);
        m_user_items.list(user.name, "group", user.groups);
        m_user_items.list(user.name, "key", user.keys);
    }

    void insert(const model::Target& target) {
        const std::string auth(model::name(target.auth));
        const int trust = target.trust_first_use ? 1 : 0;
        const int legacy = target.legacy ? 1 : 0;
        m_sql << "INSERT INTO targets (name, address, auth, trust_first_use, legacy) VALUES (:n, :a, :u, :t, :l)",
            use(target.name), use(target.address), use(auth), use(trust), use(legacy);
        m_target_items.list(target.name, "login", target.logins);
        m_target_items.list(target.name, "principal", target.principals);
        m_target_items.list(target.name, "host_key", target.host_keys);
        m_target_items.list(target.name, "host_ca", target.host_ca);
        m_target_items.list(target.name, "route", target.route);
        m_target_items.map(target.name, "label", target.labels);
        m_target_items.map(target.name, "env", target.set_env);
    }

    void insert(const model::Rule& rule) {
        const std::string record(model::name(rule.record));
        const std::string on_failure(rule.on_failure ? model::name(*rule.on_failure) : "");
        m_sql << "INSERT INTO rules (name, position, record, on_failure, hours) VALUES (:n, 0, :r, :f, :h)", use(rule.name),
            use(record), use(on_failure), use(rule.when.hours);
        Words allow;
        for (const model::Capability capability : rule.allow) allow.emplace_back(model::name(capability));
        m_rule_items.list(rule.name, "user", rule.users);
        m_rule_items.list(rule.name, "target", rule.targets);
        m_rule_items.list(rule.name, "login", rule.logins);
        m_rule_items.list(rule.name, "allow", allow);
        m_rule_items.list(rule.name, "command", rule.commands);
        m_rule_items.list(rule.name, "forward", rule.forward);
        m_rule_items.list(rule.name, "accept_from", rule.accept_from);
        m_rule_items.list(rule.name, "sftp_path", rule.sftp.paths);
        if (rule.sftp.read_only) m_rule_items.map(rule.name, "sftp", {{"read_only", "true"}});
        if (!rule.record_contents.all())
            m_rule_items.list(rule.name, "record_contents", {model::contents_text(rule.record_contents)});
        if (rule.record_hidden_input) m_rule_items.map(rule.name, "record", {{"hidden_input", "true"}});
        m_rule_items.list(rule.name, "from", rule.when.from);
        if (rule.when.touch) m_rule_items.map(rule.name, "when", {{"touch", "true"}});
        m_rule_items.list(rule.name, "index", model::index_words(rule.index));
        m_rule_items.map(rule.name, "limit", limits_as_items(rule.limits));
    }

    void insert(const model::ClientHost& host) {
        m_sql << "INSERT INTO client_hosts (name) VALUES (:n)", use(host.name);
        m_client_host_items.list(host.name, "address", host.addresses);
        m_client_host_items.list(host.name, "key", host.keys);
        m_client_host_items.list(host.name, "user", host.users);
        m_client_host_items.map(host.name, "account", host.accounts);
    }

    void insert(const model::Route& route) {
        m_sql << "INSERT INTO routes (name, position) VALUES (:n, 0)", use(route.name);
        m_route_items.list(route.name, "host", route.hosts);
        m_route_items.list(route.name, "via", route.via);
    }

    /// `table`: rules or routes.
    template <class Item>
    void number(const char* table, const std::vector<Item>& items) {
        int position = 0;
        std::string name;
        soci::statement update =
            (m_sql.prepare << "UPDATE " << table << " SET position = :p WHERE name = :n", use(position), use(name));
        for (const Item& item : items) {
            name = item.name;
            update.execute(true);
            ++position;
        }
    }

private:
    soci::session& m_sql;
    ItemWriter m_user_items, m_target_items, m_rule_items, m_client_host_items, m_route_items;
};

/// A key was learned for an address: it says nothing about another one under the same name.
void forget_host_keys(soci::session& sql, const model::ObjectChange& change) {
    bool moved = change.change == model::Change::Removed;
    for (const model::FieldChange& field : change.fields) moved = moved || field.field == "address";
    if (moved) sql << "DELETE FROM learned_host_keys WHERE target = :t", use(change.name);
}

}  // namespace

std::uint64_t read_access_version(soci::session& sql) {
    long long version = 0;
    sql << "SELECT version FROM access_state", into(version);
    return static_cast<std::uint64_t>(version);
}

model::Access read_access(soci::session& sql) {
    model::Access access;
    access.version = read_access_version(sql);
    read_users(sql, access.users);
    read_targets(sql, access.targets);
    read_rules(sql, access.rules);
    read_client_hosts(sql, access.client_hosts);
    read_routes(sql, access.routes);
    access.index();
    return access;
}

void write_access(soci::session& sql, const model::Access& before, const model::Access& after) {
    model::Access indexed = after;
    indexed.index();
    std::unordered_map<std::string_view, const model::Rule*> rules;
    for (const model::Rule& rule : indexed.rules) rules.emplace(rule.name, &rule);
    std::unordered_map<std::string_view, const model::ClientHost*> client_hosts;
    for (const model::ClientHost& host : indexed.client_hosts) client_hosts.emplace(host.name, &host);

    std::unordered_map<std::string_view, const model::Route*> routes;
    for (const model::Route& route : indexed.routes) routes.emplace(route.name, &route);

    const model::Difference difference = model::difference(before, indexed);
    Writer writer(sql);
    for (const model::ObjectChange& change : difference.objects) {
        if (change.change != model::Change::Added) writer.remove(change.kind, change.name);
        if (change.kind == "target") forget_host_keys(sql, change);
        if (change.change == model::Change::Removed) {
            if (change.kind == "target") delete_secrets(sql, change.name);
            continue;
        }
        if (change.kind == "user") writer.insert(*indexed.user(change.name));
        if (change.kind == "target") writer.insert(*indexed.target(change.name));
        if (change.kind == "rule") writer.insert(*rules.at(change.name));
        if (change.kind == "client_host") writer.insert(*client_hosts.at(change.name));
        if (change.kind == "route") writer.insert(*routes.at(change.name));
    }
    writer.number("rules", indexed.rules);
    writer.number("routes", indexed.routes);
    sql << "UPDATE access_state SET version = version + 1";
}

Result<void> write_kept_elsewhere(
    soci::session& sql, const std::vector<model::User>& put, const std::vector<std::string>& remove) {
    model::User stored;
    int locked = 0;
    soci::statement look = (sql.prepare << "SELECT email, locked, expires, origin FROM users WHERE name = :n", use(stored.name),
        into(stored.email), into(locked), into(stored.expires), into(stored.origin));
    const auto known = [&](const std::string& user) {
        stored.name = user;
        return look.execute(true);
    };
    const auto made_here = [](const std::string& user) {
        return fail("user " + user + " was made here in the meantime; nothing was done, try again");
    };
    Writer writer(sql);
    for (const std::string& user : remove) {
        if (known(user) && stored.origin.empty()) return made_here(user);
        writer.remove("user", user);
    }
    for (model::User user : put) {
        SEKISHO_ASSERT(!user.origin.empty());
        if (known(user.name)) {
            if (stored.origin.empty()) return made_here(user.name);
            user.email = stored.email;
            user.locked = locked != 0;
            user.expires = stored.expires;
            writer.remove("user", user.name);
        }
        writer.insert(user);
    }
    sql << "UPDATE access_state SET version = version + 1";
    return {};
}

}  // namespace sekisho::store
