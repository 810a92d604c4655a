#include "identity/revocation.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "keys/authorized_key.h"

namespace sekisho::identity {

namespace {

constexpr std::size_t kMostFile = 16U << 20;
constexpr std::string_view kKrlMagic = "SSHKRL\n";
constexpr const char* kUnknown = "a revocation list cannot be read: no key and no certificate is accepted";

Result<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(path + " cannot be opened");
    std::string text;
    char block[65536];
    while (file.read(block, sizeof block) || file.gcount() > 0) {
        text.append(block, static_cast<std::size_t>(file.gcount()));
        if (text.size() > kMostFile) return fail(path + " is longer than 16 MiB");
    }
    if (file.bad()) return fail(path + " cannot be read");
    return text;
}

Result<void> read_one(const std::string& path, Revocation& into) {
    const auto text = read_file(path);
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
        return fail(key == &certificate.key() ? "the key is revoked" : "the certificate's authority is revoked", key->fingerprint());
    }
    for (const keys::Krl& list : revoked) {
        if (auto good = list.check(certificate); !good) return good;
    }
    return {};
}

Result<void> read_revocation(const std::vector<std::string>& paths, Revocation& into) {
    Result<void> outcome;
    for (const std::string& path : paths) {
        if (auto done = read_one(path, into); !done) {
            into.revocation_unknown = true;
            if (outcome) outcome = std::move(done);
        }
    }
    return outcome;
}

}  // namespace sekisho::identity
