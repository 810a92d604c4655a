// Recordings of a gateway whose folder this account may not read: by the admin API, for auditors. Private to cli.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cli/json_view.h"

namespace sekisho::cli {

/// This account may not look into it, though it is there.
bool is_closed(const std::string& path);
/// A path under which the recording can be read as long as this process lives; no name of it stays behind.
Result<std::string> fetch_recording(const Context& context, const std::string& audit_key);
/// The same of one that is in the bucket: by the gateway, which has the access key, or where none runs by this process. `session` says
/// which, where several have the audit key; it may be empty.
Result<std::string> fetch_from_bucket(const Context& context, const std::string& audit_key, const std::string& session);

/// A descriptor of it, which the caller closes.
Result<int> open_in_bucket(const Context& context, const std::string& audit_key, const std::string& session);

struct InBucket {
    std::string object;
    std::uint64_t size = 0;
    std::string audit_key;  // empty: it has no name of a recording
    std::string session;
};
/// All that is there.
Result<std::vector<InBucket>> list_bucket(const Context& context);

/// What the store knows of recordings on their way to the bucket: "shipped", "verified", "removed" …, by session; and those that are not
/// here any more.
struct ShippingStates {
    bool known = true;  // somebody could be asked
    std::map<std::string, std::string> by_session;
    std::vector<JsonView> elsewhere;  // as GET /v1/recordings has them
};
ShippingStates shipping_states(const Context& context, const std::string& user);

/// `recordings ls` by the admin API.
int list_recordings(const Context& context, const std::string& user, bool json);

}  // namespace sekisho::cli
