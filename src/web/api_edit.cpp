// The part of the API that changes one user, target, rule, client host or route: what comes as JSON is laid over what is there, written
// as an access file of one object, and read by that file's own parser, so that nothing is accepted here that would be refused there.
#include <algorithm>
#include <type_traits>

#include <fmt/format.h>

#include "base/nearest.h"
#include "model/access_fields.h"
#include "store/access_file.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

constexpr int kAttempts = 5;
constexpr int kDeepest = 3;  // an object, its list or table, and what is in there

/// "\u007f" is the only character that JSON leaves as it is and TOML does not take.
std::string quoted(const std::string& text) {
    std::string out = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    for (std::size_t at = 0; (at = out.find('\x7f', at)) != std::string::npos; at += 6) out.replace(at, 1, "\\u007f");
    return out;
}

Result<std::string> toml(const Json& value, int depth) {
    if (depth > kDeepest) return fail("a value is nested too deep");
    if (value.is_string()) return quoted(value.get<std::string>());
    if (value.is_boolean() || value.is_number()) return value.dump();
    std::string out;
    if (value.is_array()) {
        for (const Json& item : value) {
            const auto text = toml(item, depth + 1);
            if (!text) return text;
            out += (out.empty() ? "" : ", ") + *text;
        }
        return "[" + out + "]";
    }
    if (value.is_object()) {
        for (const auto& [key, item] : value.items()) {
            const auto text = toml(item, depth + 1);
            if (!text) return text;
            out += (out.empty() ? "" : ", ") + quoted(key) + " = " + *text;
        }
        return "{ " + out + " }";
    }
    return fail("null stands for a field that is taken out, and for nothing inside of one");
}

bool says_nothing(const Json& value) {
    return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
           (value.is_structured() && value.empty()) || (value.is_boolean() && !value.get<bool>()) || value == 0;
}

/// What is not set is left out, as in an access file.
Json without_empty(Json object) {
    for (auto item = object.begin(); item != object.end();) {
        if (item->is_object()) *item = without_empty(*item);
        item = says_nothing(*item) ? object.erase(item) : std::next(item);
    }
    return object;
}

/// RFC 7396, and an empty text takes a field out, too. An empty list stays: the parser knows where that is a mistake.
void lay_over(Json& object, const Json& patch) {
    for (const auto& [key, value] : patch.items()) {
        if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty())) {
            object.erase(key);
        } else if (value.is_object()) {
            Json& inner = object[key];
            if (!inner.is_object()) inner = Json::object();
            lay_over(inner, value);
            if (inner.empty()) object.erase(key);
        } else {
            object[key] = value;
        }
    }
}

/// The object of `kind` that `fields` describes, alone in an Access.
Result<model::Access> parsed(std::string_view kind, const Json& fields) {
    const std::vector<std::string> known = model::field_names(kind);
    std::string text = fmt::format("[[{}]]\n", kind);
    for (const auto& [key, value] : fields.items()) {
        if (std::ranges::find(known, key) == known.end())
            return fail(fmt::format("unknown field {} of a {}{}", key, kind, base::did_you_mean(key, known)));
        const auto written = toml(value, 1);
        if (!written) return fail(fmt::format("{}: {}", key, written.error().text));
        text += fmt::format("{} = {}\n", key, *written);
    }
    return store::parse_access({{"", std::move(text)}});
}

Result<Json> body_of(const Request& request) {
    Json body = parse_body(request.body);
    if (!body.is_object()) return fail("the body is an object of fields, for example {\"email\": \"alice@example.com\"}");
    return body;
}

template <class Item>
typename std::vector<Item>::iterator find(std::vector<Item>& items, std::string_view name) {
    return std::ranges::find(items, name, &Item::name);
}

template <class Item>
void sort_by_name(std::vector<Item>& items) {
    std::ranges::sort(items, {}, &Item::name);
}

/// The list of this kind, handed to `work`.
template <class Access, class Work>
auto with_list(Access& access, std::string_view kind, Work work) {
    if (kind == "user") return work(access.users);
    if (kind == "target") return work(access.targets);
    if (kind == "client_host") return work(access.client_hosts);
    if (kind == "route") return work(access.routes);
    return work(access.rules);
}

std::vector<model::User>& with_same_type(const std::vector<model::User>&, model::Access& access) { return access.users; }
std::vector<model::Target>& with_same_type(const std::vector<model::Target>&, model::Access& access) {
    return access.targets;
}
std::vector<model::Rule>& with_same_type(const std::vector<model::Rule>&, model::Access& access) { return access.rules; }
std::vector<model::ClientHost>& with_same_type(const std::vector<model::ClientHost>&, model::Access& access) {
    return access.client_hosts;
}

std::vector<model::Route>& with_same_type(const std::vector<model::Route>&, model::Access& access) { return access.routes; }

/// Those of which the first one decides.
template <class Items>
constexpr bool kInOrder =
    std::is_same_v<Items, std::vector<model::Rule>&> || std::is_same_v<Items, std::vector<model::Route>&>;

/// Puts the rule or route `name` before another one.
template <class Item>
Result<void> move_before(
    std::vector<Item>& items, std::string_view kind, const std::string& name, const std::string& before) {
    if (before.empty()) return {};
    if (before == name) return fail(fmt::format("a {} cannot stand before itself", kind));
    if (find(items, before) == items.end()) return fail(fmt::format("before: no {} is called {}", kind, before));
    const auto from = find(items, name);
    Item moved = std::move(*from);
    items.erase(from);
    items.insert(find(items, before), std::move(moved));
    return {};
}

