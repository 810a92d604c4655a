#include "model/difference.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "base/duration.h"
#include "model/pattern.h"
#include "model/route.h"

namespace sekisho::model {
namespace {

std::string joined(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ", ")); }

std::string joined(const std::map<std::string, std::string>& items) {
    std::string text;
    for (const auto& [key, value] : items) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", key, value);
    return text;
}

void add(Fields& fields, std::string_view name, std::string value) {
    if (!value.empty()) fields.emplace_back(std::string(name), std::move(value));
}

std::vector<FieldChange> field_changes(const Fields& before, const Fields& after) {
    std::vector<FieldChange> changes;
    const auto value_in = [](const Fields& fields, const std::string& name) {
        const auto found =
            std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
        return found == fields.end() ? std::string() : found->second;
    };
    for (const auto& [name, value] : before) {
        const std::string now = value_in(after, name);
        if (now != value) changes.push_back({name, value, now});
    }
    for (const auto& [name, value] : after) {
        if (value_in(before, name).empty()) changes.push_back({name, {}, value});
    }
    return changes;
}

template <class Item>
std::unordered_map<std::string_view, const Item*> by_name(const std::vector<Item>& items) {
    std::unordered_map<std::string_view, const Item*> map;
    map.reserve(items.size());
    for (const Item& item : items) map.emplace(item.name, &item);
    return map;
}

template <class Item>
void compare(
    std::string_view kind, const std::vector<Item>& before, const std::vector<Item>& after, std::vector<ObjectChange>& out) {
    const auto old_items = by_name(before);
    const auto new_items = by_name(after);
    for (const Item& item : after) {
        const auto old = old_items.find(item.name);
        if (old == old_items.end()) {
            out.push_back({Change::Added, std::string(kind), item.name, field_changes({}, fields(item))});
        } else if (!(*old->second == item)) {
            out.push_back(
                {Change::Changed, std::string(kind), item.name, field_changes(fields(*old->second), fields(item))});
        }
    }
    for (const Item& item : before) {
        if (!new_items.contains(item.name)) {
            out.push_back({Change::Removed, std::string(kind), item.name, field_changes(fields(item), {})});
        }
    }
}

/// The order of those that both have.
template <class Item>
bool same_order(const std::vector<Item>& before, const std::vector<Item>& after) {
    const auto in_before = by_name(before);
    const auto in_after = by_name(after);
    std::vector<std::string_view> a;
    std::vector<std::string_view> b;
    for (const Item& item : before) {
        if (in_after.contains(item.name)) a.push_back(item.name);
    }
    for (const Item& item : after) {
        if (in_before.contains(item.name)) b.push_back(item.name);
    }
    return a == b;
}

bool kept_elsewhere(const User& user) { return !user.origin.empty(); }
bool kept_elsewhere(const Target&) { return false; }
bool kept_elsewhere(const Rule&) { return false; }
bool kept_elsewhere(const ClientHost&) { return false; }
bool kept_elsewhere(const Route&) { return false; }

template <class Item>
std::vector<Item> merged(const std::vector<Item>& stored, const std::vector<Item>& files, bool prune) {
    std::vector<Item> result = files;
    const auto in_files = by_name(files);
    for (const Item& item : stored) {
        if (!in_files.contains(item.name) && (!prune || kept_elsewhere(item))) result.push_back(item);
    }
    return result;
}

template <class Item>
void sort_by_name(std::vector<Item>& items) {
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.name < b.name; });
}

bool meets_a_target(const Access& access, const std::string& word) {
    const std::size_t equals = word.find('=');
    return std::any_of(access.targets.begin(), access.targets.end(), [&](const Target& target) {
        if (equals == std::string::npos) return matches_pattern(word, target.name);
        const auto label = target.labels.find(word.substr(0, equals));
        return label != target.labels.end() && matches_pattern(std::string_view(word).substr(equals + 1), label->second);
    });
}

}  // namespace

std::string_view name(Change change) {
    switch (change) {
        case Change::Added: return "added";
        case Change::Changed: return "changed";
        case Change::Removed: return "removed";
    }
    return "?";
}

Fields fields(const User& user) {
    Fields f;
    add(f, "email", user.email);
    add(f, "groups", joined(user.groups));
    add(f, "keys", joined(user.keys));
    add(f, "locked", user.locked ? "true" : "");
    add(f, "expires", user.expires);
    add(f, "origin", user.origin);
    return f;
}

