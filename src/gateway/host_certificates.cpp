#include "gateway/host_certificates.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "keys/certificate.h"

namespace sekisho::gateway {

namespace {

constexpr std::chrono::hours kLife{2};
constexpr std::chrono::minutes kBack{10};  // for clients whose clock is slow
constexpr std::chrono::hours kKept{1};
constexpr std::size_t kMostKept = 10000;

}  // namespace

/// One certificate for each plain host key; the last answer calls `done`.
struct HostCertificates::Asked {
    std::string name;
    Done done;
    std::vector<PresentedKey> certificates;
    std::vector<PresentedKey> plain;
    std::size_t missing = 0;
    Result<void> outcome;
};

void HostCertificates::present(const std::string& name, Done done) {
    const auto kept = m_kept.find(name);
    if (kept != m_kept.end() && m_loop.now() < kept->second.until) {
        return m_loop.post([keys = kept->second.keys, done = std::move(done)] { done(keys); });
    }
    auto asked = std::make_shared<Asked>();
    asked->name = name;
    asked->done = std::move(done);
    for (std::size_t i = 0; i < m_services.host_keys.size(); ++i) {
        const auto& one = m_services.host_keys[i];
        const bool plain = !one.algorithms.empty() && !keys::is_certificate_name(one.algorithms.front());
        if (plain) asked->plain.push_back({one, i});
    }
    if (!m_services.host_ca || asked->plain.empty()) return m_loop.post([asked] { asked->done(asked->plain); });
    asked->missing = asked->plain.size();
    for (const PresentedKey& one : asked->plain) {
        keyholder::HostCertificateWish wish;
        wish.key = static_cast<std::uint32_t>(one.signer);
        wish.names = {name};
        wish.key_id = "target " + name;
        wish.ahead = kLife;
        wish.back = kBack;
        m_signer.certify_host(wish, [this, asked, plain = one](Result<Bytes> blob) {
            if (blob) {
                PresentedKey certificate{{std::move(*blob), {}}, plain.signer};
                for (const auto& algorithm : plain.key.algorithms)
                    certificate.key.algorithms.push_back(keys::certificate_name(algorithm));
                asked->certificates.push_back(std::move(certificate));
            } else {
                asked->outcome = std::unexpected(blob.error());
            }
            if (--asked->missing == 0) certified(asked);
        });
    }
}

void HostCertificates::certified(const std::shared_ptr<Asked>& asked) {
    if (!asked->outcome) return asked->done(std::unexpected(asked->outcome.error()));
    model::AuditRecord record;
    record.time = std::chrono::system_clock::now();
    record.kind = "hostcertificate.signed";
    record.subject = asked->name;
    record.outcome = "ok";
    record.reason = fmt::format("{} of the gateway's host keys, for {} hours", asked->certificates.size(), kLife.count());
    m_services.store.audit(std::move(record));
    auto keys = std::move(asked->certificates);
    keys.insert(keys.end(), asked->plain.begin(), asked->plain.end());
    // As many names as there are targets; more only where targets were renamed very often.
    if (m_kept.size() >= kMostKept) m_kept.clear();
    m_kept.insert_or_assign(asked->name, Kept{keys, m_loop.now() + kKept});
    asked->done(std::move(keys));
}

}  // namespace sekisho::gateway
