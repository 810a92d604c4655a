// The part of the API about groups, which are nothing but what users say they belong to: a change of a group is one of its users.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "model/pattern.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

using Names = std::vector<std::string>;

/// The texts of a list in a body; nothing where there is none, an error where it is something else.
Result<std::optional<Names>> names_in(const Json& body, const char* key) {
    if (!body.contains(key)) return std::nullopt;
    if (!body[key].is_array()) return fail(std::string(key) + " is a list of names of users");
    Names names;
    for (const Json& item : body[key]) {
        if (!item.is_string()) return fail(std::string(key) + " is a list of names of users");
        names.push_back(item.get<std::string>());
    }
    return names;
}

Result<void> all_there(const model::Access& access, const Names& names) {
    for (const std::string& name : names) {
        if (!access.user(name)) return fail("no user is called " + name);
    }
    return {};
}

Result<void> is_group(const std::string& name) {
    if (model::is_group_name(name)) return {};
    return fail("a group's name is a lower-case letter, then at most 63 of a-z 0-9 - _ .");
}

bool contains(const Names& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); }

void put(model::User& user, const std::string& group, bool in) {
    if (!in) {
        std::erase(user.groups, group);
    } else if (!contains(user.groups, group)) {
        user.groups.push_back(group);
    }
}

Json group_json(const std::string& name, const Names& users) { return {{"name", name}, {"users", users}}; }

}  // namespace

Response Api::list_groups(const Call&) {
    const auto access = m_store.access();
    if (!access) return refuse(access.error());
    std::map<std::string, Names> members;
    for (const model::User& user : access->users) {
        for (const std::string& group : user.groups) members[group].push_back(user.name);
    }
    Json list = Json::array();
    for (const auto& [name, users] : members) list.push_back(group_json(name, users));
    return respond({{"version", access->version}, {"groups", std::move(list)}});
}

Response Api::show_group(const Call& call) {
    const auto access = m_store.access();
    if (!access) return refuse(access.error());
    Names users;
    for (const model::User& user : access->users) {
        if (contains(user.groups, call.name)) users.push_back(user.name);
    }
    if (users.empty()) return refuse(404, "nobody is in group " + call.name);
    return respond({{"version", access->version}, {"group", group_json(call.name, users)}});
}

Response Api::set_group(const Call& call) {
    const Json body = parse_body(call.request.body);
    const auto users = body.is_object() && body.size() == 1 ? names_in(body, "users") : std::nullopt;
    if (!users) return refuse(400, users.error().text);
    if (!*users) return refuse(400, "the body is {\"users\": [\"alice\"]}");
    if (const auto group = is_group(call.name); !group) return refuse(400, group.error().text);
    return change(call, [&](model::Access& access) -> Result<void> {
        if (auto there = all_there(access, **users); !there) return there;
        for (model::User& user : access.users) put(user, call.name, contains(**users, user.name));
        return {};
    });
}

Response Api::change_group(const Call& call) {
    const Json body = parse_body(call.request.body);
    const auto add = body.is_object() ? names_in(body, "add") : std::nullopt;
    if (!add) return refuse(400, add.error().text);
    const auto remove = body.is_object() ? names_in(body, "remove") : std::nullopt;
    if (!remove) return refuse(400, remove.error().text);
    if (!body.is_object() || body.size() != static_cast<std::size_t>((*add ? 1 : 0) + (*remove ? 1 : 0)) || body.empty())
        return refuse(400, "the body is {\"add\": [\"alice\"], \"remove\": [\"bob\"]}, or one of them");
    if (const auto group = is_group(call.name); !group) return refuse(400, group.error().text);
    return change(call, [&](model::Access& access) -> Result<void> {
        for (const auto& [names, in] : {std::pair(&*add, true), std::pair(&*remove, false)}) {
            if (!*names) continue;
            if (auto there = all_there(access, **names); !there) return there;
            for (const std::string& name : **names)
                put(*std::ranges::find(access.users, name, &model::User::name), call.name, in);
        }
        return {};
    });
}

Response Api::remove_group(const Call& call) {
    return change(call, [&](model::Access& access) -> Result<void> {
        bool found = false;
        for (model::User& user : access.users) {
            found = found || contains(user.groups, call.name);
            put(user, call.name, false);
        }
        if (!found) return fail("nobody is in group " + call.name, std::string(kMissing));
        return {};
    });
}

}  // namespace sekisho::web
