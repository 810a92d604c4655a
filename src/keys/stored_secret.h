// Credentials of the gateway for targets: a private key, or a password, of one login on one target. They exist in two forms: *sealed*, on
// their way from the command that reads them (cli) through the gateway to the keyholder, and *wrapped*, at rest in the store. Both say
// inside what they are for, so that neither is good for another target, login or kind. The key is a file of the keyholder
// (keys/wrapping_key; docs/adr/0019-stored-credentials.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace sekisho::keys {

enum class SecretKind : std::uint8_t { Key = 1, Password = 2 };

struct SecretPlace {
    SecretKind kind = SecretKind::Key;
    std::string target;
    std::string login;
    friend bool operator==(const SecretPlace&, const SecretPlace&) = default;
};

inline constexpr std::size_t kMostSecretKey = 20 * 1024;  // text of a private key: RSA with 16384 bits
inline constexpr std::size_t kMostSecretPassword = 1024;
inline constexpr std::size_t kMostSealedSecret = 21 * 1024;
inline constexpr std::size_t kMostWrappedSecret = 21 * 1024;

class WrappingKey {
public:
    static WrappingKey generate();
    /// A file as save() writes it (0600).
    static Result<WrappingKey> load(const std::filesystem::path& path);
    /// PATH (0600, must not exist) and PATH.pub, which has public_line().
    Result<void> save(const std::filesystem::path& path) const;

    /// What credentials are sealed to.
    std::string public_line() const;

    Bytes wrap(const SecretPlace& place, BytesView secret) const;
    Result<Secret> unwrap(const SecretPlace& place, BytesView wrapped) const;
    /// What was sealed for this place.
    Result<Secret> open(const SecretPlace& place, BytesView sealed) const;

private:
    struct State;
    explicit WrappingKey(std::shared_ptr<const State> state) : m_state(std::move(state)) {}
    static WrappingKey from_master(Secret master);

    std::shared_ptr<const State> m_state;
};

/// `public_line`: of the keyholder's key.
Result<Bytes> seal_secret(std::string_view public_line, const SecretPlace& place, BytesView secret);

}  // namespace sekisho::keys
