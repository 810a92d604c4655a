#include "gateway/host_keys.h"

#include <fstream>
#include <iterator>

#include "keys/certificate.h"

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMostCertificate = 64 * 1024;

/// "ssh-ed25519-cert-v01@openssh.com AAAA… comment"; nothing when there is no such file.
Result<std::optional<keys::Certificate>> load_certificate(const std::string& path, const keys::PublicKey& key) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text(kMostCertificate, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    const auto begin = text.find(' ');
    if (begin == std::string::npos) return fail(path + " is not a certificate");
    const auto end = text.find_first_of(" \r\n", begin + 1);
    const auto blob = base::from_base64(text.substr(begin + 1, end == std::string::npos ? end : end - begin - 1));
    if (!blob) return fail(path + " is not a certificate");
    auto certificate = keys::Certificate::from_blob(*blob);
    if (!certificate) return fail(path + ": " + certificate.error().text, certificate.error().detail);
    if (certificate->fields().use != keys::CertificateUse::Host) return fail(path + " is not a host certificate");
    if (!(certificate->key() == key)) return fail(path + " is the certificate of another key");
    return std::optional(std::move(*certificate));
}

}  // namespace

Result<std::vector<ServerKey>> load_host_keys(const model::Config& config) {
    std::vector<ServerKey> result;
    for (const auto& name : config.ssh.host_keys) {
        const std::string path = config.path(name);
        auto key = keys::load_private_key(path);
        if (!key) return fail("host key " + path + ": " + key.error().text, key.error().detail);
        const auto& public_key = key->public_key();
        auto certificate = load_certificate(path + "-cert.pub", public_key);
        if (!certificate) return std::unexpected(certificate.error());
        if (*certificate) {
            std::vector<std::string> algorithms;
            for (const auto& algorithm : public_key.algorithms()) algorithms.push_back(keys::certificate_name(algorithm));
            result.push_back({*key, {base::to_bytes((*certificate)->blob()), std::move(algorithms)}});
        }
        result.push_back({*key, {base::to_bytes(public_key.blob()), public_key.algorithms()}});
    }
    if (result.empty()) return fail("no host key is configured (ssh.host_keys)");
    return result;
}

}  // namespace sekisho::gateway
