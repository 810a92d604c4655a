// StartLimits: how many connections may be on their way to a sign-in at once, in all and from one source network (MaxStartups and
// PerSourceMaxStartups of sshd_config(5)). Between two bounds a growing share is dropped at random, so that a flood cannot keep
// everybody else out by being first. Pure: the dice are handed in. Owned by Doorkeeper, under its lock.
#pragma once

#include <map>

#include "gateway/source_block.h"

namespace sekisho::gateway {

class StartLimits {
public:
    struct Rules {
        std::uint64_t drop_from = 0;  // from so many on, some are dropped:
        std::uint64_t drop_percent = 0;  // so many of a hundred, rising evenly to all at `most`
        std::uint64_t most = 0;
        std::uint64_t most_per_source = 0;  // 0: as many as in all
    };
    void set(const Rules& rules) { m_rules = rules; }

    enum class Verdict { Welcome, Full, SourceFull };
    /// `dice`: 0…99. Counts the connection when it is welcome; then end() must follow.
    Verdict begin(const SourceBlock& source, unsigned dice) {
        if (m_count >= m_rules.most || dice < dropped_percent()) return Verdict::Full;
        const auto found = m_by_source.find(source);
        const std::uint64_t its = found == m_by_source.end() ? 0 : found->second;
        if (m_rules.most_per_source != 0 && its >= m_rules.most_per_source) return Verdict::SourceFull;
        ++m_count;
        ++m_by_source[source];
        return Verdict::Welcome;
    }

    void end(const SourceBlock& source) {
        const auto found = m_by_source.find(source);
        if (found == m_by_source.end()) return;
        --m_count;
        if (--found->second == 0) m_by_source.erase(found);
    }

    std::uint64_t count() const { return m_count; }
    std::size_t sources() const { return m_by_source.size(); }

private:
    std::uint64_t dropped_percent() const {
        if (m_count < m_rules.drop_from) return 0;
        const std::uint64_t span = m_rules.most - m_rules.drop_from;
        return m_rules.drop_percent + (100 - m_rules.drop_percent) * (m_count - m_rules.drop_from) / span;
    }

    Rules m_rules;
    std::uint64_t m_count = 0;
    std::map<SourceBlock, std::uint64_t> m_by_source;
};

}  // namespace sekisho::gateway
