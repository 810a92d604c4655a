#include "policy/decide.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/network.h"
#include "base/time_zone.h"
#include "model/forward.h"
#include "model/hours.h"
#include "model/pattern.h"

namespace sekisho::policy {
namespace {

using model::Capability;
using model::Rule;

/// Peer-chosen text inside a sentence: bounded, and without control characters.
std::string shown(std::string_view text) {
    constexpr std::size_t kMost = 128;
    std::string out(text.substr(0, kMost));
    std::replace_if(out.begin(), out.end(), [](char c) { return c < ' ' || c == 0x7f; }, '?');
    return text.size() > kMost ? out + "…" : out;
}

bool names_destination(Capability capability) {
    return capability == Capability::LocalForward || capability == Capability::RemoteForward ||
           capability == Capability::UdpForward;
}

/// RFC 4254 §7.1: where a target is to listen may be said as "", and is by some as "*": on every address.
std::string_view named_host(const Request& request) {
    const bool every = request.forward_host.empty() || request.forward_host == "*";
    return request.capability == Capability::RemoteForward && every ? "0.0.0.0" : std::string_view(request.forward_host);
}

/// What one request is compared with, worked out once for all rules.
struct Facts {
    const model::User* user = nullptr;
    const model::Target* target = nullptr;
    std::string login;
    std::optional<model::ForwardHost> host;
    std::optional<model::SocketPath> socket;
    std::optional<base::Address> source;
};

bool matches_user(const Rule& rule, const model::User& user) { return model::names_user(rule.users, user); }

bool matches_target_word(const std::string& word, const model::Target& target) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return model::matches_pattern(word, target.name);
    const auto label = target.labels.find(word.substr(0, equals));
    return label != target.labels.end() && model::matches_pattern(std::string_view(word).substr(equals + 1), label->second);
}

bool matches_target(const Rule& rule, const model::Target* target) {
    if (!target) return rule.targets.empty();  // the gateway itself
    return std::any_of(rule.targets.begin(), rule.targets.end(),
        [&](const std::string& word) { return matches_target_word(word, *target); });
}

/// A login is one that the target lists, where it lists any; a rule may narrow it. Without either nothing is meant.
bool matches_login(const Rule& rule, const Facts& facts) {
    if (!facts.target) return true;
    const std::vector<std::string>& listed = facts.target->logins;
    if (!listed.empty() && std::find(listed.begin(), listed.end(), facts.login) == listed.end()) return false;
    if (rule.logins.empty()) return !listed.empty();
    return std::any_of(rule.logins.begin(), rule.logins.end(),
        [&](const std::string& pattern) { return model::matches_pattern(pattern, facts.login); });
}

bool matches_capability(const Rule& rule, Capability capability) {
    return std::find(rule.allow.begin(), rule.allow.end(), capability) != rule.allow.end();
}

/// A forward needs an entry that permits it: a rule without entries permits none.
bool matches_forward(const Rule& rule, const Facts& facts, const Request& request) {
    if (!facts.host && !facts.socket) return true;
    return std::any_of(rule.forward.begin(), rule.forward.end(), [&](const std::string& text) {
        const auto entry = model::ForwardEntry::parse(text);
        if (!entry) return false;
        if (facts.socket) return entry->permits(*facts.socket);
        if (request.capability == Capability::RemoteForward) return entry->permits_listening(*facts.host, request.forward_port);
        return entry->permits(*facts.host, request.forward_port);
    });
}

bool matches_source(const Rule& rule, const Facts& facts) {
    if (rule.when.from.empty()) return true;
    return facts.source && std::any_of(rule.when.from.begin(), rule.when.from.end(), [&](const std::string& text) {
        const auto network = base::Network::parse(text);
        return network && network->contains(*facts.source);
    });
}

bool matches_hours(const Rule& rule, WallTime time) {
    if (rule.when.hours.empty()) return true;
    const auto hours = model::Hours::parse(rule.when.hours);
    return hours && hours->contains(time);
}

Decision refused(std::string reason) {
    Decision decision;
    decision.reason = std::move(reason);
    return decision;
}

/// "exec as ubuntu on web1", "local-forward to ledger.internal:443".
std::string what_was_asked(const Facts& facts, const Request& request) {
    std::string text(model::name(request.capability));
    if (names_destination(request.capability)) {
        const std::string_view host = named_host(request);
        const bool v6 = host.find(':') != std::string::npos;
        const char* preposition = request.capability == Capability::RemoteForward ? "from" : "to";
        text += fmt::format(" {} {}{}{}:{}", preposition, v6 ? "[" : "", shown(host), v6 ? "]" : "", request.forward_port);
    }
    if (request.capability == Capability::SocketForward) text += fmt::format(" of {}", shown(request.forward_path));
    if (facts.target) text += fmt::format(" as {} on {}", shown(facts.login), facts.target->name);
    return text;
}

/// Rules that fall short by one thing; a refusal names what would be needed.
struct NearMisses {
    const Rule* by_source = nullptr;
    const Rule* by_hours = nullptr;
    const Rule* by_forward = nullptr;
    std::vector<std::string_view> other_capabilities;

