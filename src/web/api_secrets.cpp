// The part of the API about credentials of the gateway for targets. What comes is sealed to the keyholder already, and what is shown is
// what they are for, whose public key it is, and who set them when: nothing that came can be read again.
#include <algorithm>
#include <fstream>

#include <fmt/format.h>

#include "base/nearest.h"
#include "keys/public_key.h"
#include "keys/stored_secret.h"
#include "model/own_login.h"
#include "model/pattern.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

std::optional<model::TargetAuth> parse_kind(std::string_view text) {
    const auto kind = model::parse_target_auth(text);
    const bool stored = kind == model::TargetAuth::Key || kind == model::TargetAuth::Password;
    return stored ? kind : std::nullopt;
}

std::string fingerprint_of(const model::TargetSecret& secret) {
    const auto key = keys::PublicKey::from_line(secret.public_key);
    return key ? key->fingerprint() : std::string();
}

Json secret_json(const model::TargetSecret& secret) {
    return {{"target", secret.target}, {"login", secret.login}, {"kind", model::name(secret.kind)},
        {"fingerprint", fingerprint_of(secret)}, {"public_key", secret.public_key}, {"set_by", secret.set_by},
        {"set_at", base::rfc3339(secret.set_at)}};
}

/// The login that is meant: the stated one, if the target has it, else the target's first.
Result<std::string> login_of(const model::Target& target, const std::string& stated) {
    const bool of_users =
        std::ranges::any_of(target.logins, [](const std::string& word) { return model::is_own_login(word); });
    if (!stated.empty()) {
        if (std::ranges::find(target.logins, stated) != target.logins.end() && model::is_login(stated)) return stated;
        if (of_users && model::is_login(stated)) return stated;
        return fail(
            fmt::format("target {} has no login {}; it has {}", target.name, stated, fmt::join(target.logins, ", ")));
    }
    if (target.logins.empty()) return fail("target " + target.name + " has no login");
    if (model::is_own_login(target.logins.front())) return fail("each user has a login there: say which one is meant");
    return target.logins.front();
}

std::string what(const model::TargetSecret& secret) {
    const std::string fingerprint = fingerprint_of(secret);
    return fmt::format("{} of {}{}{}", model::name(secret.kind), secret.login, fingerprint.empty() ? "" : ", ", fingerprint);
}

std::vector<std::string> warnings_of(const model::Target& target, model::TargetAuth kind) {
    if (target.auth == kind) return {};
    return {fmt::format("target {} signs in by {}: `sekisho target set {} auth={}` makes use of it", target.name,
        model::name(target.auth), target.name, model::name(kind))};
}

}  // namespace

Response Api::secrets_of(const std::string& target, const std::vector<std::string>& warnings) {
    const auto secrets = m_store.target_secrets(target);
    if (!secrets) return refuse(secrets.error());
    Json list = Json::array();
    for (const model::TargetSecret& one : *secrets) list.push_back(secret_json(one));
    std::ifstream file(m_config.wrapping_key_path() + ".pub");
    std::string seal_to;
    std::getline(file, seal_to);
    return respond({{"seal_to", seal_to}, {"secrets", std::move(list)}, {"warnings", warnings}});
}

Response Api::list_secrets(const Call& call) { return secrets_of(call.request.parameter("target"), {}); }

Response Api::set_secret(const Call& call) {
    static const std::vector<std::string> kKnown{"kind", "login", "sealed"};
    const Json body = parse_body(call.request.body);
    if (!body.is_object())
        return refuse(400, "the body is {\"kind\": \"key\" or \"password\", \"login\": \"…\", \"sealed\": \"BASE64\"}");
    for (const auto& [key, value] : body.items()) {
        if (std::ranges::find(kKnown, key) == kKnown.end())
            return refuse(400, fmt::format("unknown field {}{}", key, base::did_you_mean(key, kKnown)));
        if (!value.is_string()) return refuse(400, key + " is a text");
    }
    const auto said = [&](const char* key) { return body.contains(key) ? body[key].get<std::string>() : std::string(); };
    const auto kind = parse_kind(said("kind"));
    if (!kind) return refuse(400, "kind is key or password");
    const std::string coded = said("sealed");
    const auto sealed = coded.size() <= 2 * keys::kMostSealedSecret ? base::from_base64(coded) : std::nullopt;
    if (!sealed || sealed->empty() || sealed->size() > keys::kMostSealedSecret)
        return refuse(400, "sealed is the credential, sealed to what GET /v1/secrets says, in base64");
    const auto access = m_store.access();
    if (!access) return refuse(access.error());
    const model::Target* target = access->target(call.name);
    if (!target) return refuse(404, "no target is called " + call.name);
    auto login = login_of(*target, said("login"));
    if (!login) return refuse(400, login.error().text);
    if (!m_live) return refuse(409, "no gateway is running here: its keyholder wraps credentials, so start it first");

    model::TargetSecret secret{target->name, std::move(*login), *kind, {}, {}, call.request.actor, call.now};
    model::AuditRecord record{.time = call.now,
        .kind = "secret.set",
        .source = call.request.actor,
        .subject = "target " + secret.target,
        .outcome = "ok"};
    if (const auto wrapped = m_live->wrap_secret(secret, *sealed); !wrapped) {
        record.outcome = "failed";
        record.reason = fmt::format("{}: {}", what(secret), wrapped.error().full());
        if (const auto kept = m_store.audit(record); !kept) return refuse(kept.error());
        return refuse(409, wrapped.error().text);
    }
    record.reason = what(secret);
    if (const auto kept = m_store.set_target_secret(secret, record); !kept) return refuse(kept.error());
    return secrets_of(secret.target, warnings_of(*target, *kind));
}

Response Api::remove_secret(const Call& call) {
    const auto kind = parse_kind(call.request.parameter("kind"));
    if (!kind) return refuse(400, "kind is key or password");
    const std::string& login = call.request.parameter("login");
    const auto there = m_store.target_secret(call.name, login, *kind);
    if (!there) return refuse(there.error());
    const std::string nothing = fmt::format("no {} is stored for {}@{}", model::name(*kind), login, call.name);
    if (!*there) return refuse(404, nothing);
    const auto removed = m_store.remove_target_secret(call.name, login, *kind,
        {.time = call.now,
            .kind = "secret.removed",
            .source = call.request.actor,
            .subject = "target " + call.name,
            .outcome = "ok",
            .reason = what(**there)});
    if (!removed) return refuse(removed.error());
    return *removed ? secrets_of(call.name, {}) : refuse(404, nothing);
}

}  // namespace sekisho::web
