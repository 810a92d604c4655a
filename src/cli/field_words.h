// FIELD=VALUE, FIELD+=VALUE and FIELD-=VALUE on the command line, made into a body of the admin API. The fields are those of access files
// (model/access_fields.h). Used by user, target, rule and key.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/json_view.h"

namespace sekisho::cli {

/// Whether some word adds to a list or takes from one, so that what is there has to be known.
bool need_what_is_there(const std::vector<std::string>& words);

/// The body of POST (`there` is null) or PATCH. An Error names the field and says what is wanted.
Result<std::string> body_of_words(
    std::string_view kind, const std::vector<std::string>& words, const JsonView* there, std::string_view name);

/// Lines for --help: every field with its meaning.
std::string fields_help(std::string_view kind);

/// {"NAME": "VALUE" or null …} of two fields of a key.
Result<std::string> key_body(const std::vector<std::string>& words);
/// {"NAME": ["…"]} for each pair that is not empty.
std::string lists_body(const std::vector<std::pair<std::string, std::vector<std::string>>>& lists);
/// {"kind", "login", "sealed"} of a credential; the last in base64.
std::string secret_body(std::string_view kind, std::string_view login, std::string_view sealed);
/// {"step": "…"}
std::string step_body(std::string_view step);

}  // namespace sekisho::cli