    void note(Capability capability) {
        const std::string_view word = model::name(capability);
        if (std::find(other_capabilities.begin(), other_capabilities.end(), word) == other_capabilities.end()) {
            other_capabilities.push_back(word);
        }
    }

    std::string text() const {
        if (by_hours) return fmt::format("rule \"{}\" lets it only at {}", by_hours->name, by_hours->when.hours);
        if (by_source) return fmt::format("rule \"{}\" lets it only from other networks than yours", by_source->name);
        if (by_forward) return fmt::format("rule \"{}\" permits other destinations only", by_forward->name);
        if (!other_capabilities.empty()) return fmt::format("permitted there: {}", fmt::join(other_capabilities, ", "));
        return {};
    }
};

std::optional<std::string> why_user_is_out(const Request& request, const model::User* user) {
    if (!user) return fmt::format("no user is called {}", shown(request.user));
    if (user->locked) return fmt::format("user {} is locked; ask your administrator to unlock it", user->name);
    if (user->expires.empty()) return std::nullopt;
    const auto end = base::parse_rfc3339(user->expires);
    if (end && request.time < *end) return std::nullopt;
    return fmt::format("user {} expired at {}; ask your administrator to renew it", user->name, user->expires);
}

Decision allowed(const Rule& rule) {
    Decision decision;
    decision.allowed = true;
    decision.rule = rule.name;
    decision.reason = fmt::format("rule \"{}\" lets it", rule.name);
    decision.record = rule.record;
    decision.on_failure = rule.on_failure;
    return decision;
}

/// The rule's answer to everything but capability, source and hours.
bool concerns(const Rule& rule, const Facts& facts) {
    return matches_user(rule, *facts.user) && matches_target(rule, facts.target) && matches_login(rule, facts);
}

}  // namespace

Decision decide(const model::Access& access, const Request& request) {
    Facts facts;
    facts.user = access.user(request.user);
    if (auto reason = why_user_is_out(request, facts.user)) return refused(std::move(*reason));
    if (!request.target.empty()) {
        facts.target = access.target(request.target);
        if (!facts.target) return refused(fmt::format("no target is called {}", shown(request.target)));
        facts.login = request.login.empty() && !facts.target->logins.empty() ? facts.target->logins.front() : request.login;
        if (facts.login.empty())
            return refused(
                fmt::format("target {} has no default login; write LOGIN@{}", facts.target->name, facts.target->name));
    }
    if (names_destination(request.capability)) {
        auto host = model::ForwardHost::parse(named_host(request));
        if (!host) {
            return refused(fmt::format("{} is refused: {}", what_was_asked(facts, request), host.error().text));
        }
        facts.host = std::move(*host);
    }
    if (request.capability == Capability::SocketForward) {
        auto socket = model::SocketPath::parse(request.forward_path);
        if (!socket) {
            return refused(fmt::format("{} is refused: {}", what_was_asked(facts, request), socket.error().text));
        }
        facts.socket = std::move(*socket);
    }
    if (const auto source = base::Address::parse(request.source)) facts.source = source->unmapped();

    NearMisses near;
    for (const std::uint32_t position : access.rules_for(*facts.user)) {
        const Rule& rule = access.rules[position];
        if (!concerns(rule, facts)) continue;
        const bool source_fits = matches_source(rule, facts);
        const bool hours_fit = matches_hours(rule, request.time);
        if (!matches_capability(rule, request.capability)) {
            if (source_fits && hours_fit) {
                for (const Capability capability : rule.allow) near.note(capability);
            }
        } else if (!matches_forward(rule, facts, request)) {
            if (!near.by_forward) near.by_forward = &rule;
        } else if (!source_fits) {
            if (!near.by_source) near.by_source = &rule;
        } else if (!hours_fit) {
            if (!near.by_hours) near.by_hours = &rule;
        } else {
            return allowed(rule);
        }
    }
    const std::string near_text = near.text();
    return refused(
        fmt::format("no rule lets {} use {}{}{}; ask your administrator for a rule that allows it", facts.user->name,
            what_was_asked(facts, request), near_text.empty() ? "" : " (", near_text.empty() ? "" : near_text + ")"));
}

}  // namespace sekisho::policy
