#include "model/pattern_index.h"

#include <algorithm>

namespace sekisho::model {

void PatternIndex::add(std::string_view pattern, std::uint32_t rule) {
    const auto known = m_known.find(pattern);
    if (known != m_known.end()) return m_entries[known->second].rules.add(rule);
    m_known.emplace(std::string(pattern), m_entries.size());
    m_entries.push_back({std::string(pattern), {}});
    m_entries.back().rules.add(rule);
}

void PatternIndex::pack(std::size_t rules) {
    for (std::size_t i = 0; i < m_entries.size(); ++i) {
        m_entries[i].rules.pack(rules);
        const std::string_view pattern = m_entries[i].pattern;
        if (!has_wildcard(pattern)) continue;
        const Ends ends{pattern.substr(0, pattern.find_first_of("*?")), pattern.substr(pattern.find_last_of("*?") + 1)};
        m_by_ends[ends].push_back(i);
        m_lengths.emplace_back(ends.begin.size(), ends.end.size());
    }
    std::sort(m_lengths.begin(), m_lengths.end());
    m_lengths.erase(std::unique(m_lengths.begin(), m_lengths.end()), m_lengths.end());
}

void PatternIndex::find(std::string_view text, RuleSet& found) const {
    if (const auto known = m_known.find(text); known != m_known.end())
        add_if_matching(m_entries[known->second], text, found);
    for (const auto& [begin, end] : m_lengths) {
        if (begin + end > text.size()) continue;
        const auto entries = m_by_ends.find(Ends{text.substr(0, begin), text.substr(text.size() - end)});
        if (entries == m_by_ends.end()) continue;
        for (const std::size_t entry : entries->second) add_if_matching(m_entries[entry], text, found);
    }
}

void PatternIndex::add_if_matching(const Entry& entry, std::string_view text, RuleSet& found) const {
    if (m_matches(entry.pattern, text)) entry.rules.add_to(found);
}

std::size_t PatternIndex::EndsHash::operator()(const Ends& ends) const noexcept {
    return TextHash{}(ends.begin) * 31 + TextHash{}(ends.end);
}

}  // namespace sekisho::model
