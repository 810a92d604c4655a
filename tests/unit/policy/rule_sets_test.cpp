// decide() against the second evaluator of plain_rules.h, on random rule sets.
//
// SEKISHO_RULE_SETS=N tries so many sets, SEKISHO_RULE_SEED=S only the one of that seed. A set that fails is made smaller first.
#include <cstdlib>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/time_zone.h"
#include "model/difference.h"
#include "policy/decide.h"
#include "tests/unit/policy/plain_rules.h"

namespace sekisho::policy {
namespace {

using namespace plain;

// --- random sets ---

class Maker {
public:
    explicit Maker(std::uint64_t seed) : m_random(seed) {}

    Case make() {
        Case set;
        m_set = &set;
        const bool large = one_in(60);  // more rules than fit one word of a set of rules
        const std::size_t user_count = 1 + below(5), target_count = 1 + below(4);
        for (std::size_t i = 0; i < user_count; ++i) user();
        for (std::size_t i = 0; i < target_count; ++i) target();
        const std::size_t rule_count = large ? 60 + below(90) : below(13);
        for (std::size_t i = 0; i < rule_count; ++i) rule(i);
        for (int i = 0; i < 10; ++i) question();
        return set;
    }

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(m_random() % bound); }
    bool one_in(std::size_t chances) { return below(chances) == 0; }
    template <class Items>
    const auto& of(const Items& items) {
        return items[below(std::size(items))];
    }

    static constexpr std::array kUserNames{"alice", "bob", "carol", "al", "partner", "a-b.c"};
    static constexpr std::array kGroups{"ops", "dev", "op", "alice"};
    static constexpr std::array kTargetNames{"web1", "web2", "web", "db1", "db.prod", "w-1"};
    static constexpr std::array kTargetWords{"*", "web*", "web?", "web1", "*1", "w*1", "w*b*", "db.prod", "db?prod", "????",
        "web*1", "*e*", "env=prod", "env=*", "env=te?t", "env=", "tier=1", "env=*d", "zone=prod", "ops", "?", "web1*"};
    static constexpr std::array kLogins{"ubuntu", "{user}", "root", "{email_prefix}", "postgres", "u"};
    static constexpr std::array kLoginWords{"ubuntu", "root", "{user}", "{email_prefix}", "*", "u*", "?", "*t",
        "post*es", "r??t", "ubuntu?"};
    static constexpr std::array kNames{"ledger.internal", "db", "localhost", "LEDGER.internal.", "other"};
    static constexpr std::array kPaths{"/run/app.sock", "/run/app/one.sock", "/run/docker.sock", "/run/app/sub/two.sock"};
    static constexpr std::array kBadPaths{
        "", "run/app.sock", "/run//app.sock", "/run/app/../docker.sock", "/run/app/", "/", "/run/./app.sock"};

    static constexpr std::array kCommandWords{
        "uptime", "uptime*", "echo *", "*", "git-* '*'", "?ptime", "echo *; id", "* > *", "e*o ?", "*\"*"};
    static constexpr std::array kCommands{"uptime", "uptime ", "uptime; id", "echo a", "echo a; id", "echo $(id)",
        "git-upload-pack 'a/b.git'", "git-upload-pack 'a'; id", "", "echo", "echo \xe9\x96\xa2", "echo *", "echo a b > c",
        "uptime\nid", "echo a\tb", "uptime > /tmp/x", "Uptime", "*", "echo \"a\"", "subsystem uptime"};

    void user() {
        model::User user;
        user.name = of(kUserNames);
        if (named(m_set->access.users, user.name) != nullptr) return;
        for (const char* group : kGroups) {
            if (one_in(3)) user.groups.emplace_back(group);
        }
        user.email = kEmails[below(std::size(kEmails))].first;
        user.locked = one_in(14);
        std::int64_t expires = 0;
        if (one_in(8)) {
            expires = one_in(4) ? 1 : m_now + static_cast<std::int64_t>(below(3)) - 1;
            user.expires = expires == 1 ? "soon" : base::rfc3339(base::from_unix_milliseconds(expires * 1000));
        }
        m_set->access.users.push_back(std::move(user));
        m_set->expires.push_back(expires);
    }

