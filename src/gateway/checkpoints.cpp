#include "gateway/checkpoints.h"

#include "base/log.h"

namespace sekisho::gateway {

void Checkpoints::look(store::Store& store, TimePoint now) {
    if (now < m_next || m_link.fingerprint().empty()) return;
    m_next = now + kEvery;
    if (const auto done = sign(store); !done) log::warn_limited("audit.no_checkpoint", {{"reason", done.error().full()}});
}

Result<void> Checkpoints::sign(store::Store& store) {
    if (m_link.fingerprint().empty()) return {};
    return store.together([&]() -> Result<void> {
        const auto head = store.audit_head();
        if (!head) return std::unexpected(head.error());
        // Behind a checkpoint, also another gateway's, nothing has happened.
        if (head->sequence == 0 || head->checkpoint || head->sequence == m_last) return {};
        // The keyholder signs nothing below this any more: a power failure that left less would look like records that somebody cut off.
        if (auto synced = store.sync(); !synced) return std::unexpected(synced.error());
        const auto made = m_link.sign(*head);
        if (made) {
            m_complained = false;
            m_last = head->sequence + 1;
            return store.audit(evidence::checkpoint_record(*made));
        }
        log::warn_limited("audit.no_checkpoint", {{"reason", made.error().full()}});
        if (!m_link.linked() || m_complained) return {};
        // The keyholder answered, and refused: whoever reads the records must see it, once.
        m_complained = true;
        model::AuditRecord record;
        record.time = std::chrono::system_clock::now();
        record.kind = "keyholder.refused";
        record.subject = "checkpoint";
        record.outcome = "refused";
        record.reason = made.error().full();
        return store.audit(record);
    });
}

}  // namespace sekisho::gateway
