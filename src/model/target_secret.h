// TargetSecret: a credential of the gateway for one login on one target, as the store keeps it: wrapped by the keyholder, and of no use
// without it. What it is and who set it when can be shown; the wrapped bytes are not.
#pragma once

#include <chrono>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "model/access.h"

namespace sekisho::model {

struct TargetSecret {
    std::string target;
    std::string login;
    TargetAuth kind = TargetAuth::Key;  // or Password
    Bytes wrapped;
    std::string public_key;  // line of a key; empty for a password
    std::string set_by;  // "uid 0"
    WallTime set_at{};
    friend bool operator==(const TargetSecret&, const TargetSecret&) = default;
};

}  // namespace sekisho::model
