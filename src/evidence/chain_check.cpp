#include "evidence/chain_check.h"

#include <algorithm>

#include <fmt/format.h>

namespace sekisho::evidence {
namespace {

std::string named(std::uint64_t number) { return fmt::format("entry {}", number); }

std::string named(std::uint64_t first, std::uint64_t last) {
    return first == last ? named(first) : fmt::format("entries {}-{}", first, last);
}

}  // namespace

void ChainCheck::finding(std::string kind, std::string what, std::string text) {
    if (m_findings.size() < kFindingsMost) m_findings.push_back({std::move(kind), std::move(what), std::move(text)});
}

void ChainCheck::begin_behind(const ChainHead& position) {
    if (!m_begun && m_entries == 0) {
        m_last = position;
        m_recent.push_back(position);
    } else if (position.sequence > m_last.sequence) {
        const std::string what = named(m_last.sequence + 1, position.sequence);
        finding("missing", what, fmt::format("{}: missing between two parts", what));
        m_last = position;
        m_computed.reset();
        m_recent.push_back(position);
    } else if (position != ChainHead{m_last.sequence, m_last.hash}) {
        finding("misplaced", named(position.sequence),
            fmt::format("a part that begins behind entry {} stands behind entry {}", position.sequence, m_last.sequence));
        m_last = position;
        m_computed.reset();
    }
    m_begun = true;
}

void ChainCheck::add(const model::AuditRecord& record) {
    ++m_entries;
    if (m_first == 0) m_first = record.sequence;
    if (record.sequence <= m_last.sequence) {
        const auto known = hash_at(record.sequence);
        const bool twice = known && *known == record.hash;
        finding(twice ? "duplicate" : "misplaced", named(record.sequence),
            twice ? fmt::format("{}: there a second time, behind entry {}", named(record.sequence), m_last.sequence)
                  : fmt::format(
                        "{}: stands behind entry {}, where it does not belong", named(record.sequence), m_last.sequence));
        return;
    }
    const ChainHead before = m_last;
    link(record);
    m_last = {record.sequence, record.hash};
    m_recent.push_back(m_last);
    if (m_recent.size() > kRemembered) m_recent.pop_front();
    for (Expected& expected : m_expected) {
        if (expected.position.sequence != record.sequence) continue;
        expected.met = true;
        if (expected.position.hash == record.hash) continue;
        finding("changed", named(m_first, record.sequence),
            fmt::format(
                "entry {} or one before it was changed: its hash is not the one that was kept elsewhere", record.sequence));
    }
    if (record.kind == kCheckpointKind && record.outcome == "ok")
        checkpoint(record, before);
    else
        ++m_uncovered;
}

/// Its hash must follow from that of the record before it. Where that one was damaged itself, from what it should have been.
void ChainCheck::link(const model::AuditRecord& record) {
    const Digest computed = chain_next(m_last.hash, record);
    bool sound = computed == record.hash;
    if (!sound && m_computed) sound = chain_next(*m_computed, record) == record.hash;
    m_computed.reset();
    if (sound) return;
    if (record.sequence > m_last.sequence + 1) {
        const std::string what = named(m_last.sequence + 1, record.sequence - 1);
        return finding("missing", what, fmt::format("{}: missing before entry {}", what, record.sequence));
    }
    m_computed = computed;
    finding("changed", named(record.sequence),
        m_last.sequence == 0 ? fmt::format("{}: it was changed", named(record.sequence))
                             : fmt::format("{}: it was changed, or entry {} before it, which it follows",
                                   named(record.sequence), m_last.sequence));
}

void ChainCheck::checkpoint(const model::AuditRecord& record, const ChainHead& before) {
    const auto one = read_checkpoint(record);
    const std::string what = named(record.sequence);
    if (!one) return finding("signature", what, fmt::format("{}: a checkpoint that cannot be read", what));
    ++m_checkpoints;
    if (m_keys.empty()) {
        ++m_unchecked;
    } else if (!m_keys.knows(one->key)) {
        return finding("signature", what,
            fmt::format("{}: a checkpoint of a key that was not given: {}", what, one->key.substr(0, 100)));
    } else if (!m_keys.verify(*one)) {
        return finding("signature", what, fmt::format("{}: a checkpoint whose signature is wrong", what));
    }
    const Checkpoint& said = one->statement;
    if (said.sequence != before.sequence || said.hash != before.hash) {
        const std::uint64_t from = m_last_checkpoint ? m_last_checkpoint->statement.sequence + 1 : m_first;
        const std::string range = named(std::min(from, before.sequence), before.sequence);
        return finding("changed", range,
            fmt::format("{}: what was signed at entry {} is another chain: one of them was changed, or they were exchanged",
                range, said.sequence));
    }
    look_back(*one);
    m_signed[said.sequence] = said.hash;
    m_last_checkpoint = *one;
    m_uncovered = 0;
}

/// What the key signed before must be in the chain, too, whether or not that checkpoint is still there.
void ChainCheck::look_back(const Signed<Checkpoint>& one) {
    const Checkpoint& said = one.statement;
    if (said.before == 0 || said.before < m_first) return;
    const auto had = hash_at(said.before);
    if (had && *had == said.before_hash) return;
    const std::uint64_t from = m_last_checkpoint ? m_last_checkpoint->statement.sequence + 1 : m_first;
    const std::string range = named(std::min(from, said.before), said.before);
    finding(said.before > said.sequence ? "cut" : "changed", range,
        fmt::format("{}: changed, cut off or replaced: entry {} had another hash when it was signed", range, said.before));
}

std::optional<Digest> ChainCheck::hash_at(std::uint64_t sequence) const {
    if (const auto found = m_signed.find(sequence); found != m_signed.end()) return found->second;
    const auto found = std::ranges::lower_bound(m_recent, sequence, {}, &ChainHead::sequence);
    if (found == m_recent.end() || found->sequence != sequence) return std::nullopt;
    return found->hash;
}

void ChainCheck::finish(bool covered) {
    for (const auto& [position, met] : m_expected) {
        if (met) continue;
        if (position.sequence <= m_last.sequence) {
            finding(
                "missing", named(position.sequence), fmt::format("{}: missing, and was there", named(position.sequence)));
            continue;
        }
        const std::string what = named(m_last.sequence + 1, position.sequence);
        finding("cut", what, fmt::format("{}: cut off at the end: entry {} was there", what, position.sequence));
    }
    if (!covered || m_uncovered == 0) return;
    const std::uint64_t from = m_last_checkpoint ? m_last_checkpoint->statement.sequence + 1 : m_first;
    const std::string what = named(std::min(from, m_last.sequence), m_last.sequence);
    finding("unsigned", what, fmt::format("{}: no checkpoint behind them", what));
}

}  // namespace sekisho::evidence
