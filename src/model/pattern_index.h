// PatternIndex: rules by the patterns that they name. Finds those with a pattern that matches a text, without trying them all: a
// pattern is looked up by what stands before its first wildcard and behind its last one, and only then tried. Part of RuleIndex. Pure.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/pattern.h"
#include "model/rule_set.h"
#include "model/text_map.h"

namespace sekisho::model {

class PatternIndex {
public:
    using Matches = bool (*)(std::string_view pattern, std::string_view text);

    explicit PatternIndex(Matches matches = matches_pattern) : m_matches(matches) {}
    PatternIndex(const PatternIndex&) = delete;
    PatternIndex& operator=(const PatternIndex&) = delete;

    void add(std::string_view pattern, std::uint32_t rule);
    /// After the last `add`.
    void pack(std::size_t rules);
    /// Adds the rules whose pattern matches `text`.
    void find(std::string_view text, RuleSet& found) const;

private:
    struct Entry {
        std::string pattern;
        RuleList rules;
    };
    /// What a pattern begins and ends with, up to its wildcards; the views are of the pattern, or of the text that is asked about.
    struct Ends {
        std::string_view begin, end;
        friend bool operator==(const Ends&, const Ends&) = default;
    };
    struct EndsHash {
        std::size_t operator()(const Ends& ends) const noexcept;
    };

    void add_if_matching(const Entry& entry, std::string_view text, RuleSet& found) const;

    Matches m_matches;
    std::vector<Entry> m_entries;
    TextMap<std::size_t> m_known;  // pattern → entry
    std::unordered_map<Ends, std::vector<std::size_t>, EndsHash> m_by_ends;  // of the entries with wildcards
    std::vector<std::pair<std::size_t, std::size_t>> m_lengths;  // of the ends that there are
};

}  // namespace sekisho::model
