#include "model/rule_set.h"

#include <bit>

namespace sekisho::model {

std::optional<std::uint32_t> RuleSet::first() const {
    for (std::size_t i = 0; i < m_words.size(); ++i) {
        if (m_words[i] != 0)
            return static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(m_words[i])));
    }
    return std::nullopt;
}

std::vector<std::uint32_t> RuleSet::positions() const {
    std::vector<std::uint32_t> found;
    for (std::size_t i = 0; i < m_words.size(); ++i) {
        for (std::uint64_t left = m_words[i]; left != 0; left &= left - 1) {
            found.push_back(static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(left))));
        }
    }
    return found;
}

bool RuleSet::meets(const RuleSet& other) const {
    for (std::size_t i = 0; i < m_words.size(); ++i) {
        if ((m_words[i] & other.m_words[i]) != 0) return true;
    }
    return false;
}

RuleSet& RuleSet::operator|=(const RuleSet& other) {
    for (std::size_t i = 0; i < m_words.size(); ++i) m_words[i] |= other.m_words[i];
    return *this;
}

RuleSet& RuleSet::operator&=(const RuleSet& other) {
    for (std::size_t i = 0; i < m_words.size(); ++i) m_words[i] &= other.m_words[i];
    return *this;
}

RuleSet& RuleSet::operator-=(const RuleSet& other) {
    for (std::size_t i = 0; i < m_words.size(); ++i) m_words[i] &= ~other.m_words[i];
    return *this;
}

void RuleList::pack(std::size_t rules) {
    const std::size_t as_set = (rules + 63) / 64 * sizeof(std::uint64_t);
    if (m_rules.size() * sizeof(std::uint32_t) <= as_set) return m_rules.shrink_to_fit();
    m_set.emplace(rules);
    for (const std::uint32_t rule : m_rules) m_set->add(rule);
    std::vector<std::uint32_t>().swap(m_rules);
}

void RuleList::add_to(RuleSet& set) const {
    if (m_set) set |= *m_set;
    for (const std::uint32_t rule : m_rules) set.add(rule);
}

}  // namespace sekisho::model
