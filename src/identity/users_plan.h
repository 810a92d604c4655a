// Users that are kept elsewhere (`users_from`: a bucket or a folder with one NAME.pub for each): what of a listing are users, and what
// has to change here to match it. Pure: a whole listing and the contents in, changes out; whoever has half a listing has nothing to ask.
// Called by gateway/users_from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/access.h"

namespace sekisho::identity {

struct ListedObject {
    std::string name;  // as the source has it: "public-keys/alice.pub"
    std::string tag;  // another one whenever the content is another one
    std::uint64_t size = 0;
};

struct RefusedObject {
    std::string object;
    std::string reason;
    friend auto operator<=>(const RefusedObject&, const RefusedObject&) = default;
};

inline constexpr std::size_t kMostListed = 100'000;
inline constexpr std::size_t kMostKeysBytes = 65536;  // of one NAME.pub
inline constexpr std::uint64_t kMostBytes = 64U << 20;  // of all of them: they are kept in memory

/// A listing by user: those whose names and sizes will do.
struct Listing {
    std::map<std::string, ListedObject> users;
    std::vector<RefusedObject> refused;
};

/// `prefix` is what stands before NAME.pub; the object of that name itself, as some tools make it for a folder, is nobody. Names are
/// ^[a-z][-a-z0-9]*$, of at most 64 letters, and not root.
Listing read_listing(std::vector<ListedObject> objects, std::string_view prefix);

/// The lines of a NAME.pub that are keys, as authorized_keys(5) has them, or one key in RFC 4716 or PEM form. One line that is wrong
/// spoils the file: half of what somebody meant is nothing to act on.
Result<std::vector<std::string>> read_keys(std::string_view text);

/// What is known of the contents: keys, or why there are none.
using Contents = std::map<std::string, Result<std::vector<std::string>>, std::less<>>;  // by name of the object

struct UserChange {
    std::string user;
    std::string object;
    friend bool operator==(const UserChange&, const UserChange&) = default;
};

struct UsersPlan {
    std::vector<model::User> put;  // created and changed
    std::vector<UserChange> created;
    std::vector<UserChange> removed;
    std::vector<RefusedObject> refused;  // the objects of these users change nothing
    std::size_t kept_though_gone = 0;  // users that an empty listing would have removed
    bool empty() const { return put.empty() && removed.empty(); }
};

struct PlanSettings {
    std::vector<std::string> groups;  // of every user that comes from there
    bool empty_removes = false;  // a listing without a single user is meant so
};

/// Users that were made here are never touched. A user whose object cannot be used stays as it is.
UsersPlan plan_users(
    const model::Access& access, const Listing& listing, const Contents& contents, const PlanSettings& settings);

}  // namespace sekisho::identity
