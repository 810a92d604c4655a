// The part of the API about the certificate authorities.
#include <fstream>

#include <fmt/format.h>

#include "keys/public_key.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string ca_fingerprint(const std::string& line) {
    const auto key = keys::PublicKey::from_line(line);
    return key ? key->fingerprint() : "no key";
}

std::string what_was_done(model::CaStep step, const model::UserCa& ca) {
    switch (step) {
        case model::CaStep::Publish: return fmt::format("{} is published as the next key", ca_fingerprint(ca.next));
        case model::CaStep::Activate:
            return fmt::format(
                "{} signs from now on; {} is the old key", ca_fingerprint(ca.signing), ca_fingerprint(ca.old));
        case model::CaStep::Retire:
            return fmt::format("the old key is destroyed; {} is the only one", ca_fingerprint(ca.signing));
        case model::CaStep::Drop:
            return fmt::format("the next key is destroyed; {} goes on signing", ca_fingerprint(ca.signing));
    }
    return "?";
}

}  // namespace

/// Of the keyholder; where none runs, of the files.
Result<model::UserCa> Api::user_ca() {
    if (m_live) {
        if (auto ca = m_live->user_ca()) return std::move(*ca);
    }
    const std::string path = m_config.user_ca_key_path();
    model::UserCa ca{first_line(path + ".pub"), first_line(path + ".next.pub"), first_line(path + ".old.pub")};
    if (ca.signing.empty()) return fail("there is no CA yet; `sekisho init` makes it");
    return ca;
}

Response Api::certificate_authorities(const Call&) {
    const auto ca = user_ca();
    if (!ca) return refuse(404, ca.error().text);
    Json host_keys = Json::array();
    for (const std::string& name : m_config.ssh.host_keys) {
        if (std::string line = first_line(m_config.path(name) + ".pub"); !line.empty()) host_keys.push_back(std::move(line));
    }
    return respond({{"user_ca", ca->signing}, {"user_ca_next", ca->next}, {"user_ca_old", ca->old},
        {"host_ca", first_line(m_config.host_ca_key_path() + ".pub")},
        {"evidence_key", first_line(m_config.evidence_key_path() + ".pub")}, {"host_keys", std::move(host_keys)},
        {"listen", m_config.ssh.listen}});
}

Response Api::ca_text(const Call&) {
    const auto ca = user_ca();
    if (!ca) return refuse(404, ca.error().text);
    return {.status = 200, .body = ca->text(), .content_type = "text/plain; charset=utf-8"};
}

Response Api::ca_step(const Call& call) {
    const Json body = parse_body(call.request.body);
    const auto step = body.is_object() && body.size() == 1 && body.contains("step") && body["step"].is_string()
                          ? model::parse_ca_step(body["step"].get<std::string>())
                          : std::nullopt;
    if (!step) return refuse(400, "the body is {\"step\": \"publish\"}, or activate, retire or drop");
    if (!m_live)
        return refuse(409, "no gateway is running here: the CA's key is changed by its keyholder, so start it first");
    const auto changed = m_live->change_user_ca(*step);
    const auto kept = m_store.audit({.time = call.now,
        .kind = "ca.rotate",
        .source = call.request.actor,
        .subject = body["step"].get<std::string>(),
        .outcome = changed ? "ok" : "failed",
        .reason = changed ? what_was_done(*step, *changed) : changed.error().full()});
    if (!changed) return refuse(409, changed.error().text);
    if (!kept) return refuse(500, "the step is done, but its audit record could not be written: " + kept.error().full());
    return certificate_authorities(call);
}

}  // namespace sekisho::web
