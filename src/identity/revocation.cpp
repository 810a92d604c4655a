#include "identity/revocation.h"

#include <algorithm>

#include "keys/authorized_key.h"

namespace sekisho::identity {

namespace {

constexpr std::size_t kMostFile = 16U << 20;
constexpr std::string_view kKrlMagic = "SSHKRL\n";
constexpr const char* kUnknown = "a revocation list cannot be read: no key and no certificate is accepted";

Result<void> read_one(const std::string& path, const ReadFile& read_file, Revocation& into) {
    const auto text = read_file(path, kMostFile);
    if (!text) return std::unexpected(text.error());
    if (text->starts_with(kKrlMagic)) {
        auto list = keys::Krl::parse(base::view(*text));
        if (!list) return fail(path + ": " + list.error().text, list.error().detail);
        into.revoked.push_back(std::move(*list));
        return {};
    }
    auto lines = keys::parse_authorized_keys(*text);
    if (!lines) return fail(path + ": " + lines.error().text, lines.error().detail);
    if (auto good = lines->check(); !good) return fail(path + ": " + good.error().text, good.error().detail);
    for (auto& entry : lines->entries) into.revoked_keys.push_back(std::move(entry.key.key));
    return {};
}

}  // namespace

Result<void> Revocation::check(const keys::PublicKey& key) const {
    if (revocation_unknown) return fail(kUnknown);
    if (std::ranges::find(revoked_keys, key) != revoked_keys.end()) return fail("the key is revoked", key.fingerprint());
    for (const keys::Krl& list : revoked) {
        if (auto good = list.check(key); !good) return good;
    }
    return {};
}

Result<void> Revocation::check(const keys::Certificate& certificate) const {
    if (revocation_unknown) return fail(kUnknown);
    for (const auto* key : {&certificate.key(), &certificate.authority()}) {
        if (std::ranges::find(revoked_keys, *key) == revoked_keys.end()) continue;
        return fail(
            key == &certificate.key() ? "the key is revoked" : "the certificate's authority is revoked", key->fingerprint());
    }
    for (const keys::Krl& list : revoked) {
        if (auto good = list.check(certificate); !good) return good;
    }
    return {};
}

Result<void> read_revocation(const std::vector<std::string>& paths, const ReadFile& read_file, Revocation& into) {
    Result<void> outcome;
    for (const std::string& path : paths) {
        if (auto done = read_one(path, read_file, into); !done) {
            into.revocation_unknown = true;
            if (outcome) outcome = std::move(done);
        }
    }
    return outcome;
}

}  // namespace sekisho::identity
