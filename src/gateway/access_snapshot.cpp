#include "gateway/access_snapshot.h"

#include "base/log.h"

namespace sekisho::gateway {

std::shared_ptr<const AccessSnapshot> make_snapshot(model::Access access) {
    auto snapshot = std::make_shared<AccessSnapshot>();
    snapshot->access = std::move(access);
    snapshot->access.index();
    snapshot->keys = identity::KeyIndex(snapshot->access);
    snapshot->client_hosts = identity::ClientHosts(snapshot->access);
    for (const auto& problem : snapshot->client_hosts.problems()) log::warn("access.key_unusable", {{"reason", problem}});
    for (const auto& problem : snapshot->keys.problems()) log::warn("access.key_unusable", {{"reason", problem}});
    return snapshot;
}

}  // namespace sekisho::gateway
