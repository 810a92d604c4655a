#include "policy/decide.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/network.h"
#include "base/time_zone.h"
#include "model/forward.h"
#include "model/own_login.h"
#include "model/rule_index.h"

namespace sekisho::policy {
namespace {

using model::Capability;
using model::Rule;
using model::RuleIndex;
using model::RuleSet;

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

/// The gateway listens itself: at an address, and at localhost. What another name means, whoever answers for it would decide.
bool is_no_place_of_gateway(const Request& request, const model::ForwardHost& host) {
    return request.capability == Capability::RemoteForward && request.target.empty() && !host.address && host.name != "localhost";
}

bool runs_command(const Request& request) { return request.capability == Capability::Exec && request.command; }

/// What one request is compared with, worked out once for all rules.
struct Facts {
    const model::User* user = nullptr;
    const model::Target* target = nullptr;
    std::string login;
    std::optional<model::ForwardHost> host;
    std::optional<model::SocketPath> socket;
    std::optional<base::Address> source;
};

/// The rules whose entries permit what is asked for; where nothing is named all do.
RuleSet permitting(const RuleIndex& index, const RuleSet& rules, const Facts& facts, const Request& request) {
    if (runs_command(request)) return rules & index.with_command(*request.command);
    if (request.capability == Capability::Scp) return rules & index.with_scp(request.scp_writes);
    if (facts.socket) return rules & index.forwarding_to(*facts.socket);
    if (!facts.host) return rules;
    if (request.capability != Capability::RemoteForward) return rules & index.forwarding_to(*facts.host, request.forward_port);
    return rules & (facts.target ? index.listening_at(*facts.host, request.forward_port)
                                 : index.listening_at_gateway(*facts.host, request.forward_port));
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
    if (runs_command(request)) text += fmt::format(" of \"{}\"", shown(*request.command));
    if (request.capability == Capability::SocketForward) text += fmt::format(" of {}", shown(request.forward_path));
    if (facts.target) text += fmt::format(" as {} on {}", shown(facts.login), facts.target->name);
    if (request.connects_from) text += fmt::format(" for a connection from {}", shown(*request.connects_from));
    return text;
}

std::optional<std::string> why_user_is_out(const Request& request, const model::User* user) {
    if (!user) return fmt::format("no user is called {}", shown(request.user));
    if (user->locked) return fmt::format("user {} is locked; ask your administrator to unlock it", user->name);
    if (user->expires.empty()) return std::nullopt;
    const auto end = base::parse_rfc3339(user->expires);
    if (end && request.time < *end) return std::nullopt;
    return fmt::format("user {} expired at {}; ask your administrator to renew it", user->name, user->expires);
}

std::string listed(const std::vector<std::string>& words) {
    constexpr std::size_t kMost = 8;
    const auto end = words.begin() + static_cast<std::ptrdiff_t>(std::min(kMost, words.size()));
    return fmt::format("{}{}", fmt::join(words.begin(), end, ", "), end == words.end() ? "" : " …");
}

std::optional<base::Address> unmapped_address(const std::string& text) {
    auto address = base::Address::parse(text);
    if (address) address = address->unmapped();
    return address;
}

Decision allowed(const Rule& rule, const Request& request) {
    Decision decision;
    decision.allowed = true;
    decision.rule = rule.name;
    decision.reason = fmt::format("rule \"{}\" lets it", rule.name);
    if (request.capability == Capability::Exec && !request.command && !rule.commands.empty()) {
        decision.reason += fmt::format(" for these commands: {}", listed(rule.commands));
    }
    if (request.capability == Capability::Sftp) {
        decision.sftp = rule.sftp;
        if (rule.sftp.read_only) decision.reason += ", for reading only";
        if (!rule.sftp.paths.empty()) decision.reason += fmt::format(", at these paths: {}", listed(rule.sftp.paths));
    }
    if (request.capability == Capability::Scp && rule.sftp.read_only) decision.reason += ", for reading only";
    decision.record = rule.record;
    decision.index = rule.index;
    decision.record_contents = rule.record_contents;
    decision.record_hidden_input = rule.record_hidden_input;
    decision.on_failure = rule.on_failure;
    decision.limits = rule.limits;
    return decision;
}

std::string permits_others(const Rule& rule, const Request& request) {
    if (request.capability == Capability::Scp) {
        return fmt::format("rule \"{}\" narrows sftp and lets scp's own protocol {}; without -O scp uses sftp", rule.name,
            rule.sftp.paths.empty() ? "only read" : "do nothing");
    }
    if (!runs_command(request)) return fmt::format("rule \"{}\" permits other destinations only", rule.name);
    return fmt::format("rule \"{}\" permits other commands only: {}", rule.name, listed(rule.commands));
}

/// Rules that fall short by one thing tell what would be needed.
struct NearMisses {
    RuleSet by_touch, by_hours, by_source, by_accepted, by_entry, by_capability;