Fields fields(const Target& target) {
    Fields f;
    add(f, "address", target.address);
    add(f, "logins", joined(target.logins));
    add(f, "principals", joined(target.principals));
    add(f, "auth", std::string(name(target.auth)));
    add(f, "host_keys", joined(target.host_keys));
    add(f, "host_ca", joined(target.host_ca));
    add(f, "trust", target.trust_first_use ? "first-use" : "");
    add(f, "route", joined(target.route));
    add(f, "labels", joined(target.labels));
    add(f, "set_env", joined(target.set_env));
    add(f, "legacy", target.legacy ? "true" : "");
    return f;
}

Fields fields(const Rule& rule) {
    Fields f;
    add(f, "users", joined(rule.users));
    add(f, "targets", joined(rule.targets));
    add(f, "logins", joined(rule.logins));
    std::vector<std::string> allow;
    for (const Capability capability : rule.allow) allow.emplace_back(name(capability));
    add(f, "allow", joined(allow));
    add(f, "commands", joined(rule.commands));
    add(f, "forward", joined(rule.forward));
    add(f, "accept_from", joined(rule.accept_from));
    add(f, "sftp_read_only", rule.sftp.read_only ? "true" : "");
    add(f, "sftp_paths", joined(rule.sftp.paths));
    add(f, "record", std::string(name(rule.record)));
    add(f, "index", joined(index_words(rule.index)));
    if (!rule.record_contents.all()) add(f, "record_contents", contents_text(rule.record_contents));
    add(f, "record_hidden_input", rule.record_hidden_input ? "true" : "");
    if (rule.on_failure) add(f, "on_failure", std::string(name(*rule.on_failure)));
    add(f, "when.from", joined(rule.when.from));
    add(f, "when.hours", rule.when.hours);
    add(f, "when.touch", rule.when.touch ? "true" : "");
    if (rule.limits.max_time.count() != 0) add(f, "max_time", base::duration_text(rule.limits.max_time));
    if (rule.limits.idle_time.count() != 0) add(f, "idle_time", base::duration_text(rule.limits.idle_time));
    if (rule.limits.max_sessions != 0) add(f, "max_sessions", std::to_string(rule.limits.max_sessions));
    return f;
}

Fields fields(const ClientHost& host) {
    Fields f;
    add(f, "addresses", joined(host.addresses));
    add(f, "keys", joined(host.keys));
    add(f, "users", joined(host.users));
    add(f, "accounts", joined(host.accounts));
    return f;
}

Fields fields(const Route& route) {
    Fields f;
    add(f, "hosts", joined(route.hosts));
    add(f, "via", joined(route.via));
    return f;
}

Difference difference(const Access& before, const Access& after) {
    Difference result;
    compare("user", before.users, after.users, result.objects);
    compare("target", before.targets, after.targets, result.objects);
    compare("rule", before.rules, after.rules, result.objects);
    compare("client_host", before.client_hosts, after.client_hosts, result.objects);
    compare("route", before.routes, after.routes, result.objects);
    result.routes_reordered = !same_order(before.routes, after.routes);
    result.rules_reordered = !same_order(before.rules, after.rules);
    return result;
}

Access merge(const Access& stored, const Access& files, bool prune) {
    Access result;
    result.users = merged(stored.users, files.users, prune);
    result.targets = merged(stored.targets, files.targets, prune);
    result.rules = merged(stored.rules, files.rules, prune);
    result.client_hosts = merged(stored.client_hosts, files.client_hosts, prune);
    result.routes = merged(stored.routes, files.routes, prune);
    sort_by_name(result.client_hosts);
    sort_by_name(result.users);
    sort_by_name(result.targets);
    result.version = stored.version;
    result.index();
    return result;
}

std::vector<std::string> kept_elsewhere(const Access& stored, const Access& files) {
    std::vector<std::string> found;
    const auto users = by_name(stored.users);
    for (const User& user : files.users) {
        const auto known = users.find(user.name);
        if (known == users.end() || known->second->origin.empty()) continue;
        found.push_back(fmt::format(
            "user {} comes from users_from ({}): change it there, or take it away there first", user.name, known->second->origin));
    }
    return found;
}