    void target() {
        model::Target target;
        target.name = of(kTargetNames);
        if (named(m_set->access.targets, target.name) != nullptr) return;
        for (const char* login : kLogins) {
            if (one_in(2)) target.logins.emplace_back(login);
        }
        constexpr std::array kValues{"prod", "test", "text", "p", ""};
        if (!one_in(3)) target.labels["env"] = of(kValues);
        if (one_in(3)) target.labels["tier"] = std::to_string(below(3));
        m_set->access.targets.push_back(std::move(target));
    }

    PlainNetwork network(std::string& text) {
        struct Known {
            const char* text;
            PlainNetwork network;
        };
        static const Known known[] = {{"10.1.0.0/16", {v4(10, 1, 0, 0), 16}}, {"10.0.0.0/8", {v4(10, 0, 0, 0), 8}},
            {"10.1.2.3", {v4(10, 1, 2, 3), 32}}, {"10.1.2.2/31", {v4(10, 1, 2, 2), 31}}, {"0.0.0.0/0", {v4(0, 0, 0, 0), 0}},
            {"127.0.0.0/8", {v4(127, 0, 0, 0), 8}}, {"203.0.113.0/24", {v4(203, 0, 113, 0), 24}},
            {"203.0.113.9/32", {v4(203, 0, 113, 9), 32}}, {"203.0.113.9", {v4(203, 0, 113, 9), 32}},
            {"198.51.100.0/25", {v4(198, 51, 100, 0), 25}}, {"2001:db8::/32", {v6(0x20010db800000000, 0), 32}},
            {"2001:db8::1", {v6(0x20010db800000000, 1), 128}}, {"::/0", {v6(0, 0), 0}},
            {"2001:db0::/28", {v6(0x20010db000000000, 0), 28}}, {"0.0.0.0", {v4(0, 0, 0, 0), 32}}};
        const Known& one = of(known);
        text = one.text;
        return one.network;
    }

    void forward(model::Rule& rule, PlainRule& plain) {
        using Kind = PlainForward::Kind;
        PlainForward entry;
        if (one_in(5)) {
            entry.kind = one_in(2) ? Kind::Socket : Kind::Folder;
            constexpr std::array kFolders{"/run/app/", "/run/", "/", "/srv/"};
            entry.name = entry.kind == Kind::Socket ? of(kPaths) : of(kFolders);
            rule.forward.push_back(entry.kind == Kind::Socket ? entry.name : entry.name + "*");
            plain.forward.push_back(std::move(entry));
            return;
        }
        std::string text;
        if (one_in(12)) {
            entry.kind = Kind::Broken;
            constexpr std::array kBroken{"::ffff:10.1.2.3", "*", "10.1.2.3/16", "0x0a010203", "[10.1.2.3]"};
            text = of(kBroken);
        } else if (one_in(2)) {
            entry.kind = Kind::Network;
            entry.network = network(text);
            if (entry.network.address.v6)
                text =
                    "[" + (text.find('/') == std::string::npos || one_in(2) ? text + "]" : text.insert(text.find('/'), "]"));
        } else {
            text = of(kNames);
            entry.name = text == "LEDGER.internal." ? "ledger.internal" : text;
        }
        constexpr std::array<unsigned, 6> kPorts{1, 22, 443, 5432, 8080, 65535};
        if (!one_in(4)) entry.low = entry.high = of(kPorts);
        if (one_in(3)) entry.high = std::max(entry.low, of(kPorts));
        text += entry.low == 1 && entry.high == 65535 && one_in(2) ? ":*"
                : entry.low == entry.high                          ? fmt::format(":{}", entry.low)
                                                                   : fmt::format(":{}-{}", entry.low, entry.high);
        rule.forward.push_back(std::move(text));
        plain.forward.push_back(std::move(entry));
    }

