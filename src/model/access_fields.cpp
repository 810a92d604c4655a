#include "model/access_fields.h"

#include <algorithm>

namespace sekisho::model {
namespace {

using enum FieldType;
using FieldTable = std::vector<AccessField>;

const FieldTable& users() {
    static const FieldTable fields{{"name", Text, true, "a lower-case letter, then at most 63 of a-z 0-9 - _ .", {}},
        {"email", Text, false, "also what certificates may name the user by", {}},
        {"groups", Texts, false, "what rules call @GROUP", {}},
        {"keys", Texts, false, "lines of authorized_keys, with their options; see `sekisho key`", {}},
        {"locked", Flag, false, "may not sign in", {}},
        {"expires", Text, false, "a time with its zone, after which the user may not sign in", {}}};
    return fields;
}

const FieldTable& targets() {
    static const FieldTable fields{{"name", Text, true, "at most 128 of a-z 0-9 - _ ., a letter or digit first", {}},
        {"address", Text, true, "host:port or [IPv6]:port", {}},
        {"logins", Texts, false, "account names on the target, {user}, {email_prefix}; the first is the default", {}},
        {"principals", Texts, false,
            "what certificates for it name: names, {login}, {user}, {email_prefix}, {email}; none: {login}", {}},
        {"auth", Text, false, "how the gateway signs in", {"certificate", "agent", "key", "password", "passthrough"}},
        {"host_keys", Texts, false, "public keys that the target may show", {}},
        {"host_ca", Texts, false, "authorities whose host certificates the target may show", {}},
        {"trust", Text, false, "first-use: the first key that is seen is kept", {"first-use"}},
        {"route", Texts, false, "hops on the way: targets, socks5://host:port, http://host:port", {}},
        {"labels", Pairs, false, "what rules call NAME=VALUE", {}},
        {"set_env", Pairs, false, "variables for the target's commands", {}},
        {"legacy", Flag, false, "older algorithms are permitted", {}}};
    return fields;
}

const FieldTable& rules() {
    static const FieldTable fields{{"name", Text, true, "1 to 256 bytes", {}},
        {"users", Texts, true, "names, @GROUP, or * for everybody", {}},
        {"targets", Texts, false, "names, patterns with * and ?, labels NAME=VALUE; none: the gateway itself", {}},
        {"logins", Texts, false, "patterns, {user}, {email_prefix}; none: every login of the target", {}},
        {"allow", Texts, true, "capabilities",
            {"shell", "exec", "sftp", "scp", "local-forward", "remote-forward", "udp-forward", "socket-forward", "agent",
                "x11", "vpn"}},
        {"commands", Texts, false, "patterns with * and ?: only these by exec; none: every command", {}},
        {"forward", Texts, false, "destinations: host:port, CIDR:port, host:low-high, host:*, /path of a socket", {}},
        {"accept_from", Texts, false, "networks that may connect to ports of the gateway; none: its own machine", {}},
        {"sftp_read_only", Flag, false, "sftp reads and lists, and changes nothing", {}},
        {"sftp_paths", Texts, false,
            "paths with * and ?, or FOLDER/** for all below it: only these by sftp; none: every path", {}},
        {"record", Text, false, "what is kept of a session", {"full", "commands", "metadata"}},
        {"index", Texts, false,
            "what search finds; without it commands by exec and files, where the recording is not sealed",
            {"commands", "files", "none"}},
        {"record_contents", Text, false,
            "of what files, commands without a terminal and forwards move: full, digest, or for example first 64 KiB", {}},
        {"record_hidden_input", Flag, false, "also what is typed while the terminal does not show it: passwords", {}},
        {"on_failure", Text, false, "when evidence cannot be written", {"refuse", "end", "alarm"}},
        {"max_time", Text, false, "for example 8h: then the session ends", {}},
        {"idle_time", Text, false, "for example 30m without a byte in either direction: then the session ends", {}},
        {"max_sessions", Number, false, "of one user under this rule, at once", {}},
        {"when.from", Texts, false, "networks that the user comes from", {}},
        {"when.hours", Text, false, "for example Mon-Fri 08:00-20:00 Asia/Tokyo", {}},
        {"when.touch", Flag, false, "the user signed in with a security key, and touched it", {}}};
    return fields;
}

const FieldTable& routes() {
    static const FieldTable fields{{"name", Text, true, "1 to 256 bytes", {}},
        {"hosts", Texts, true, "where it leads: names with * and ?, networks, or * for everything", {}},
        {"via", Texts, false, "hops on the way: targets, socks5://host:port, http://host:port; none: directly", {}}};
    return fields;
}

const FieldTable& client_hosts() {
    static const FieldTable fields{{"name", Text, true, "the machine's host name, as it says itself", {}},
        {"addresses", Texts, false, "networks that it connects from; none: any, for one that comes through a relay", {}},
        {"keys", Texts, true, "its public host keys", {}},
        {"users", Texts, true, "who may come from there: names, @GROUP, or *", {}},
        {"accounts", Pairs, false, "its local account and the user that it stands for; none: the user of the same name",
            {}}};
    return fields;
}

}  // namespace

const std::vector<AccessField>& access_fields(std::string_view kind) {
    if (kind == "user") return users();
    if (kind == "client_host" || kind == "client-host") return client_hosts();
    if (kind == "route") return routes();
    return kind == "target" ? targets() : rules();
}

const AccessField* access_field(std::string_view kind, std::string_view name) {
    const auto& all = access_fields(kind);
    const auto found = std::ranges::find(all, name, &AccessField::name);
    return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> field_names(std::string_view kind, std::string_view table) {
    std::vector<std::string> names;
    for (const AccessField& field : access_fields(kind)) {
        const std::size_t dot = field.name.find('.');
        const std::string_view first = field.name.substr(0, dot);
        std::string name;
        if (table.empty())
            name = first;
        else if (dot != std::string_view::npos && first == table)
            name = field.name.substr(dot + 1);
        if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

}  // namespace sekisho::model
