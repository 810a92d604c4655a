// A second evaluator of rules for tests: plain loops over the words of an access file, written from the product's words and sharing
// nothing with src/policy or the indexes of src/model. Whatever a rule says exists twice here: as the text that the rule holds, and as
// plain numbers and names that this evaluator reads; so a parser that misreads a text is found as well.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/access.h"
#include "policy/decide.h"

namespace sekisho::policy::plain {

using model::Capability;

constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400;

struct PlainZone {
    const char* name;
    std::int64_t standard, summer;  // seconds east of UTC
    std::int64_t summer_begins, summer_ends;  // of 2026, UTC
};

// 2026: the EU changes on March 29 and October 25 at 01:00 UTC, New York on March 8 and November 1 at 02:00 local time.
inline const PlainZone kZones[] = {{"UTC", 0, 0, 0, 0}, {"Asia/Tokyo", 9 * kHour, 9 * kHour, 0, 0},
    {"Asia/Kolkata", 5 * kHour + 1800, 5 * kHour + 1800, 0, 0}, {"Europe/Berlin", kHour, 2 * kHour, 1774746000, 1792890000},
    {"America/New_York", -5 * kHour, -4 * kHour, 1772953200, 1793512800}};

struct PlainHours {
    bool any = true, broken = false;
    int zone = 0;
    unsigned days = 127;  // bit 0: Sunday
    int begin = 0, end = 0;  // minutes
};

struct PlainAddress {
    bool v6 = false;
    std::uint64_t high = 0, low = 0;  // IPv4: the low 32 bits
};

struct PlainNetwork {
    PlainAddress address;
    unsigned prefix = 0;
};

struct PlainForward {
    enum class Kind { Name, Network, Socket, Folder, Broken } kind = Kind::Name;
    std::string name;  // or path; of a folder with the slash behind it
    PlainNetwork network;
    unsigned low = 1, high = 65535;
};

struct PlainRule {
    std::vector<PlainForward> forward;
    std::vector<PlainNetwork> from;
    bool everywhere = true;
    std::vector<PlainNetwork> accepted;
    bool own_machine_only = true;
    PlainHours hours;
    bool touch = false;
};

/// What a client may write for the host of a forward, and how it is to be understood.
struct PlainHost {
    const char* written;
    enum class Kind { Name, Address, Refused } kind;
    const char* name;
    PlainAddress address;
};

constexpr PlainAddress v4(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    return {false, 0, a << 24 | b << 16 | c << 8 | d};
}
constexpr PlainAddress v6(std::uint64_t high, std::uint64_t low) { return {true, high, low}; }

inline const PlainHost kHosts[] = {{"ledger.internal", PlainHost::Kind::Name, "ledger.internal", {}},
    {"LEDGER.Internal", PlainHost::Kind::Name, "ledger.internal", {}},
    {"ledger.internal.", PlainHost::Kind::Name, "ledger.internal", {}}, {"db", PlainHost::Kind::Name, "db", {}},
    {"localhost", PlainHost::Kind::Name, "localhost", {}},
    {"ledger.internal.evil", PlainHost::Kind::Name, "ledger.internal.evil", {}},
    {"10.1.2.3", PlainHost::Kind::Address, "", v4(10, 1, 2, 3)},
    {"10.1.255.255", PlainHost::Kind::Address, "", v4(10, 1, 255, 255)},
    {"10.2.0.0", PlainHost::Kind::Address, "", v4(10, 2, 0, 0)},
    {"127.0.0.1", PlainHost::Kind::Address, "", v4(127, 0, 0, 1)}, {"0.0.0.0", PlainHost::Kind::Address, "", v4(0, 0, 0, 0)},
    {"255.255.255.255", PlainHost::Kind::Address, "", v4(255, 255, 255, 255)},
    {"2001:db8::1", PlainHost::Kind::Address, "", v6(0x20010db800000000, 1)},
    {"2001:DB8:0:0::1", PlainHost::Kind::Address, "", v6(0x20010db800000000, 1)},
    {"2001:db9::", PlainHost::Kind::Address, "", v6(0x20010db900000000, 0)}, {"::1", PlainHost::Kind::Address, "", v6(0, 1)},
    {"::ffff:10.1.2.3", PlainHost::Kind::Refused, "", {}}, {"::10.1.2.3", PlainHost::Kind::Refused, "", {}},
    {"0x0a010203", PlainHost::Kind::Refused, "", {}}, {"167838211", PlainHost::Kind::Refused, "", {}},
    {"012.1.2.3", PlainHost::Kind::Refused, "", {}}, {"10.1.515", PlainHost::Kind::Refused, "", {}},
    {"10.1.2.3.", PlainHost::Kind::Refused, "", {}}, {"ledger internal", PlainHost::Kind::Refused, "", {}},
    {"ledger.internal..", PlainHost::Kind::Refused, "", {}}, {"-db", PlainHost::Kind::Refused, "", {}},
    {"fe80::1%eth0", PlainHost::Kind::Refused, "", {}}, {"[::1]", PlainHost::Kind::Refused, "", {}}};

struct PlainSource {
    const char* written;
    bool known;
    PlainAddress address;
};
inline const PlainSource kSources[] = {{"203.0.113.9", true, v4(203, 0, 113, 9)},
    {"203.0.112.255", true, v4(203, 0, 112, 255)}, {"::ffff:203.0.113.7", true, v4(203, 0, 113, 7)},
    {"198.51.100.1", true, v4(198, 51, 100, 1)}, {"127.0.0.1", true, v4(127, 0, 0, 1)}, {"::1", true, v6(0, 1)},
    {"2001:db8::5", true, v6(0x20010db800000000, 5)},
    {"2001:db7:ffff::5", true, v6(0x20010db7ffff0000, 5)}, {"", false, {}}, {"nonsense", false, {}}};

/// One request and what must come out of it.
struct Expected {
    bool allowed = false;
    std::size_t rule = 0;
    enum class Why {
        Allowed,
        NoUser,
        Locked,
        Expired,
        NoTarget,
        NoLogin,
        BadPlace,
        Touch,
        Hours,
        Source,
        Accepted,
        Forward,
        Command,
        Scp,
        Capability,
        Nothing
    } why = Why::Nothing;
};
constexpr std::array<const char*, 16> kWhys{"allowed", "no such user", "locked", "expired", "no such target",
    "no default login", "bad place", "touch", "hours", "source", "accepted", "forward", "command", "scp", "capability", "nothing near"};

struct Case {
    model::Access access;
    std::vector<PlainRule> rules;
    std::vector<std::int64_t> expires;  // of each user; 0: never, 1: cannot be read
    struct Question {
        Request request;
        int host = -1, source = 0;
        int rider = -1;  // who connects where the gateway listens
        bool socket_fine = false;
    };
    std::vector<Question> questions;
};

// --- the second evaluator ---

inline bool fits(const char* pattern, const char* text) {  // by trying every length for a star
    if (*pattern == '\0') return *text == '\0';
    if (*pattern == '*') {
        for (;; ++text) {
            if (fits(pattern + 1, text)) return true;
            if (*text == '\0') return false;
        }
    }
    return *text != '\0' && (*pattern == '?' || *pattern == *text) && fits(pattern + 1, text + 1);
}
/// As above, where a wildcard stands for one of the characters of `wild` only.
inline bool fits(const char* pattern, const char* text, const std::string& wild) {
    if (*pattern == '\0') return *text == '\0';
    if (*pattern == '*') {
        for (;; ++text) {
            if (fits(pattern + 1, text, wild)) return true;
            if (*text == '\0' || wild.find(*text) == std::string::npos) return false;
        }
    }
    if (*pattern == '?') return *text != '\0' && wild.find(*text) != std::string::npos && fits(pattern + 1, text + 1, wild);
    return *pattern == *text && fits(pattern + 1, text + 1, wild);
}

inline bool fits(const std::string& pattern, const std::string& text) { return fits(pattern.c_str(), text.c_str()); }

inline bool inside(const PlainNetwork& network, const PlainAddress& address) {
    if (network.address.v6 != address.v6) return false;
    const auto bit = [](const PlainAddress& one, unsigned i) {
        if (!one.v6) return (one.low >> (31 - i)) & 1;
        return i < 64 ? (one.high >> (63 - i)) & 1 : (one.low >> (127 - i)) & 1;
    };
    for (unsigned i = 0; i < network.prefix; ++i) {
        if (bit(network.address, i) != bit(address, i)) return false;
    }
    return true;
}

inline bool open_now(const PlainHours& hours, std::int64_t time) {
    if (hours.any) return true;
    if (hours.broken) return false;
    const PlainZone& zone = kZones[hours.zone];
    const bool summer = time >= zone.summer_begins && time < zone.summer_ends;
    const std::int64_t local = time + (summer ? zone.summer : zone.standard);
    const std::int64_t day = local / kDay;
    const auto minute = static_cast<int>(local % kDay / kMinute);
    const auto today = static_cast<unsigned>((day + 4) % 7);  // 1970-01-01 was a Thursday
    const bool on_today = (hours.days >> today) & 1, on_yesterday = (hours.days >> ((today + 6) % 7)) & 1;
    if (hours.begin < hours.end) return on_today && minute >= hours.begin && minute < hours.end;
    return (on_today && minute >= hours.begin) || (on_yesterday && minute < hours.end);
}

inline bool lets_forward(const PlainRule& rule, const Case::Question& question) {
    const Request& request = question.request;
    for (const PlainForward& entry : rule.forward) {
        using Kind = PlainForward::Kind;
        if (request.capability == Capability::SocketForward) {
            if (entry.kind == Kind::Socket && request.forward_path == entry.name) return true;
            if (entry.kind == Kind::Folder && request.forward_path.rfind(entry.name, 0) == 0) return true;
            continue;
        }
        const unsigned port = request.forward_port;
        bool port_fits = port >= entry.low && port <= entry.high;
        const bool every = entry.low == 1 && entry.high == 65535;
        if (request.capability == Capability::RemoteForward && port == 0) port_fits = every;
        if (request.capability == Capability::RemoteForward && request.target.empty() && port > 0 && port < 1024 && every)
            port_fits = false;
        const PlainHost& host = kHosts[question.host];
        if (entry.kind == Kind::Name && host.kind == PlainHost::Kind::Name && entry.name == host.name && port_fits)
            return true;
        if (entry.kind == Kind::Network && host.kind == PlainHost::Kind::Address && inside(entry.network, host.address) &&
            port_fits)
            return true;
    }
    return false;
}

inline bool lets_ride(const PlainRule& rule, const Case::Question& question) {
    if (question.rider < 0) return true;
    const PlainSource& rider = kSources[question.rider];
    if (!rider.known) return false;
    for (const PlainNetwork& network : rule.accepted) {
        if (inside(network, rider.address)) return true;
    }
    const PlainAddress& address = rider.address;
    const bool own = address.v6 ? address.high == 0 && address.low == 1 : address.low >> 24 == 127;
    return rule.own_machine_only && own;
}

inline bool lets_run(const model::Rule& rule, const std::string& command) {
    const std::string wild = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '_-./:,@%+=~\xe9\x96\xa2";
    for (const std::string& pattern : rule.commands) {
        if (fits(pattern.c_str(), command.c_str(), wild)) return true;
    }
    return rule.commands.empty();
}

inline bool is_forward(Capability capability) {
    return capability == Capability::LocalForward || capability == Capability::RemoteForward ||
           capability == Capability::UdpForward || capability == Capability::SocketForward;
}

template <class Items>
auto named(const Items& items, const std::string& name) -> decltype(&items[0]) {
    for (const auto& item : items) {
        if (item.name == name) return &item;
    }
    return nullptr;
}

inline bool has(const std::vector<std::string>& words, const std::string& word) {
    for (const std::string& one : words) {
        if (one == word) return true;
    }
    return false;
}

/// E-mail addresses of users, and the logins that are made of them.
inline constexpr std::pair<const char*, const char*> kEmails[] = {{"", ""}, {"ubuntu@example.com", "ubuntu"}, {"u", "u"},
    {"root@example.com", ""}, {"*@example.com", ""}, {"{user}@example.com", ""}, {"postgres@a@b", "postgres"}, {"@example.com", ""}};

/// What a word among logins says of this user; empty: nothing.
inline std::string own(const std::string& word, const model::User& user) {
    if (word == "{user}") return user.name == "root" ? "" : user.name;
    if (word != "{email_prefix}") return word;
    for (const auto& [email, login] : kEmails) {
        if (user.email == email) return login;
    }
    return {};
}

inline std::vector<std::string> own_logins(const std::vector<std::string>& words, const model::User& user) {
    std::vector<std::string> logins;
    for (const std::string& word : words) {
        if (!own(word, user).empty()) logins.push_back(own(word, user));
    }
    return logins;
}

inline Expected plainly(const Case& set, const Case::Question& question) {
    using Why = Expected::Why;
    const Request& request = question.request;
    const std::int64_t time = base::unix_seconds(request.time);
    const model::User* user = named(set.access.users, request.user);
    if (user == nullptr) return {false, 0, Why::NoUser};
    if (user->locked) return {false, 0, Why::Locked};
    const std::int64_t expires = set.expires[static_cast<std::size_t>(user - set.access.users.data())];
    if (expires == 1 || (expires != 0 && time >= expires)) return {false, 0, Why::Expired};
    const model::Target* target = nullptr;
    std::string login = request.login;
    if (!request.target.empty()) {
        target = named(set.access.targets, request.target);
        if (target == nullptr) return {false, 0, Why::NoTarget};
        const auto logins = own_logins(target->logins, *user);
        if (login.empty() && !logins.empty()) login = logins[0];
        if (login.empty()) return {false, 0, Why::NoLogin};
    }
    if (request.capability == Capability::SocketForward
            ? !question.socket_fine
            : is_forward(request.capability) && kHosts[question.host].kind == PlainHost::Kind::Refused)
        return {false, 0, Why::BadPlace};
    if (request.capability == Capability::RemoteForward && target == nullptr &&
        kHosts[question.host].kind == PlainHost::Kind::Name && std::string(kHosts[question.host].name) != "localhost")
        return {false, 0, Why::BadPlace};

    bool by_touch = false, by_hours = false, by_source = false, by_accepted = false, by_forward = false, by_capability = false;
    for (std::size_t i = 0; i < set.rules.size(); ++i) {
        const model::Rule& rule = set.access.rules[i];
        const PlainRule& plain = set.rules[i];
        bool about_user = false;
        for (const std::string& word : rule.users) {
            if (word == "*" || word == user->name) about_user = true;
            for (const std::string& group : user->groups) about_user = about_user || word == "@" + group;
        }
        bool about_target = target == nullptr && rule.targets.empty();
        for (const std::string& word : rule.targets) {
            if (target == nullptr) continue;
            const std::size_t equals = word.find('=');
            if (equals == std::string::npos) {
                about_target = about_target || fits(word, target->name);
            } else {
                for (const auto& [label, value] : target->labels) {
                    about_target = about_target || (label == word.substr(0, equals) && fits(word.substr(equals + 1), value));
                }
            }
        }
        bool about_login = target == nullptr;
        if (target != nullptr && (target->logins.empty() || has(own_logins(target->logins, *user), login))) {
            about_login = rule.logins.empty() && !target->logins.empty();
            for (const std::string& pattern : rule.logins) {
                const bool word = pattern == "{user}" || pattern == "{email_prefix}";
                about_login = about_login || (word ? own(pattern, *user) == login : fits(pattern, login));
            }
        }
        if (!about_user || !about_target || !about_login) continue;

        bool may = false;
        for (const Capability one : rule.allow) may = may || one == request.capability;
        const bool runs = request.capability == Capability::Exec && request.command;
        const bool scp_fits = rule.sftp.paths.empty() && !(rule.sftp.read_only && request.scp_writes);
        const bool there = runs                                         ? lets_run(rule, *request.command)
                           : request.capability == Capability::Scp      ? scp_fits
                                                                        : !is_forward(request.capability) || lets_forward(plain, question);
        const PlainSource& source = kSources[question.source];
        bool from_here = plain.everywhere;
        for (const PlainNetwork& network : plain.from)
            from_here = from_here || (source.known && inside(network, source.address));
        const bool now = open_now(plain.hours, time);
        const bool rides = lets_ride(plain, question);
        const bool touched = request.touched || !plain.touch;
        if (may && there && rides && from_here && now && touched) return {true, i, Why::Allowed};
        if (!may) {
            by_capability = by_capability || (from_here && now && touched && !rule.allow.empty());
        } else if (!there) {
            by_forward = true;
        } else if (!rides) {
            by_accepted = true;
        } else if (!from_here) {
            by_source = true;
        } else if (!now) {
            by_hours = true;
        } else {
            by_touch = true;
        }
    }
    if (by_touch) return {false, 0, Why::Touch};
    if (by_hours) return {false, 0, Why::Hours};
    if (by_source) return {false, 0, Why::Source};
    if (by_accepted) return {false, 0, Why::Accepted};
    if (by_forward && request.capability == Capability::Scp) return {false, 0, Why::Scp};
    if (by_forward) return {false, 0, request.capability == Capability::Exec ? Why::Command : Why::Forward};
    return {false, 0, by_capability ? Why::Capability : Why::Nothing};
}

}  // namespace sekisho::policy::plain
