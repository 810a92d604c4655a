// Inside: what an SSH connection that runs inside a channel of another one inherits from it (jump_channel): who the user is, which
// target it leads to, and the host keys by which the gateway answers in that target's name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "identity/grant.h"
#include "ssh/config.h"

namespace sekisho::gateway {

/// A host key that the gateway shows instead of its usual ones.
struct PresentedKey {
    ssh::HostKey key;
    std::size_t signer = 0;  // which of Services::host_keys signs for it
};

struct Inside {
    std::shared_ptr<const identity::Grant> grant;  // of the connection outside
    std::string target;
    std::vector<PresentedKey> host_keys;
};

}  // namespace sekisho::gateway
