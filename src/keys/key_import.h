// What people have as public keys, made into lines of authorized_keys: OpenSSH's line, RFC 4716, PEM, or a whole file of authorized_keys.
// Used by the admin API, and so by `sekisho key add`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "keys/authorized_key.h"

namespace sekisho::keys {

struct KeyImport {
    std::string options;  // of authorized_keys, for keys that state none
    std::string comment;  // for keys without one
};

/// One line for each key, options and comments as they were written. All of the text or nothing: what is wrong is an error that says
/// where. Several keys in RFC 4716 or PEM may follow each other.
Result<std::vector<std::string>> authorized_lines(std::string_view text, const KeyImport& import = {});

/// The options as they would be written: `from="10.0.0.0/8",restrict`.
std::string options_text(const AuthorizedKey& key);
/// A line of these parts; options and comment may be empty.
std::string authorized_line(std::string_view options, const PublicKey& key, std::string_view comment);

}  // namespace sekisho::keys
