// Checkpoints: has the end of the chain of audit records signed every few seconds, as long as it grows, and when the gateway stops; each
// checkpoint is a record itself. Looks when the store's thread has written something and is awake anyway. Owned by gateway/serve; store
// thread only.
#pragma once

#include "base/clock.h"
#include "gateway/evidence_link.h"
#include "store/store.h"

namespace sekisho::gateway {

class Checkpoints {
public:
    static constexpr std::chrono::seconds kEvery{5};

    explicit Checkpoints(EvidenceLink& link) : m_link(link) {}

    /// Between two transactions.
    void look(store::Store& store, TimePoint now);
    /// Now, whatever the time. Outside of other work's transaction: only what is durable is signed.
    Result<void> sign(store::Store& store);

private:
    EvidenceLink& m_link;
    TimePoint m_next{};
    std::uint64_t m_last = 0;  // number of the last checkpoint's own record
    bool m_complained = false;
};

}  // namespace sekisho::gateway
