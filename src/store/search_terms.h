// Terms: how the searchable index finds a piece of a command line or a path, the same in every database and in every language. A text
// has a term for each three characters that follow each other; a search has those of its words, and what has them all is looked at
// again. Japanese words are short: two characters, and one, count wherever they stand; of other words the beginning does. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {

using Terms = std::vector<std::int32_t>;  // in order, each once

/// Of a text that is kept: UTF-8; capital letters of ASCII are small ones.
Terms terms_of(std::string_view text);

/// What a text with `word` in it has. Empty: the word is too short to say anything.
Terms terms_sought(std::string_view word);

/// True: whoever has the terms of this word need not have the word itself, and is looked at again.
bool looked_at_again(std::string_view word);

/// As the database's lower() has it: letters of ASCII.
std::string in_small_letters(std::string text);

/// A fact about a row that is sought whole: its user, login, target …
Terms::value_type fact_term(char kind, std::string_view value);

}  // namespace sekisho::store