    void hours(model::Rule& rule, PlainHours& hours) {
        hours.any = false;
        hours.broken = one_in(25);
        if (hours.broken) {
            constexpr std::array kBroken{"always", "Mon-Fri 08:00-20:00", "08:00-20:00 Mars/Olympus", "Mon 25:00-26:00 UTC"};
            rule.when.hours = of(kBroken);
            return;
        }
        hours.zone = static_cast<int>(below(std::size(kZones)));
        const PlainZone& zone = kZones[hours.zone];
        // Begins or ends within a few minutes of now, on the clocks of the zone.
        const bool summer = m_now >= zone.summer_begins && m_now < zone.summer_ends;
        const auto minute = static_cast<int>((m_now + (summer ? zone.summer : zone.standard)) % kDay / kMinute);
        const auto near = [&] { return (minute + static_cast<int>(below(5)) - 2 + 1440) % 1440; };
        hours.begin = one_in(3) ? static_cast<int>(below(24) * 60) : near();
        hours.end = one_in(3) ? static_cast<int>(1 + below(24)) * 60 : near();
        if (hours.begin == hours.end) hours.end = (hours.end + 7) % 1440;
        std::string text;
        if (!one_in(3)) {
            constexpr std::array kDays{"Sun", "Mon", "tue", "WED", "Thu", "Fri", "Sat"};
            hours.days = 0;
            do {
                const std::size_t first = below(7), last = one_in(2) ? first : below(7);
                text += fmt::format("{}{}", text.empty() ? "" : ",", kDays[first]);
                if (last != first) text += fmt::format("-{}", kDays[last]);
                for (std::size_t day = first;; day = (day + 1) % 7) {
                    hours.days |= 1U << day;
                    if (day == last) break;
                }
            } while (one_in(2));
            text += " ";
        }
        rule.when.hours = fmt::format("{}{:02}:{:02}-{:02}:{:02} {}", text, hours.begin / 60, hours.begin % 60,
            hours.end / 60, hours.end % 60, zone.name);
    }

    void rule(std::size_t number) {
        model::Rule rule;
        PlainRule plain;
        rule.name = fmt::format("rule {}", number);
        do {
            rule.users.push_back(one_in(4) ? "*" : one_in(2) ? std::string("@") + of(kGroups) : of(kUserNames));
        } while (one_in(3));
        const bool at_gateway = one_in(3);
        while (!at_gateway && (rule.targets.empty() || one_in(3))) rule.targets.emplace_back(of(kTargetWords));
        while (one_in(2)) rule.logins.emplace_back(of(kLoginWords));
        for (std::size_t i = 0; i < model::kCapabilityCount; ++i) {
            if (one_in(3)) rule.allow.push_back(static_cast<Capability>(i));
        }
        if (one_in(3)) rule.commands.emplace_back(of(kCommandWords));
        while (!rule.commands.empty() && one_in(2)) rule.commands.emplace_back(of(kCommandWords));
        while (!one_in(3)) forward(rule, plain);
        if (one_in(3))
            rule.limits = {
                std::chrono::seconds(below(100)), std::chrono::seconds(below(100)), static_cast<std::uint32_t>(below(9))};
        rule.record = static_cast<model::RecordLevel>(below(3));
        if (one_in(2)) rule.on_failure = static_cast<model::OnFailure>(below(3));
        while (one_in(4)) {
            plain.everywhere = false;
            if (one_in(15)) {
                rule.when.from.emplace_back("203.0.113.9/24");  // no network
                continue;
            }
            std::string text;
            plain.from.push_back(network(text));
            rule.when.from.push_back(std::move(text));
        }
        while (one_in(4)) {
            plain.own_machine_only = false;
            std::string text;
            plain.accepted.push_back(network(text));
            rule.accept_from.push_back(std::move(text));
        }
        if (one_in(4)) rule.sftp.read_only = true;
        if (one_in(4)) rule.sftp.paths.emplace_back("/srv/**");
        if (one_in(3)) hours(rule, plain.hours);
        rule.when.touch = plain.touch = one_in(6);
        m_set->access.rules.push_back(std::move(rule));
        m_set->rules.push_back(std::move(plain));
    }

