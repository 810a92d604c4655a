// What the gateway sees of the keyholder: public parts, and an asynchronous Signer. A signature is asked for and never taken: the
// private keys are in another process (keyholder/process.h), which bounds what it signs itself (keyholder/keyring.h).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "keys/certificate.h"
#include "keys/stored_secret.h"

namespace sekisho::keyholder {

/// The keyholder refuses user certificates beyond these, whoever asks.
inline constexpr std::chrono::seconds kCertificateMostAhead{60};
inline constexpr std::chrono::seconds kCertificateMostBack{5};
/// And host certificates beyond these.
inline constexpr std::chrono::seconds kHostCertificateMostAhead{86400};
inline constexpr std::chrono::seconds kHostCertificateMostBack{3600};

/// Blobs of the user CA's keys; empty where there is none.
struct UserCaKeys {
    Bytes signing;
    Bytes next;  // published, signs nothing yet
    Bytes old;  // still published, signs nothing any more
    friend bool operator==(const UserCaKeys&, const UserCaKeys&) = default;
};

struct PublicParts {
    struct HostKey {
        Bytes blob;  // key or certificate
        std::vector<std::string> algorithms;  // certificate forms for a certificate
        friend bool operator==(const HostKey&, const HostKey&) = default;
    };
    std::vector<HostKey> host_keys;  // in the configuration's order, each certificate before its key
    UserCaKeys user_ca;
    Bytes host_ca;  // blob; empty: there is none
    Bytes evidence;  // blob of the key that signs evidence; the same
    friend bool operator==(const PublicParts&, const PublicParts&) = default;
};

/// A user certificate as it is wished for. The times count from the keyholder's own clock.
struct CertificateWish {
    Bytes key;  // blob of the key to certify
    std::vector<std::string> principals;
    std::string key_id;  // for the target's log: user, session, audit key
    std::chrono::seconds ahead = kCertificateMostAhead;
    std::chrono::seconds back = kCertificateMostBack;
    std::vector<keys::CertificateOption> critical_options;
    std::vector<keys::CertificateOption> extensions;
};

/// A host certificate for one of the gateway's own host keys, and no other.
struct HostCertificateWish {
    std::uint32_t key = 0;  // index of PublicParts::host_keys
    std::vector<std::string> names;  // of hosts or addresses, no patterns
    std::string key_id;
    std::chrono::seconds ahead{};
    std::chrono::seconds back{};
};

/// A credential for one login on one target, as the store has it.
struct StoredCredential {
    std::string target;
    std::string login;
    Bytes wrapped;
};

/// A credential that was wrapped for the store.
struct WrappedSecret {
    Bytes wrapped;
    Bytes public_key;  // blob of a key; empty for a password
};

/// `done` is called once, on the loop that the signer belongs to, and never inside the call. An Error's text is for the user.
class Signer {
public:
    using Done = std::function<void(Result<Bytes>)>;

    virtual ~Signer() = default;
    /// SSH signature blob over an exchange hash. `key` is an index of PublicParts::host_keys, `algorithm` a plain name.
    virtual void sign_exchange(std::size_t key, const std::string& algorithm, BytesView hash, Done done) = 0;
    /// The same over the proof that this host key is ours, for hostkeys-prove-00@openssh.com (OpenSSH PROTOCOL §2.5).
    virtual void prove_host_key(std::size_t key, const std::string& algorithm, BytesView session_id, Done done) = 0;
    /// Certificate blob.
    virtual void certify(const CertificateWish& wish, Done done) = 0;
    /// The same of a host certificate.
    virtual void certify_host(const HostCertificateWish& wish, Done done) = 0;
    /// Signature blob of a stored key over `data`, which must be a request to sign in to that login (RFC 4252 §7) with that key.
    virtual void sign_as_stored(
        const StoredCredential& credential, const std::string& algorithm, BytesView data, Done done) = 0;
    /// The stored password itself: whoever gets it wipes it.
    virtual void open_password(const StoredCredential& credential, Done done) = 0;
};

}  // namespace sekisho::keyholder
