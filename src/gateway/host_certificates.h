// HostCertificates: host keys with which the gateway answers in a target's name: its own keys, certified for that name by the host
// CA in the keyholder. A certificate is kept for as long as it is good, so that a second jump asks nobody. One per loop, owned by
// LoopHome; loop thread only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gateway/inside.h"
#include "gateway/services.h"
#include "keyholder/signer.h"

namespace sekisho::gateway {

class HostCertificates {
public:
    using Done = std::function<void(Result<std::vector<PresentedKey>>)>;

    HostCertificates(net::Loop& loop, keyholder::Signer& signer, Services& services)
        : m_loop(loop), m_signer(signer), m_services(services) {}

    /// Host keys for somebody who asks for `name`; never called back inside the call. Without a host CA the plain keys.
    void present(const std::string& name, Done done);

private:
    struct Kept {
        std::vector<PresentedKey> keys;
        TimePoint until;
    };
    struct Asked;
    void certified(const std::shared_ptr<Asked>& asked);

    net::Loop& m_loop;
    keyholder::Signer& m_signer;
    Services& m_services;
    std::map<std::string, Kept, std::less<>> m_kept;
};

}  // namespace sekisho::gateway