/// Not asked for before: what the change itself leaves dangling.
std::vector<std::string> new_warnings(const model::Access& before, const model::Access& after) {
    const std::vector<std::string> old = model::doubts(before);
    std::vector<std::string> fresh = model::doubts(after);
    std::erase_if(fresh, [&](const std::string& one) { return std::ranges::find(old, one) != old.end(); });
    return fresh;
}

constexpr std::string_view kTooLate = "access was changed by somebody else in the meantime; nothing was done, try again";

}  // namespace

Json change_body(
    const model::Difference& difference, const std::vector<std::string>& warnings, std::uint64_t version, bool applied) {
    Json body = to_json(difference);
    body["warnings"] = warnings;
    body["version"] = version;
    body["applied"] = applied;
    return body;
}

// --- one transaction ---

Response Api::store_change(const Call& call, const model::Access& before, const model::Access& after,
    const std::vector<std::string>& warnings, bool& too_late) {
    const model::Difference difference = model::difference(before, after);
    if (difference.empty()) return respond(change_body(difference, warnings, before.version, false));
    if (const auto replaced = m_store.replace_access(after, model::audit_of(difference, call.request.actor, call.now)); !replaced) {
        too_late = replaced.error().detail.empty();
        return refuse(replaced.error());
    }
    if (m_live) m_live->access_changed();
    return respond(change_body(difference, warnings, before.version, true));
}

Response Api::change(const Call& call, const Edit& edit) {
    const std::string& stated = call.request.parameter("version");
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const auto stored = m_store.access();
        if (!stored) return refuse(stored.error());
        if (!stated.empty() && stated != std::to_string(stored->version)) return refuse(409, kTooLate);
        model::Access changed = *stored;
        if (const auto edited = edit(changed); !edited) {
            return refuse(edited.error().detail == kMissing ? 404
                          : edited.error().detail.empty()   ? 400
                                                            : 409,
                edited.error().text);
        }
        if (const auto undone = model::undone_elsewhere(*stored, changed); !undone.empty() && !m_config.users_from.url.empty())
            return refuse(409, fmt::format("{}", fmt::join(undone, "\n")));
        changed.index();
        bool too_late = false;
        Response response = store_change(call, *stored, changed, new_warnings(*stored, changed), too_late);
        if (!too_late) return response;
    }
    return refuse(409, kTooLate);
}

// --- users, targets, rules, client hosts, routes ---

Response Api::list_objects(const Call& call) {
    const auto access = m_store.access();
    if (!access) return refuse(access.error());
    return respond({{"version", access->version},
        {std::string(call.kind) + "s", with_list(*access, call.kind, [](const auto& items) { return list_of(items); })}});
}

Response Api::show_object(const Call& call) {
    const auto access = m_store.access();
    if (!access) return refuse(access.error());
    Json found = with_list(*access, call.kind, [&](const auto& items) {
        const auto one = std::ranges::find_if(items, [&](const auto& item) { return item.name == call.name; });
        return one == items.end() ? Json(nullptr) : to_json(*one);
    });
    if (found.is_null()) return refuse(404, fmt::format("no {} is called {}", call.kind, call.name));
    return respond({{"version", access->version}, {std::string(call.kind), std::move(found)}});
}

Response Api::add_object(const Call& call) {
    const auto body = body_of(call.request);
    if (!body) return refuse(400, body.error().text);
    Json fields = Json::object();
    lay_over(fields, *body);
    auto made = parsed(call.kind, fields);
    if (!made) return refuse(400, made.error().text);
    return change(call, [&](model::Access& access) -> Result<void> {
        return with_list(access, call.kind, [&](auto& items) -> Result<void> {
            auto& fresh = with_same_type(items, *made).front();
            if (find(items, fresh.name) != items.end())
                return fail(fmt::format("a {} is called {} already; nothing was changed", call.kind, fresh.name),
                    std::string(kConflict));
            items.push_back(fresh);
            if constexpr (kInOrder<decltype(items)>) {
                return move_before(items, call.kind, fresh.name, call.request.parameter("before"));
            } else {
                sort_by_name(items);
                return {};
            }
        });
    });
}

Response Api::set_object(const Call& call) {
    const auto body = body_of(call.request);
    if (!body) return refuse(400, body.error().text);
    return change(call, [&](model::Access& access) -> Result<void> {
        return with_list(access, call.kind, [&](auto& items) -> Result<void> {
            const auto place = find(items, call.name);
            if (place == items.end())
                return fail(fmt::format("no {} is called {}", call.kind, call.name), std::string(kMissing));
            Json fields = without_empty(to_json(*place));
            fields.erase("origin");  // nobody's to change
            lay_over(fields, *body);
            if (fields.value("name", Json()) != Json(call.name))
                return fail("name cannot be changed; add another one under the new name, then remove this one");
            auto made = parsed(call.kind, fields);
            if (!made) return fail(made.error().text);
            auto& fresh = with_same_type(items, *made).front();
            if constexpr (std::is_same_v<decltype(items), std::vector<model::User>&>) fresh.origin = place->origin;
            *place = std::move(fresh);
            if constexpr (kInOrder<decltype(items)>) {
                return move_before(items, call.kind, call.name, call.request.parameter("before"));
            }
            return {};
        });
    });
}

Response Api::remove_object(const Call& call) {
    return change(call, [&](model::Access& access) -> Result<void> {
        return with_list(access, call.kind, [&](auto& items) -> Result<void> {
            const auto place = find(items, call.name);
            if (place == items.end())
                return fail(fmt::format("no {} is called {}", call.kind, call.name), std::string(kMissing));
            items.erase(place);
            return {};
        });
    });
}

}  // namespace sekisho::web
