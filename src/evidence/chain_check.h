// ChainCheck: takes the records of a chain one by one, in the order in which they stand, and names what is missing, changed, doubled or
// out of order, and which checkpoints do not fit. Memory does not grow with the chain but by its checkpoints. Used by `sekisho audit
// verify` and `recordings verify`. One thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "evidence/statement.h"

namespace sekisho::evidence {

struct Finding {
    std::string kind;  // missing, changed, duplicate, misplaced, cut, signature …
    std::string what;  // "entry 12", "entries 5-7", an audit key
    std::string text;  // a sentence for people, names it, too
};

class ChainCheck {
public:
    static constexpr std::size_t kFindingsMost = 1000;

    /// Without keys checkpoints are compared with the chain, and their signatures counted as not checked.
    explicit ChainCheck(EvidenceKeys keys = {}) : m_keys(std::move(keys)) {}

    /// A position that somebody kept elsewhere: the chain must have had this hash there.
    void expect(const ChainHead& position) { m_expected.push_back({position, false}); }
    /// The next record will stand behind this position: the beginning of an export, or of its next part.
    void begin_behind(const ChainHead& position);
    void add(const model::AuditRecord& record);
    /// Behind the last record. `covered`: records that no checkpoint covers are a finding.
    void finish(bool covered = false);

    const std::vector<Finding>& findings() const { return m_findings; }
    bool sound() const { return m_findings.empty(); }
    std::uint64_t entries() const { return m_entries; }
    std::uint64_t checkpoints() const { return m_checkpoints; }
    std::uint64_t unchecked_signatures() const { return m_unchecked; }
    /// The last record, as it is stored.
    const ChainHead& head() const { return m_last; }
    /// The last position with a good checkpoint.
    const std::optional<Signed<Checkpoint>>& last_checkpoint() const { return m_last_checkpoint; }
    /// Records behind it, checkpoints left out.
    std::uint64_t uncovered() const { return m_uncovered; }

private:
    static constexpr std::size_t kRemembered = 65'536;
    struct Expected {
        ChainHead position;
        bool met = false;
    };

    void finding(std::string kind, std::string what, std::string text);
    void link(const model::AuditRecord& record);
    void checkpoint(const model::AuditRecord& record, const ChainHead& before);
    void look_back(const Signed<Checkpoint>& one);
    std::optional<Digest> hash_at(std::uint64_t sequence) const;

    EvidenceKeys m_keys;
    std::vector<Expected> m_expected;
    std::vector<Finding> m_findings;
    ChainHead m_last;
    std::optional<Digest> m_computed;  // of the last record, where that is not what it has
    bool m_begun = false;
    std::uint64_t m_first = 0;  // number of the first record that this check saw
    std::uint64_t m_entries = 0;
    std::uint64_t m_checkpoints = 0;
    std::uint64_t m_unchecked = 0;
    std::uint64_t m_uncovered = 0;
    std::optional<Signed<Checkpoint>> m_last_checkpoint;
    std::deque<ChainHead> m_recent;
    std::map<std::uint64_t, Digest> m_signed;  // positions that checkpoints stand for
};

}  // namespace sekisho::evidence
