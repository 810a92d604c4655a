// Names and patterns of access files: what a name may look like, and * and ? in patterns. Pure. Used by the access file's
// parser (store) and by policy.
#pragma once

#include <string_view>

namespace sekisho::model {

bool is_user_name(std::string_view text);    // ^[a-z][-a-z0-9_.]{0,63}$
bool is_group_name(std::string_view text);   // as a user name
bool is_target_name(std::string_view text);  // ^[a-z0-9][-a-z0-9_.]{0,127}$: lower case, so that no other spelling slips by
/// An account name on a target: printable ASCII without blanks and without the separators @ % # : / and quotes, not starting
/// with '-', at most 64.
bool is_login(std::string_view text);
bool is_label_name(std::string_view text);  // ^[a-z][-a-z0-9_.]{0,63}$
bool is_variable_name(std::string_view text);  // ^[A-Za-z_][A-Za-z0-9_]{0,127}$

/// `*` stands for any text (also none), `?` for one character; everything else for itself. Linear in pattern times text.
bool matches_pattern(std::string_view pattern, std::string_view text);
bool has_wildcard(std::string_view pattern);

/// A path for sftp: absolute, without empty names, "." and "..", at most 1024 bytes without control characters; its names may hold
/// * and ?, and "/**" may stand at its end.
bool is_path_pattern(std::string_view text);

/// The same for a command that a target's shell will read: a wildcard stands for letters, digits, blanks, single quotes and
/// _-./:,@%+=~ and for what is not ASCII, so that it covers words and never another command, a variable, a redirection or a comment.
bool matches_command(std::string_view pattern, std::string_view command);

}  // namespace sekisho::model