    std::string text(const std::vector<Rule>& rules, const RuleIndex& index, const Request& request) const {
        if (const auto near = by_touch.first()) {
            return fmt::format(
                "rule \"{}\" lets it only who signs in with a security key and touches it", rules[*near].name);
        }
        if (const auto near = by_hours.first()) {
            return fmt::format("rule \"{}\" lets it only at {}", rules[*near].name, rules[*near].when.hours);
        }
        if (const auto near = by_source.first())
            return fmt::format("rule \"{}\" lets it only from other networks than yours", rules[*near].name);
        if (const auto near = by_accepted.first())
            return fmt::format("rule \"{}\" accepts connections from other networks only", rules[*near].name);
        if (const auto near = by_entry.first()) return permits_others(rules[*near], request);
        std::vector<std::string_view> others;
        for (std::size_t i = 0; i < model::kCapabilityCount; ++i) {
            const auto capability = static_cast<Capability>(i);
            if (by_capability.meets(index.with_capability(capability))) others.push_back(model::name(capability));
        }
        return others.empty() ? std::string() : fmt::format("permitted there: {}", fmt::join(others, ", "));
    }
};

}  // namespace

Decision decide(const model::Access& access, const Request& request) {
    Facts facts;
    facts.user = access.user(request.user);
    if (auto reason = why_user_is_out(request, facts.user)) return refused(std::move(*reason));
    if (!request.target.empty()) {
        facts.target = access.target(request.target);
        if (!facts.target) return refused(fmt::format("no target is called {}", shown(request.target)));
        facts.login = request.login.empty() ? model::default_login(*facts.target, *facts.user) : request.login;
        if (facts.login.empty() && !facts.target->logins.empty())
            return refused(fmt::format("target {} has no default login for you: its logins are {}", facts.target->name,
                fmt::join(facts.target->logins, ", ")));
        if (facts.login.empty())
            return refused(
                fmt::format("target {} has no default login; write LOGIN@{}", facts.target->name, facts.target->name));
    }
    if (names_destination(request.capability)) {
        auto host = model::ForwardHost::parse(named_host(request));
        if (!host) {
            return refused(fmt::format("{} is refused: {}", what_was_asked(facts, request), host.error().text));
        }
        if (is_no_place_of_gateway(request, *host)) {
            return refused(fmt::format(
                "{} is refused: the gateway listens at addresses and at localhost only", what_was_asked(facts, request)));
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
    facts.source = unmapped_address(request.source);

    const auto index = access.rule_index();
    RuleSet concerned = index->of_user(*facts.user);
    concerned &= facts.target ? index->at_target(*facts.target) : index->at_gateway();
    if (facts.target) concerned &= index->with_login(*facts.target, *facts.user, facts.login);
    const RuleSet able = concerned & index->with_capability(request.capability);
    const RuleSet named = permitting(*index, able, facts, request);
    const RuleSet permitted = request.connects_from ? named & index->accepting(unmapped_address(*request.connects_from)) : named;
    const RuleSet from_here = index->from(facts.source);
    const RuleSet open = index->open_at(request.time);
    const RuleSet in_time = permitted & from_here & open;
    const RuleSet granted = request.touched ? in_time : in_time & index->without_touch();
    if (const auto first = granted.first()) return allowed(access.rules[*first], request);

    RuleSet elsewise = (concerned - able) & from_here & open;
    if (!request.touched) elsewise &= index->without_touch();
    const NearMisses near{.by_touch = in_time,
        .by_hours = (permitted & from_here) - open,
        .by_source = permitted - from_here,
        .by_accepted = named - permitted,
        .by_entry = able - named,
        .by_capability = std::move(elsewise)};
    const std::string near_text = near.text(access.rules, *index, request);
    return refused(
        fmt::format("no rule lets {} use {}{}{}; ask your administrator for a rule that allows it", facts.user->name,
            what_was_asked(facts, request), near_text.empty() ? "" : " (", near_text.empty() ? "" : near_text + ")"));
}

}  // namespace sekisho::policy
