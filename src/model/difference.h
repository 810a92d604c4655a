// What changes between two Access values, for `apply` (shown first, then stored with an audit record for each), and how
// access files are put over what the store has. Pure. Used by store and web.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/access.h"
#include "model/session.h"

namespace sekisho::model {

enum class Change { Added, Changed, Removed };
std::string_view name(Change change);

struct FieldChange {
    std::string field;
    std::string before;
    std::string after;
    friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

struct ObjectChange {
    Change change = Change::Added;
    std::string kind;  // user | target | rule | client_host | route
    std::string name;
    std::vector<FieldChange> fields;  // added: all that are set; changed: those that differ; removed: all that were set
    friend bool operator==(const ObjectChange&, const ObjectChange&) = default;
};

struct Difference {
    std::vector<ObjectChange> objects;
    bool rules_reordered = false;  // the first rule that matches decides how a session is recorded
    bool routes_reordered = false;  // the first that names a host counts
    bool empty() const { return objects.empty() && !rules_reordered && !routes_reordered; }
};

Difference difference(const Access& before, const Access& after);

/// `stored` with the objects of `files` added or put in place of those with the same name. Rules and routes of the files come
/// first, in their order. What only the store has stays, unless `prune`; users that are kept elsewhere (User::origin) stay anyway.
Access merge(const Access& stored, const Access& files, bool prune);

/// Users of the files that are kept elsewhere, each with what to do: files cannot change them.
std::vector<std::string> kept_elsewhere(const Access& stored, const Access& files);

/// Changes of such users that the next look there would undo (gone, other keys or groups), each with what to do. What else is set here
/// (a lock, an expiry, an e-mail) stays.
std::vector<std::string> undone_elsewhere(const Access& before, const Access& after);

/// The records that go with a difference: one for each object, by `actor` ("uid 0", "users_from").
std::vector<AuditRecord> audit_of(const Difference& difference, const std::string& actor, WallTime now);

/// References that lead nowhere (a rule's user, group or target; a route's hop). For warnings: the other half may come later.
std::vector<std::string> dangling_references(const Access& access);

/// These, and rules that say one thing and let another: sftp is narrowed, and a shell beside it is not.
std::vector<std::string> doubts(const Access& access);

/// Names and values of the fields, for people: empty values left out.
using Fields = std::vector<std::pair<std::string, std::string>>;
Fields fields(const User& user);
Fields fields(const Target& target);
Fields fields(const Rule& rule);
Fields fields(const ClientHost& host);
Fields fields(const Route& route);

}  // namespace sekisho::model
