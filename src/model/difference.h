// What changes between two Access values, for `apply` (shown first, then stored with an audit record for each), and how
// access files are put over what the store has. Pure. Used by store and web.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/access.h"

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
    std::string kind;  // user | target | rule | client_host
    std::string name;
    std::vector<FieldChange> fields;  // added: all that are set; changed: those that differ; removed: all that were set
    friend bool operator==(const ObjectChange&, const ObjectChange&) = default;
};

struct Difference {
    std::vector<ObjectChange> objects;
    bool rules_reordered = false;  // the first rule that matches decides how a session is recorded
    bool empty() const { return objects.empty() && !rules_reordered; }
};

Difference difference(const Access& before, const Access& after);

/// `stored` with the objects of `files` added or put in place of those with the same name. Rules of the files come first, in
/// their order. What only the store has stays, unless `prune`.
Access merge(const Access& stored, const Access& files, bool prune);

/// References that lead nowhere (a rule's user, group or target; a route's hop). For warnings: the other half may come later.
std::vector<std::string> dangling_references(const Access& access);

/// Names and values of the fields, for people: empty values left out.
using Fields = std::vector<std::pair<std::string, std::string>>;
Fields fields(const User& user);
Fields fields(const Target& target);
Fields fields(const Rule& rule);
Fields fields(const ClientHost& host);

}  // namespace sekisho::model
