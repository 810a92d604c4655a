// Services: what all sessions of the gateway share. Made by gateway/serve, which outlives every session; members are
// thread-safe or never change.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/access_snapshot.h"
#include "gateway/current.h"
#include "gateway/doorkeeper.h"
#include "gateway/live_sessions.h"
#include "gateway/quiet_keys.h"
#include "gateway/refusal_budget.h"
#include "gateway/store_worker.h"
#include "identity/user_certificate.h"
#include "model/config.h"
#include "net/dialer.h"
#include "recording/recorder.h"
#include "ssh/config.h"

namespace sekisho::gateway {

/// What both hops offer.
inline const ssh::Algorithms& offered_algorithms(const model::Config& config) {
    return config.ssh.algorithms == "strict" ? ssh::strict_algorithms() : ssh::default_algorithms();
}

struct Services {
    Services(model::Config first, net::WorkerPool& workers, StoreWorker& store_worker, recording::Recordings& folder)
        : pool(workers), dialer(workers), store(store_worker), recordings(folder) {
        doorkeeper.configure(first.ssh);
        config.store(std::make_shared<const model::Config>(std::move(first)));
        user_trust.store(std::make_shared<const identity::CertificateTrust>());
        revoked_host_keys.store(std::make_shared<const identity::Revocation>());
    }

    Current<model::Config> config;
    Current<AccessSnapshot> access;
    Current<identity::CertificateTrust> user_trust;  // authorities and revocation of those who sign in
    Current<identity::Revocation> revoked_host_keys;  // of targets
    net::WorkerPool& pool;
    net::Dialer dialer;
    StoreWorker& store;
    recording::Recordings& recordings;
    std::vector<ssh::HostKey> host_keys;  // public parts; who signs with them is LoopHome::keys()
    bool sealed = false;  // recordings are
    bool host_ca = false;  // the keyholder has one
    /// A file that the configuration names, now: the sandbox lets nobody here open one. Blocks; thread-safe.
    std::function<Result<std::string>(const std::string& path, std::size_t most)> read_file =
        [](const std::string& path, std::size_t) -> Result<std::string> { return fail(path + " cannot be opened here"); };
    LiveSessions live;
    RefusalBudget refusals;
    Doorkeeper doorkeeper{store, refusals};
    QuietKeys quiet_keys;
    /// START and FINISH for the monthly log and whoever else wants to know; called on the store's thread, once that knows.
    std::function<void(const model::Session& session)> session_started = [](const model::Session&) {};
    std::function<void(const model::Session& session)> session_finished = [](const model::Session&) {};
};

}  // namespace sekisho::gateway