    void question() {
        Case::Question asked;
        Request& request = asked.request;
        const bool known = !one_in(20) && !m_set->access.users.empty();
        request.user = known ? of(m_set->access.users).name : one_in(2) ? "mallory\x1b" : std::string(of(kUserNames));
        if (!one_in(3)) {
            request.target = one_in(12) ? of(kTargetNames) : of(m_set->access.targets).name;
            constexpr std::array kAsked{"ubuntu", "root", "postgres", "u", "UBUNTU", "nobody"};
            if (!one_in(3)) request.login = of(kAsked);
        }
        request.capability = static_cast<Capability>(one_in(2) ? below(model::kCapabilityCount) : 4 + below(4));
        if (!one_in(5)) request.command = of(kCommands);
        request.scp_writes = one_in(2);
        asked.host = static_cast<int>(below(std::size(kHosts)));
        request.forward_host = kHosts[asked.host].written;
        constexpr std::array<std::uint16_t, 8> kPorts{0, 1, 22, 443, 444, 5432, 8080, 65535};
        request.forward_port = of(kPorts);
        // RFC 4254 §7.1: a target that listens everywhere.
        if (request.capability == Capability::RemoteForward && one_in(4)) {
            request.forward_host = one_in(2) ? "" : "*";
            while (std::string(kHosts[asked.host].written) != "0.0.0.0")
                asked.host = (asked.host + 1) % static_cast<int>(std::size(kHosts));
        }
        asked.socket_fine = !one_in(4);
        request.forward_path = asked.socket_fine ? of(kPaths) : of(kBadPaths);
        asked.source = static_cast<int>(below(std::size(kSources)));
        request.source = kSources[asked.source].written;
        request.touched = one_in(3);
        request.time = base::from_unix_milliseconds(m_now * 1000 + static_cast<std::int64_t>(below(1000)));
        if (one_in(3) && !m_set->rules.empty()) aim(asked);
        if (!m_set->rules.empty() && one_in(12)) ride(asked);
        m_set->questions.push_back(std::move(asked));
    }

    /// At a forward that some rule permits, which chance alone hardly ever hits.
    void aim(Case::Question& asked) {
        const std::size_t position = below(m_set->rules.size());
        const model::Rule& rule = m_set->access.rules[position];
        if (m_set->rules[position].forward.empty() || rule.allow.empty()) return;
        Request& request = asked.request;
        const PlainForward& entry = of(m_set->rules[position].forward);
        request.capability = of(rule.allow);
        if (rule.targets.empty()) request.target.clear();
        request.forward_port = static_cast<std::uint16_t>(entry.low + below(entry.high - entry.low + 1));
        if (entry.kind == PlainForward::Kind::Socket) {
            request.forward_path = entry.name;
            asked.socket_fine = true;
        }
        for (std::size_t left = std::size(kHosts); left > 0; --left) {
            const PlainHost& host = kHosts[asked.host];
            request.forward_host = host.written;
            const bool named = entry.kind == PlainForward::Kind::Name && entry.name == host.name;
            const bool in_network = entry.kind == PlainForward::Kind::Network && host.kind == PlainHost::Kind::Address &&
                                    inside(entry.network, host.address);
            if (named || in_network) return;
            asked.host = (asked.host + 1) % static_cast<int>(std::size(kHosts));
        }
        request.forward_host = kHosts[asked.host].written;
    }

    /// To a port of the gateway that some rule permits.
    void ride(Case::Question& asked) {
        Request& request = asked.request;
        for (int i = 0; i < 10 && (request.capability != Capability::RemoteForward || !request.target.empty()); ++i) aim(asked);
        if (request.capability != Capability::RemoteForward || !request.target.empty()) return;
        asked.rider = static_cast<int>(below(std::size(kSources)));
        request.connects_from = kSources[asked.rider].written;
    }

