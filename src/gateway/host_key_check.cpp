#include "gateway/host_key_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/network.h"
#include "keys/certificate.h"

namespace sekisho::gateway {

namespace {

std::vector<keys::PublicKey> keys_of(const std::vector<std::string>& lines) {
    std::vector<keys::PublicKey> result;
    for (const auto& line : lines) {
        if (auto key = keys::PublicKey::from_line(line)) result.push_back(std::move(*key));
    }
    return result;
}

bool contains(const std::vector<keys::PublicKey>& keys, const keys::PublicKey& key) {
    return std::ranges::any_of(keys, [&](const auto& one) { return one == key; });
}

std::string described(const keys::PublicKey& key) {
    return fmt::format("{} {}", keys::short_name(key.kind()), key.fingerprint());
}

HostKeyJudgement refused(std::string reason, std::string text) {
    HostKeyJudgement judgement;
    judgement.reason = std::move(reason);
    judgement.text = std::move(text);
    return judgement;
}

HostKeyJudgement trusted() {
    HostKeyJudgement judgement;
    judgement.verdict = HostKeyJudgement::Verdict::Trusted;
    return judgement;
}

HostKeyJudgement changed(
    const model::Target& target, const keys::PublicKey& offered, const std::vector<keys::PublicKey>& known) {
    std::string list;
    for (const auto& key : known) list += fmt::format("  known:   {}\n", described(key));
    return refused(fmt::format("the host key is {}, which is not a known one", described(offered)),
        fmt::format(
            "The host key of {0} is not the one that is known for it.\n"
            "{1}"
            "  offered: {2}\n"
            "Perhaps the server was installed anew or got a new key. Perhaps somebody between the gateway and the\n"
            "server pretends to be the server. The connection was ended before anything of yours was sent.\n"
            "Compare the fingerprint on the server itself (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub). If it is right, an\n"
            "administrator sets it as host_keys of target {0}.\n",
            target.name, list, described(offered)));
}

HostKeyJudgement revoked(const model::Target& target, const Error& error) {
    return refused("the host key is not acceptable: " + error.full(),
        fmt::format("The host key of {} is not acceptable: {}. The connection was ended before anything of yours was sent.\n",
            target.name, error.text));
}

HostKeyJudgement unknown(const model::Target& target, const keys::PublicKey& offered) {
    return refused("no host key is known and the target does not trust the first one",
        fmt::format("No host key is known for {0}, so that nobody can tell whether it is the right server.\n"
                    "  offered: {1}\n"
                    "An administrator sets host_keys or host_ca of target {0}, or trust = \"first-use\".\n",
            target.name, described(offered)));
}

/// Is the certificate one of the target's authorities', for this target, now?
Result<void> check_certificate(const model::Target& target, const keys::Certificate& certificate, WallTime now) {
    if (!contains(keys_of(target.host_ca), certificate.authority())) {
        return fail("its authority " + certificate.authority().fingerprint() + " is not known for this target");
    }
    const auto address = base::parse_host_port(target.address);
    const auto seconds = static_cast<std::uint64_t>(base::unix_seconds(now));
    const std::string host = address ? address->host : target.address;
    const bool by_host = std::ranges::any_of(
        certificate.fields().principals, [&](const std::string& one) { return keys::matches_host_pattern(host, one); });
    return certificate.check(keys::CertificateUse::Host, by_host ? host : target.name, seconds);
}

}  // namespace

HostKeyJudgement judge_host_key(const model::Target& target, const std::vector<std::string>& learned, BytesView blob,
    WallTime now, const identity::Revocation& revocation) {
    auto certificate = keys::Certificate::from_blob(blob);
    std::string certificate_problem;
    if (certificate) {
        if (const auto good = revocation.check(*certificate); !good) return revoked(target, good.error());
        const auto checked = check_certificate(target, *certificate, now);
        if (checked) return trusted();
        certificate_problem = checked.error().text;
    }
    auto plain = certificate ? Result<keys::PublicKey>(certificate->key()) : keys::PublicKey::from_blob(blob);
    if (!plain) {
        return refused("the host key cannot be used: " + plain.error().full(),
            fmt::format("The host key of {} cannot be used: {}.\n", target.name, plain.error().text));
    }
    if (const auto good = revocation.check(*plain); !good) return revoked(target, good.error());
    const std::vector<keys::PublicKey> pinned = keys_of(target.host_keys);
    if (contains(pinned, *plain)) return trusted();
    if (!pinned.empty()) return changed(target, *plain, pinned);
    if (!target.host_ca.empty()) {
        const std::string why = certificate ? certificate_problem : "it showed a plain key, not a certificate";
        return refused("the host certificate is not acceptable: " + why,
            fmt::format("{} did not show a host certificate of its authority: {}.\n", target.name, why));
    }
    if (!target.trust_first_use) return unknown(target, *plain);
    const std::vector<keys::PublicKey> remembered = keys_of(learned);
    if (contains(remembered, *plain)) return trusted();
    if (!remembered.empty()) return changed(target, *plain, remembered);
    HostKeyJudgement judgement;
    judgement.verdict = HostKeyJudgement::Verdict::Learn;
    judgement.line = plain->line();
    return judgement;
}

std::vector<std::string> preferred_host_key_algorithms(
    const model::Target& target, const std::vector<std::string>& learned, const std::vector<std::string>& all) {
    std::vector<std::string> wanted;
    for (const auto* lines : {&target.host_keys, &learned}) {
        for (const auto& key : keys_of(*lines)) {
            for (auto& name : key.algorithms()) wanted.push_back(std::move(name));
        }
    }
    const bool by_certificate = !target.host_ca.empty();
    std::vector<std::string> sorted = all;
    std::ranges::stable_sort(sorted, {}, [&](const std::string& name) {
        const bool certificate = keys::is_certificate_name(name);
        if (certificate) return by_certificate ? 0 : 3;
        return std::ranges::find(wanted, name) != wanted.end() ? 1 : 2;
    });
    return sorted;
}

}  // namespace sekisho::gateway
