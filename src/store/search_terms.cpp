#include "store/search_terms.h"

#include <algorithm>
#include <initializer_list>

namespace sekisho::store {
namespace {

using Letters = std::vector<std::uint32_t>;

constexpr std::size_t kMostSought = 16;  // the others of a long phrase would find nothing less

/// Code points; capital letters small, control characters blanks. Of malformed UTF-8 something, the same each time.
Letters letters_of(std::string_view text) {
    Letters letters;
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i++]);
        if (first < 0x80) {
            const bool capital = first >= 'A' && first <= 'Z';
            letters.push_back(first <= ' ' || first == 0x7f ? ' ' : capital ? first + ('a' - 'A') : first);
            continue;
        }
        std::uint32_t letter = first;
        while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80)
            letter = letter << 8U | static_cast<unsigned char>(text[i++]);
        letters.push_back(letter);
    }
    return letters;
}

bool is_foreign(std::uint32_t letter) { return letter >= 0x80; }
bool is_word(std::uint32_t letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || is_foreign(letter);
}

class Hash {
public:
    void add(std::uint32_t value) {  // FNV-1a
        for (unsigned shift = 0; shift < 32; shift += 8) m_value = (m_value ^ (value >> shift & 0xffU)) * 16777619U;
    }
    Terms::value_type value() const { return static_cast<Terms::value_type>(m_value); }

private:
    std::uint32_t m_value = 2166136261U;
};

Terms::value_type term(std::initializer_list<std::uint32_t> letters) {
    Hash hash;
    for (const std::uint32_t letter : letters) hash.add(letter);
    return hash.value();
}

Terms each_once(Terms terms) {
    std::ranges::sort(terms);
    const auto rest = std::ranges::unique(terms);
    terms.erase(rest.begin(), rest.end());
    return terms;
}

}  // namespace

Terms terms_of(std::string_view text) {
    Letters letters = letters_of(text);
    letters.insert(letters.begin(), ' ');
    letters.push_back(' ');
    Terms terms;
    for (std::size_t i = 0; i + 1 < letters.size(); ++i) {
        const std::uint32_t a = letters[i], b = letters[i + 1];
        if (is_foreign(a)) terms.push_back(term({a}));
        if (is_foreign(a) || is_foreign(b)) terms.push_back(term({a, b}));
        if (i + 2 == letters.size()) break;
        const std::uint32_t c = letters[i + 2];
        terms.push_back(term({a, b, c}));
        if (a != ' ' && !is_word(a) && is_word(b)) terms.push_back(term({' ', b, c}));  // a word begins behind a slash, too
    }
    return each_once(std::move(terms));
}

Terms terms_sought(std::string_view word) {
    const Letters letters = letters_of(word);
    Terms terms;
    if (letters.size() == 1) terms.push_back(is_foreign(letters[0]) ? term({letters[0]}) : term({' ', letters[0], ' '}));
    if (letters.size() == 2) {
        const std::uint32_t a = letters[0], b = letters[1];
        terms.push_back(is_foreign(a) || is_foreign(b) ? term({a, b}) : term({' ', a, b}));
    }
    const std::size_t most = letters.size() < 3 ? 0 : letters.size() - 2;
    const std::size_t step = most / kMostSought + 1;
    for (std::size_t i = 0; i < most; i += step) terms.push_back(term({letters[i], letters[i + 1], letters[i + 2]}));
    return each_once(std::move(terms));
}

bool looked_at_again(std::string_view word) { return letters_of(word).size() > 2; }

std::string in_small_letters(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

Terms::value_type fact_term(char kind, std::string_view value) {
    Hash hash;
    hash.add(0xfffffffeU);  // no letter
    hash.add(static_cast<unsigned char>(kind));
    for (const char c : value) hash.add(static_cast<unsigned char>(c));
    return hash.value();
}

}  // namespace sekisho::store
