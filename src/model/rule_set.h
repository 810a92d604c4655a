// RuleSet: some of the rules of an Access, one bit for each. Judging a request is a few unions and intersections of such sets, at a
// price that hardly depends on the number of rules. RuleList: the rules that have one word in common, in whichever form is smaller.
// Made and handed out by RuleIndex, combined by policy. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sekisho::model {

class RuleSet {
public:
    RuleSet() = default;
    explicit RuleSet(std::size_t rules) : m_words((rules + 63) / 64) {}

    void add(std::uint32_t rule) { m_words[rule / 64] |= std::uint64_t{1} << (rule % 64); }
    bool empty() const { return !first(); }
    /// The lowest position: of the rules that fit, the first one decides.
    std::optional<std::uint32_t> first() const;
    std::vector<std::uint32_t> positions() const;
    bool meets(const RuleSet& other) const;

    // All of these are of the same Access.
    RuleSet& operator|=(const RuleSet& other);
    RuleSet& operator&=(const RuleSet& other);
    RuleSet& operator-=(const RuleSet& other);
    friend RuleSet operator&(RuleSet left, const RuleSet& right) { return left &= right; }
    friend RuleSet operator-(RuleSet left, const RuleSet& right) { return left -= right; }

private:
    std::vector<std::uint64_t> m_words;
};

class RuleList {
public:
    /// In ascending order; the same rule again changes nothing.
    void add(std::uint32_t rule) {
        if (m_rules.empty() || m_rules.back() != rule) m_rules.push_back(rule);
    }
    /// After the last `add`.
    void pack(std::size_t rules);
    void add_to(RuleSet& set) const;

private:
    std::vector<std::uint32_t> m_rules;
    std::optional<RuleSet> m_set;
};

}  // namespace sekisho::model
