// CertificateAuthority: signs the user certificates with which the gateway signs in to targets, and bounds them itself: one
// principal, valid from 5 s ago to at most 60 s ahead, whoever asks. Thread-safe. Held by gateway/serve until the keyholder
// process takes its place.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "keys/certificate.h"
#include "keys/private_key.h"

namespace sekisho::identity {

inline constexpr std::chrono::seconds kCertificateBackdate{5};
inline constexpr std::chrono::seconds kCertificateMostLife{60};

struct CertificateWish {
    std::string principal;  // the login on the target
    std::string key_id;     // for the target's log: user, session, audit key
    std::chrono::seconds life = kCertificateMostLife;
};

class CertificateAuthority {
public:
    static Result<CertificateAuthority> load(const std::filesystem::path& path);
    explicit CertificateAuthority(keys::PrivateKey key) : m_key(std::move(key)) {}

    const keys::PublicKey& public_key() const { return m_key.public_key(); }
    /// A certificate blob for `key`. A wish outside the bounds is refused.
    Result<Bytes> issue(const keys::PublicKey& key, const CertificateWish& wish, WallTime now) const;

private:
    keys::PrivateKey m_key;
};

}  // namespace sekisho::identity
