// Where a recording is in the bucket: PREFIX/YYYY/MM/DD/USER/AUDITKEY.SESSION.skr. It follows from audit key and session, so one
// recording has one name, whatever happens to who ships it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::shipping {

struct ObjectName {
    std::string audit_key;
    std::string session;
    friend bool operator==(const ObjectName&, const ObjectName&) = default;
};

/// What all objects of this audit key begin with, below the bucket's prefix. The key must be one.
std::string object_stem(std::string_view audit_key);
std::string object_name(std::string_view prefix, const ObjectName& name);
/// Nothing: no recording of ours would be called so.
std::optional<ObjectName> parse_object_name(std::string_view prefix, std::string_view key);

/// A session's id as it may stand in a name.
bool is_session_id(std::string_view text);

}  // namespace sekisho::shipping