std::vector<std::string> undone_elsewhere(const Access& before, const Access& after) {
    std::vector<std::string> found;
    const auto users = by_name(after.users);
    for (const User& user : before.users) {
        if (user.origin.empty()) continue;
        const auto now = users.find(user.name);
        if (now != users.end() && now->second->keys == user.keys && now->second->groups == user.groups) continue;
        found.push_back(fmt::format("user {} comes from users_from ({}), keys and groups with it: change them there. "
                                    "`sekisho user set {} locked=true` keeps the user out meanwhile",
            user.name, user.origin, user.name));
    }
    return found;
}

std::vector<AuditRecord> audit_of(const Difference& difference, const std::string& actor, WallTime now) {
    std::vector<AuditRecord> records;
    const auto add_record = [&](std::string subject, std::string reason) {
        records.push_back({.time = now,
            .kind = "access.changed",
            .source = actor,
            .subject = std::move(subject),
            .outcome = "ok",
            .reason = std::move(reason)});
    };
    for (const ObjectChange& change : difference.objects) {
        std::string text(name(change.change));
        for (const FieldChange& field : change.fields) {
            text += fmt::format("; {}: \"{}\" → \"{}\"", field.field, field.before, field.after);
        }
        add_record(change.kind + " " + change.name, std::move(text));
    }
    if (difference.rules_reordered) add_record("rules", "reordered");
    if (difference.routes_reordered) add_record("routes", "reordered");
    return records;
}

std::vector<std::string> dangling_references(const Access& access) {
    std::vector<std::string> found;
    std::set<std::string, std::less<>> groups;
    for (const User& user : access.users) groups.insert(user.groups.begin(), user.groups.end());
    const auto check_users = [&](std::string_view kind, const std::string& name, const std::vector<std::string>& words) {
        for (const std::string& word : words) {
            const bool known = word == "*" || (word.starts_with('@') ? groups.contains(std::string_view(word).substr(1))
                                                                     : access.user(word) != nullptr);
            if (known) continue;
            found.push_back(word.starts_with('@') ? fmt::format("{} \"{}\": nobody is in group {}", kind, name, word.substr(1))
                                                  : fmt::format("{} \"{}\": no user is called {}", kind, name, word));
        }
    };
    for (const ClientHost& host : access.client_hosts) {
        check_users("client_host", host.name, host.users);
        for (const auto& [account, user] : host.accounts) {
            if (access.user(user) == nullptr)
                found.push_back(fmt::format("client_host \"{}\": account {} is no user's: no user is called {}", host.name, account, user));
        }
    }
    for (const Rule& rule : access.rules) {
        check_users("rule", rule.name, rule.users);
        for (const std::string& word : rule.targets) {
            if (!meets_a_target(access, word)) found.push_back(fmt::format("rule \"{}\": no target is {}", rule.name, word));
        }
    }
    const auto check_hops = [&](const std::string& of, const std::vector<std::string>& hops) {
        for (const std::string& text : hops) {
            const auto hop = RouteHop::parse(text);
            if (!hop || (hop->proxy.empty() && !access.target(hop->target)))
                found.push_back(fmt::format("{}: route hop {} is no target", of, text));
        }
    };
    for (const Target& target : access.targets) check_hops("target " + target.name, target.route);
    for (const Route& route : access.routes) check_hops("route \"" + route.name + "\"", route.via);
    return found;
}

std::vector<std::string> doubts(const Access& access) {
    std::vector<std::string> found = dangling_references(access);
    for (const Rule& rule : access.rules) {
        if (!rule.sftp.any()) continue;
        const auto lets = [&](Capability capability) { return std::ranges::find(rule.allow, capability) != rule.allow.end(); };
        const bool runs = lets(Capability::Exec) && rule.commands.empty();
        if (lets(Capability::Shell) || runs) {
            found.push_back(fmt::format("rule \"{}\" narrows sftp, but {} reaches every file that the login may reach", rule.name,
                lets(Capability::Shell) ? "its shell" : "exec without commands"));
        }
        if (lets(Capability::Scp) && !rule.sftp.paths.empty()) {
            found.push_back(fmt::format(
                "rule \"{}\" has sftp_paths, so its scp is of no use: clients that copy through sftp (scp without -O) need sftp only",
                rule.name));
        }
    }
    return found;
}

}  // namespace sekisho::model
