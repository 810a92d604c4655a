// A chain as the store would give it, with checkpoints of a key made here.
#pragma once

#include <cstdio>
#include <vector>

#include "evidence/chain_check.h"
#include "keys/private_key.h"

namespace sekisho::evidence::testing {

class Chain {
public:
    explicit Chain(std::string name) : m_name(std::move(name)) {}

    void add(model::AuditRecord record) {
        record.sequence = m_records.size() + 1;
        if (record.time == WallTime{})
            record.time =
                base::from_unix_milliseconds(1'795'324'560'000 + static_cast<std::int64_t>(m_records.size()) * 100);
        record.hash = chain_next(head().hash, record);
        m_records.push_back(std::move(record));
    }
    void add(const std::string& kind, const std::string& subject) {
        model::AuditRecord record;
        record.kind = kind;
        record.session = m_name;
        record.subject = subject;
        record.outcome = "ok";
        record.reason = m_name + " " + std::to_string(m_records.size());
        add(record);
    }
    void checkpoint() {
        const ChainHead now = head();
        Checkpoint said{now.sequence, now.hash, m_signed.sequence, m_signed.sequence == 0 ? Digest{} : m_signed.hash,
            base::from_unix_milliseconds(1'795'324'560'000)};
        m_signed = now;
        add(checkpoint_record(sign(said)));
    }
    template <class Statement>
    Signed<Statement> sign(const Statement& statement) const {
        return {statement, m_key.public_key().fingerprint(),
            raw_signature(*m_key.sign("ssh-ed25519", message(statement))).value()};
    }

    ChainHead head() const {
        return m_records.empty() ? ChainHead{} : ChainHead{m_records.back().sequence, m_records.back().hash};
    }
    EvidenceKeys keys() const {
        EvidenceKeys keys;
        (void)keys.add(m_key.public_key());
        return keys;
    }
    const keys::PrivateKey& key() const { return m_key; }
    const std::vector<model::AuditRecord>& records() const { return m_records; }

private:
    std::string m_name;
    keys::PrivateKey m_key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    std::vector<model::AuditRecord> m_records;
    ChainHead m_signed;
};

/// `count` records, a checkpoint behind each `every`.
inline Chain chain_of(std::size_t count, std::size_t every = 10, std::string name = "a") {
    Chain chain(std::move(name));
    for (std::size_t i = 1; i <= count; ++i) {
        chain.add(i % 3 == 0 ? "access.refused" : "session.start", "ubuntu@web" + std::to_string(i));
        if (i % every == 0) chain.checkpoint();
    }
    return chain;
}

inline ChainCheck checked(const std::vector<model::AuditRecord>& records, const EvidenceKeys& keys,
    const std::vector<ChainHead>& expected = {}, bool covered = false) {
    ChainCheck check(keys);
    for (const ChainHead& position : expected) check.expect(position);
    for (const model::AuditRecord& record : records) check.add(record);
    check.finish(covered);
    return check;
}

/// From here to the end, as a forger would who has the store and no key.
inline void compute_anew(std::vector<model::AuditRecord>& records, std::size_t from) {
    for (std::size_t i = from; i < records.size(); ++i)
        records[i].hash = chain_next(i == 0 ? chain_start() : records[i - 1].hash, records[i]);
}

/// Whether a finding is about this entry, or one beside it: what is said of a link names both its ends.
inline bool names(const std::vector<Finding>& findings, std::uint64_t entry) {
    for (const Finding& finding : findings) {
        std::uint64_t first = 0, last = 0;
        const int read = std::sscanf(finding.what.c_str(), "entry %lu", &first) == 1
                             ? 1
                             : std::sscanf(finding.what.c_str(), "entries %lu-%lu", &first, &last);
        if (read < 1) continue;
        if (last == 0) last = first;
        if (entry + 1 >= first && entry <= last + 1) return true;
    }
    return false;
}

}  // namespace sekisho::evidence::testing