    /// Any minute of 2026, often one at which some clock is moved or a day changes, a second before or at it.
    std::int64_t moment() {
        constexpr std::int64_t kNewYear = 1767225600;  // 2026-01-01T00:00:00Z
        std::int64_t time = kNewYear + static_cast<std::int64_t>(below(365 * 24 * 60)) * kMinute;
        const PlainZone& zone = of(kZones);
        if (zone.summer_begins != 0 && one_in(4))
            time = (one_in(2) ? zone.summer_begins : zone.summer_ends) + static_cast<std::int64_t>(below(9)) * 1800 - 7200;
        return time - (one_in(2) ? 1 : 0);
    }

    std::mt19937_64 m_random;
    std::int64_t m_now = moment();
    Case* m_set = nullptr;
};

// --- the comparison ---

/// What the sentence must say, by the reason for it.
std::string missing_words(const Decision& decision, const Expected& expected, const Case& set, const Request& request) {
    using Why = Expected::Why;
    const auto says = [&](std::string_view words) { return decision.reason.find(words) != std::string::npos; };
    const auto wanted = [&](std::string_view words) {
        return says(words) ? std::string() : fmt::format("\"{}\" is not in it", words);
    };
    if (decision.reason.empty()) return "there is no reason";
    for (const char c : decision.reason) {
        if (static_cast<unsigned char>(c) < ' ') return "a control character is in it";
    }
    if (expected.why == Why::Allowed) return wanted("\"" + set.access.rules[expected.rule].name + "\"");
    if (expected.why == Why::NoUser) return wanted("no user is called " + request.user.substr(0, 3));
    if (expected.why == Why::Locked) return wanted("user " + request.user + " is locked");
    if (expected.why == Why::Expired) return wanted("user " + request.user + " expired");
    if (expected.why == Why::NoTarget) return wanted("no target is called " + request.target);
    if (expected.why == Why::NoLogin) return wanted(request.target + " has no default login");
    // From here on the sentence names what was asked for.
    if (!says(model::name(request.capability))) return "the capability is not named";
    if (request.capability == Capability::SocketForward && !says(request.forward_path)) return "the path is not named";
    if (is_forward(request.capability) && request.capability != Capability::SocketForward) {
        if (!says(fmt::format(":{}", request.forward_port)) ||
            (request.forward_host.size() > 1 && !says(request.forward_host)))
            return "the place is not named";
    }
    if (request.capability == Capability::Exec && request.command && !says(" of \"" + request.command->substr(0, 4)))
        return "the command is not named";
    if (!request.target.empty() && !says(" on " + request.target)) return "the target is not named";
    if (expected.why == Why::BadPlace) return wanted("is refused: ");
    if (expected.why == Why::Touch) return wanted("who signs in with a security key and touches it");
    if (expected.why == Why::Hours) return wanted("lets it only at ");
    if (expected.why == Why::Source) return wanted("only from other networks");
    if (expected.why == Why::Accepted) return wanted("accepts connections from other networks only");
    if (expected.why == Why::Forward) return wanted("permits other destinations only");
    if (expected.why == Why::Command) return wanted("permits other commands only: ");
    if (expected.why == Why::Scp) return wanted("narrows sftp and lets scp's own protocol ");
    if (expected.why == Why::Capability) return wanted("permitted there: ");
    return says(" (rule ") || says(" (permitted ") ? "it names a rule that is not near" : "";
}

std::string difference(const Case& set, const Case::Question& question) {
    const Expected expected = plainly(set, question);
    const Decision decision = decide(set.access, question.request);
    const auto said = [&](std::string_view what) {
        return fmt::format("{}; expected: {}{}, decided: {}", what, kWhys[static_cast<std::size_t>(expected.why)],
            expected.allowed ? " by " + set.access.rules[expected.rule].name : "", decision.reason);
    };
    if (decision.allowed != expected.allowed) return said("allowed differs");
    if (expected.allowed) {
        const model::Rule& rule = set.access.rules[expected.rule];
        if (decision.rule != rule.name) return said("another rule decides");
        if (decision.record != rule.record || decision.on_failure != rule.on_failure || decision.limits != rule.limits ||
            decision.sftp != (question.request.capability == Capability::Sftp ? rule.sftp : model::SftpLimits{}))
            return said("recorded differently");
    } else if (!decision.rule.empty()) {
        return said("a refusal names a rule that allows");
    }
    const std::string missing = missing_words(decision, expected, set, question.request);
    return missing.empty() ? "" : said("the reason: " + missing);
}

/// The set without what the difference does not need.
void shrink(Case& set, const Case::Question& question) {
    for (std::size_t i = set.rules.size(); i-- > 0;) {
        Case smaller = set;
        smaller.access.rules.erase(smaller.access.rules.begin() + static_cast<std::ptrdiff_t>(i));
        smaller.rules.erase(smaller.rules.begin() + static_cast<std::ptrdiff_t>(i));
        smaller.access.index();
        if (!difference(smaller, question).empty()) set = std::move(smaller);
    }
}

std::string shown(const Case& set, const Request& request) {
    std::string text =
        fmt::format("{} asks for {} of \"{}\" as \"{}\" on \"{}\", \"{}\":{}, path \"{}\", from \"{}\"{}, at {}\n",
            request.user, model::name(request.capability), request.command.value_or("-"), request.login, request.target,
            request.forward_host, request.forward_port, request.forward_path, request.source,
            request.touched ? ", touched" : "", base::rfc3339(request.time));
    const auto add = [&](std::string_view kind, const auto& items) {
        for (const auto& item : items) {
            text += fmt::format("{} {}:", kind, item.name);
            for (const auto& [field, value] : model::fields(item)) text += fmt::format(" {} = {};", field, value);
            text += "\n";
        }
    };
    add("user", set.access.users);
    add("target", set.access.targets);
    add("rule", set.access.rules);
    return text;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(RuleSets, RandomOnesAreJudgedAsASecondEvaluatorJudgesThem) {
    RecordProperty("row", "E4");
#ifdef SEKISHO_SANITIZED
    constexpr std::uint64_t kSets = 10'000;
    fmt::print("rule sets: {} instead of 120000, because a sanitizer watches\n", kSets);
#else
    constexpr std::uint64_t kSets = 120'000;
#endif
    const std::uint64_t only = from_environment("SEKISHO_RULE_SEED", 0);
    const std::uint64_t first = only != 0 ? only : 1;
    const std::uint64_t sets = only != 0 ? 1 : from_environment("SEKISHO_RULE_SETS", kSets);
    std::array<std::uint64_t, kWhys.size()> seen{};
    std::map<Capability, std::pair<std::uint64_t, std::uint64_t>> by_capability;  // allowed, refused
    for (std::uint64_t seed = first; seed < first + sets; ++seed) {
        Case set = Maker(seed).make();
        set.access.index();
        for (const Case::Question& question : std::vector(set.questions)) {  // a copy: the set may be made smaller
            const Expected expected = plainly(set, question);
            ++seen[static_cast<std::size_t>(expected.why)];
            auto& [allowed, refused] = by_capability[question.request.capability];
            ++(expected.allowed ? allowed : refused);
            if (difference(set, question).empty()) continue;
            shrink(set, question);
            FAIL() << "SEKISHO_RULE_SEED=" << seed << ": " << difference(set, question) << "\n"
                   << shown(set, question.request);
        }
    }
    std::string counts;
    for (std::size_t i = 0; i < seen.size(); ++i) counts += fmt::format("{}{} {}", i == 0 ? "" : ", ", kWhys[i], seen[i]);
    fmt::print("rule sets of seeds {} to {}: {}\n", first, first + sets - 1, counts);
    if (sets < 10'000) return;
    // A test that never sees a kind of answer says nothing about it.
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_GT(seen[i], sets / 100) << kWhys[i];
    EXPECT_EQ(by_capability.size(), model::kCapabilityCount);
    for (const auto& [capability, counted] : by_capability) {
        EXPECT_GT(counted.first, sets / 100) << model::name(capability) << " is hardly ever allowed";
        EXPECT_GT(counted.second, sets / 100) << model::name(capability) << " is hardly ever refused";
    }
}

}  // namespace
}  // namespace sekisho::policy
