#include "identity/grant.h"

#include <algorithm>
#include <ctime>

#include "base/time_zone.h"
#include "model/pattern.h"

namespace sekisho::identity {

namespace {

/// Options in their order, as sshd(8): `restrict` takes everything, later options give back.
/// "[host:]port": a port alone, or *, is any host's; a host may have wildcards.
Result<Grant::Listen> parse_permit_listen(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    Grant::Listen listen;
    std::string_view host = colon == std::string_view::npos ? "*" : text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
    const auto number = base::parse_port(port);
    if (host.empty() || (port != "*" && (!number || *number == 0))) return fail("write [host:]port");
    listen.host = std::string(host);
    listen.port = number.value_or(0);
    return listen;
}

Result<void> apply_option(Grant& grant, const keys::KeyOption& option) {
    const std::string& name = option.name;
    if (name == "restrict") {
        grant.pty = grant.agent_forwarding = grant.port_forwarding = grant.x11_forwarding = false;
    } else if (name == "pty" || name == "no-pty") {
        grant.pty = name == "pty";
    } else if (name == "agent-forwarding" || name == "no-agent-forwarding") {
        grant.agent_forwarding = name == "agent-forwarding";
    } else if (name == "port-forwarding" || name == "no-port-forwarding") {
        grant.port_forwarding = name == "port-forwarding";
    } else if (name == "x11-forwarding" || name == "no-x11-forwarding") {
        grant.x11_forwarding = name == "x11-forwarding";
    } else if (name == "command") {
        grant.command = option.value;
    } else if (name == "permitopen") {
        auto entry = model::ForwardEntry::parse(option.value);
        if (!entry) return fail("the key's option permitopen is not understood: " + entry.error().text);
        if (!grant.permit_open) grant.permit_open.emplace();
        grant.permit_open->push_back(std::move(*entry));
    } else if (name == "permitlisten") {
        auto listen = parse_permit_listen(option.value);
        if (!listen) return fail("the key's option permitlisten is not understood: " + listen.error().text);
        if (!grant.permit_listen) grant.permit_listen.emplace();
        grant.permit_listen->push_back(std::move(*listen));
    } else if (name == "tunnel") {
        const auto device = base::parse_port(option.value);
        if (!device) return fail("the key's option tunnel is not understood");
        grant.tunnel = *device;
    } else if (name == "cert-authority") {
        return fail("this key may sign certificates, not sign in");
    }
    return {};
}

}  // namespace

Result<void> Grant::permits_open(const std::string& host, std::uint16_t port) const {
    if (!port_forwarding) return fail("the key " + fingerprint + " may not forward ports");
    if (!permit_open) return {};
    const auto parsed = model::ForwardHost::parse(host);
    if (parsed && std::ranges::any_of(*permit_open, [&](const auto& entry) { return entry.permits(*parsed, port); }))
        return {};
    return fail("the option permitopen of the key " + fingerprint + " does not list this destination");
}

Result<void> Grant::permits_listen(const std::string& host, std::uint16_t port) const {
    if (!port_forwarding) return fail("the key " + fingerprint + " may not forward ports");
    if (!permit_listen) return {};
    const auto permits = [&](const Listen& one) {
        return (one.port == 0 || one.port == port) && model::matches_pattern(one.host, host.empty() ? "*" : host);
    };
    if (std::ranges::any_of(*permit_listen, permits)) return {};
    return fail("the option permitlisten of the key " + fingerprint + " does not list this place");
}

Result<void> Grant::permits_sockets() const {
    if (!port_forwarding) return fail("the key " + fingerprint + " may not forward ports");
    if (permit_open || permit_listen) return fail("the options of the key " + fingerprint + " permit ports only");
    return {};
}

bool source_permitted(std::string_view pattern_list, const std::optional<base::Address>& source) {
    if (!source) return false;
    const std::string text = source->text();
    bool permitted = false;
    while (!pattern_list.empty()) {
        const auto comma = pattern_list.find(',');
        std::string_view pattern = pattern_list.substr(0, comma);
        pattern_list = comma == std::string_view::npos ? std::string_view() : pattern_list.substr(comma + 1);
        const bool negated = pattern.starts_with('!');
        if (negated) pattern.remove_prefix(1);
        const auto network = base::Network::parse(pattern);
        const bool matches = network ? network->contains(*source) : model::matches_pattern(pattern, text);
        if (matches && negated) return false;
        permitted = permitted || matches;
    }
    return permitted;
}

std::optional<WallTime> parse_expiry_time(std::string_view text) {
    const bool utc = text.ends_with('Z');
    if (utc) text.remove_suffix(1);
    if (text.size() != 8 && text.size() != 12 && text.size() != 14) return std::nullopt;
    if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t count) {
        int value = 0;
        for (std::size_t i = at; i < at + count && i < text.size(); ++i) value = value * 10 + (text[i] - '0');
        return value;
    };
    const int year = number(0, 4), month = number(4, 2), day = number(6, 2);
    const int hour = number(8, 2), minute = number(10, 2), second = number(12, 2);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
        std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    if (utc) {
        return base::wall_time(
            std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second));
    }
    std::tm local{};
    local.tm_year = year - 1900;
    local.tm_mon = month - 1;
    local.tm_mday = day;
    local.tm_hour = hour;
    local.tm_min = minute;
    local.tm_sec = second;
    local.tm_isdst = -1;
    return base::wall_time(std::chrono::sys_seconds(std::chrono::seconds(std::mktime(&local))));
}

Result<void> check_proof(const keys::PublicKey& key, const keys::SignatureDetails& proof, keys::SignatureNeeds needs) {
    if (!keys::is_security_key(key.kind())) return {};
    if (needs.touch && !proof.touched) return fail("the security key " + key.fingerprint() + " was not touched");
    if (needs.pin && !proof.pin_verified) return fail("the security key " + key.fingerprint() + " did not ask for its PIN");
    return {};
}

Result<void> check_user(const model::User& user, WallTime now) {
    if (user.locked) return fail("the user " + user.name + " is locked");
    if (!user.expires.empty()) {
        const auto end = base::parse_rfc3339(user.expires);
        if (!end || now >= *end) return fail("the user " + user.name + " has expired (" + user.expires + ")");
    }
    return {};
}

Result<std::shared_ptr<const Grant>> make_grant(const model::User& user, const keys::AuthorizedKey& key,
    const std::optional<base::Address>& source, WallTime now, const keys::SignatureDetails& proof) {
    if (auto known = check_user(user, now); !known) return std::unexpected(known.error());
    auto grant = std::make_shared<Grant>();
    grant->user = user.name;
    grant->fingerprint = key.key.fingerprint();
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(key.options, [&](const keys::KeyOption& option) { return option.name == name; });
    };
    const keys::SignatureNeeds needs{.touch = !has("no-touch-required"), .pin = has("verify-required")};
    if (auto shown = check_proof(key.key, proof, needs); !shown) return std::unexpected(shown.error());
    grant->touched = keys::is_security_key(key.key.kind()) && proof.touched;
    for (const auto& option : key.options) {
        if (option.name == "from" && !source_permitted(option.value, source)) {
            return fail("the key " + grant->fingerprint + " may not be used from " + (source ? source->text() : "here"));
        }
        if (option.name == "expiry-time") {
            const auto end = parse_expiry_time(option.value);
            if (!end || now >= *end) return fail("the key " + grant->fingerprint + " has expired (" + option.value + ")");
        }
        if (auto applied = apply_option(*grant, option); !applied) return std::unexpected(applied.error());
    }
    return grant;
}

}  // namespace sekisho::identity
