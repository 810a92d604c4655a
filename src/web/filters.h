// Parameters of requests as the store's filters have them: sessions and activity share theirs. An Error is the caller's mistake. Private
// to web.
#pragma once

#include <optional>
#include <string_view>

#include "web/api.h"

namespace sekisho::web {

/// words, command, path, sha256, user, target (also LOGIN@TARGET), login, from, since, until.
Result<store::ActivityFilter> activity_filter(const Request& request);
Result<store::SessionFilter> session_filter(const Request& request);

/// A number parameter; `otherwise` when it is missing, nothing when it is no number.
std::optional<std::uint64_t> number(const Request& request, std::string_view name, std::uint64_t otherwise);

}  // namespace sekisho::web
