// AccessSnapshot: users, targets, rules and the index of keys, as one immutable value. Built on the store worker whenever the
// store's access changed, swapped whole; every decision is made on the snapshot of its moment.
#pragma once

#include <memory>

#include "identity/client_host.h"
#include "identity/key_index.h"
#include "model/access.h"

namespace sekisho::gateway {

struct AccessSnapshot {
    model::Access access;
    identity::KeyIndex keys;
    identity::ClientHosts client_hosts;
};

std::shared_ptr<const AccessSnapshot> make_snapshot(model::Access access);

}  // namespace sekisho::gateway
