// One call of the admin API: to the running gateway through its socket (libcurl), or, when none listens there, in this process
// over the store itself, so that `init` and `apply` work before the first start.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command.h"
#include "cli/json_view.h"

namespace sekisho::cli {

/// `target` is path and query, encoded. An answer that is not 2xx is an Error with the API's text; `status` tells which.
Result<JsonView> call_gateway(const Context& context, std::string_view method, const std::string& target,
    std::string body = {}, long* status = nullptr);

/// The same for an answer that is no JSON.
Result<std::string> fetch_from_gateway(const Context& context, const std::string& target);

/// An answer that comes piece by piece for as long as the gateway has something to say, to `take`, until that says false. Only where a
/// gateway runs.
Result<void> stream_from_gateway(
    const Context& context, const std::string& target, const std::function<bool(std::string_view)>& take);

/// Whether a gateway is running, also one that this account may not ask.
bool gateway_listens(const Context& context);

/// For completion: only if a gateway listens, and answers at once.
std::optional<JsonView> ask_gateway_quietly(const Context& context, const std::string& target);

/// Builds "/v1/x?a=b&c=d", encoding values and leaving out empty ones.
std::string with_query(std::string path, const std::vector<std::pair<std::string, std::string>>& query);

}  // namespace sekisho::cli
