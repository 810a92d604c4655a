#include "gateway/source_penalties.h"

#include <algorithm>
#include <utility>

namespace sekisho::gateway {

std::string_view text(SourcePenalties::Why why) {
    using Why = SourcePenalties::Why;
    switch (why) {
        case Why::NoAuth: return "left without trying to sign in";
        case Why::AuthFail: return "left after refused attempts to sign in";
        case Why::GraceExceeded: return "did not sign in within the time allowed";
        case Why::Root: return "tried to sign in as root";
    }
    return "?";
}

void SourcePenalties::set(Rules rules) {
    if (!(rules.blocks == m_rules.blocks)) m_v4 = m_v6 = {};
    m_rules = std::move(rules);
}

bool SourcePenalties::exempt(const base::Address& source) const {
    const base::Address plain = source.unmapped();
    return std::ranges::any_of(m_rules.exempt, [&](const base::Network& network) { return network.contains(plain); });
}

void SourcePenalties::forget_ended(Family& family, TimePoint now) {
    while (!family.by_end.empty() && family.by_end.begin()->first <= now) {
        family.entries.erase(family.by_end.begin()->second);
        family.by_end.erase(family.by_end.begin());
    }
}

SourcePenalties::Verdict SourcePenalties::judge(const base::Address& source, TimePoint now) {
    if (m_rules.most == Duration::zero()) return Verdict::Welcome;
    const SourceBlock block = block_of(source, m_rules.blocks);
    Family& its = family(block);
    forget_ended(its, now);
    if (its.entries.empty()) return Verdict::Welcome;
    const auto found = its.entries.find(block);
    const bool penalised = found != its.entries.end() && found->second.enforced;
    const bool overflow = m_rules.deny_all && its.entries.size() >= m_rules.sources;
    // The list of the exempt may be long; nearly nobody has to be looked up in it.
    if ((!penalised && !overflow) || exempt(source)) return Verdict::Welcome;
    return penalised ? Verdict::Penalised : Verdict::Overflow;
}

std::optional<SourcePenalties::Penalty> SourcePenalties::add(const base::Address& source, Why why, TimePoint now) {
    const Duration cost = m_rules.costs[static_cast<std::size_t>(why)];
    if (m_rules.most == Duration::zero() || cost == Duration::zero() || exempt(source)) return std::nullopt;
    const SourceBlock block = block_of(source, m_rules.blocks);
    Family& its = family(block);
    forget_ended(its, now);
    auto found = its.entries.find(block);
    if (found == its.entries.end()) {
        if (its.entries.size() >= m_rules.sources) {
            if (m_rules.deny_all || its.by_end.empty()) return std::nullopt;
            its.entries.erase(its.by_end.begin()->second);
            its.by_end.erase(its.by_end.begin());
        }
        found = its.entries.emplace(block, Entry{now, why}).first;
    } else {
        its.by_end.erase({found->second.until, block});
    }
    Entry& entry = found->second;
    entry.until = std::min(entry.until + cost, now + m_rules.most);
    entry.why = why;
    its.by_end.emplace(entry.until, block);
    const Duration left = entry.until - now;
    if (entry.enforced || left <= m_rules.least) return std::nullopt;
    entry.enforced = true;
    return Penalty{block, left, why, true};
}

std::vector<SourcePenalties::Penalty> SourcePenalties::list(TimePoint now, std::size_t most) const {
    std::vector<Penalty> out;
    for (const Family* family : {&m_v4, &m_v6}) {
        std::size_t listed = 0;
        for (auto it = family->by_end.rbegin(); it != family->by_end.rend() && listed < most && it->first > now;
            ++it, ++listed) {
            const Entry& entry = family->entries.at(it->second);
            out.push_back({it->second, it->first - now, entry.why, entry.enforced});
        }
    }
    return out;
}

}  // namespace sekisho::gateway
