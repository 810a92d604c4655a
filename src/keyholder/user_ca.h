// UserCa: the keys of the user CA in the keyholder: the one that signs, and while it is replaced (model/user_ca.h) the next one and the
// old one, each in a file of its own beside the first (PATH.next, PATH.old; .pub beside each). A step changes files and memory, the files
// first and so that a crash leaves the step done or not done. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "keyholder/signer.h"
#include "keys/private_key.h"
#include "model/user_ca.h"

namespace sekisho::keyholder {

class UserCa {
public:
    /// Before the sandbox: puts away what a crash in the middle of a step left.
    static Result<UserCa> load(const std::string& path);
    /// For tests: a key without files, and so without steps.
    explicit UserCa(keys::PrivateKey signing);

    struct Keys {
        keys::PrivateKey signing;
        std::optional<keys::PrivateKey> next;
        std::optional<keys::PrivateKey> old;

        bool has(const keys::PublicKey& key) const;
    };
    /// As they are now: whoever signs goes on with what it took.
    std::shared_ptr<const Keys> held() const;
    UserCaKeys public_keys() const;
    /// An Error says why the step cannot be taken now, and what to do.
    Result<void> take(model::CaStep step);

    /// Every file that may hold a private key of the CA whose first file is `path`.
    static std::vector<std::string> files(const std::string& path);

private:
    Result<Keys> after(model::CaStep step, const Keys& now) const;
    Result<Keys> publish(const Keys& now) const;
    Result<Keys> activate(const Keys& now) const;
    Result<Keys> retire(const Keys& now) const;
    Result<Keys> drop(const Keys& now) const;

    std::string m_path;
    std::unique_ptr<std::mutex> m_mutex = std::make_unique<std::mutex>();
    std::shared_ptr<const Keys> m_keys;
};

}  // namespace sekisho::keyholder
