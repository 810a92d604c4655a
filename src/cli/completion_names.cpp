// Names for completion, from the running gateway; silent where there is none.
#include "cli/completion_names.h"

#include <set>

#include "cli/gateway_call.h"
#include "web/api.h"

namespace sekisho::cli {

std::vector<std::string> names_for_completion(
    const Context& context, std::string_view what, const std::vector<std::string>& words) {
    std::vector<std::string> names;
    if (what == "keys") {
        // `key VERB USER …`: the user is the second word behind key.
        std::string user;
        for (std::size_t i = 0; i + 3 < words.size(); ++i) {
            if (words[i] == "key") user = words[i + 2];
        }
        const auto answer = ask_gateway_quietly(context, "/v1/users/" + web::url_encoded(user) + "/keys");
        if (!answer) return names;
        for (const JsonView& key : answer->list("keys")) names.push_back(key.text("fingerprint"));
        return names;
    }
    const auto answer = ask_gateway_quietly(context, "/v1/" + std::string(what));
    if (!answer) return names;
    for (const JsonView& item : answer->list(what)) names.push_back(item.text("name"));
    return names;
}

}  // namespace sekisho::cli
