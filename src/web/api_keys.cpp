// The part of the API about users' public keys.
#include <algorithm>

#include <fmt/format.h>

#include "base/nearest.h"
#include "keys/key_import.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

model::User* user_of(model::Access& access, const std::string& name) {
    const auto found = std::ranges::find(access.users, name, &model::User::name);
    return found == access.users.end() ? nullptr : &*found;
}

std::unexpected<Error> nobody(const std::string& name) { return fail("no user is called " + name, std::string(kMissing)); }

std::string fingerprint_of(const std::string& line) {
    const auto key = keys::parse_authorized_key(line);
    return key ? key->key.fingerprint() : std::string();
}

Json key_json(const std::string& line) {
    const auto key = keys::parse_authorized_key(line);
    if (!key) return {{"fingerprint", ""}, {"type", ""}, {"options", ""}, {"comment", ""}, {"line", line}};
    return {{"fingerprint", key->key.fingerprint()}, {"type", keys::blob_name(key->key.kind())},
        {"options", keys::options_text(*key)}, {"comment", key->comment}, {"line", line}};
}

std::unexpected<Error> no_such_key(const std::string& user, const std::string& fingerprint) {
    return fail(fmt::format("user {} has no key {}", user, fingerprint), std::string(kMissing));
}

}  // namespace

Response Api::list_keys(const Call& call) {
    const auto access = m_store.access();
    if (!access) return refuse(access.error());
    const model::User* user = access->user(call.name);
    if (!user) return refuse(404, "no user is called " + call.name);
    Json list = Json::array();
    for (const std::string& line : user->keys) list.push_back(key_json(line));
    return respond({{"version", access->version}, {"keys", std::move(list)}});
}

Response Api::add_keys(const Call& call) {
    const auto lines = keys::authorized_lines(
        call.request.body, {.options = call.request.parameter("options"), .comment = call.request.parameter("comment")});
    if (!lines) return refuse(400, lines.error().text);
    return change(call, [&](model::Access& access) -> Result<void> {
        model::User* user = user_of(access, call.name);
        if (!user) return nobody(call.name);
        for (const std::string& line : *lines) {
            if (std::ranges::find(user->keys, line) != user->keys.end()) continue;  // as it is there already
            const std::string fingerprint = fingerprint_of(line);
            if (std::ranges::find(user->keys, fingerprint, fingerprint_of) != user->keys.end()) {
                return fail(
                    fmt::format(
                        "user {} has the key {} already, with other options or another comment; `sekisho key set` changes "
                        "them",
                        call.name, fingerprint),
                    std::string(kConflict));
            }
            user->keys.push_back(line);
        }
        return {};
    });
}

Response Api::set_key(const Call& call) {
    const std::vector<std::string> known{"options", "comment"};
    const Json body = parse_body(call.request.body);
    if (!body.is_object()) return refuse(400, "the body is {\"options\": \"…\", \"comment\": \"…\"}, or one of them");
    for (const auto& [key, value] : body.items()) {
        if (std::ranges::find(known, key) == known.end())
            return refuse(400, fmt::format("unknown field {} of a key{}", key, base::did_you_mean(key, known)));
        if (!value.is_string() && !value.is_null()) return refuse(400, key + " is a text");
    }
    const std::string& fingerprint = call.request.parameter("fingerprint");
    return change(call, [&](model::Access& access) -> Result<void> {
        model::User* user = user_of(access, call.name);
        if (!user) return nobody(call.name);
        const auto place = std::ranges::find(user->keys, fingerprint, fingerprint_of);
        if (place == user->keys.end()) return no_such_key(call.name, fingerprint);
        const auto old = keys::parse_authorized_key(*place);
        const auto wanted = [&](const char* key, const std::string& before) {
            if (!body.contains(key)) return before;
            return body[key].is_null() ? std::string() : body[key].get<std::string>();
        };
        const std::string options = wanted("options", keys::options_text(*old));
        const std::string comment = wanted("comment", old->comment);
        const std::string line = keys::authorized_line(options, old->key, comment);
        const auto read = keys::parse_authorized_key(line);
        if (!read) return fail((body.contains("options") ? "options: " : "comment: ") + read.error().text);
        // A blank in the options ends them: what stands behind it would become something else.
        if (!(read->key == old->key) || keys::options_text(*read).empty() != options.empty() || read->comment != comment)
            return fail("options or comment cannot be written in one line of authorized_keys");
        *place = line;
        return {};
    });
}

Response Api::remove_key(const Call& call) {
    const std::string& fingerprint = call.request.parameter("fingerprint");
    return change(call, [&](model::Access& access) -> Result<void> {
        model::User* user = user_of(access, call.name);
        if (!user) return nobody(call.name);
        const auto gone =
            std::erase_if(user->keys, [&](const std::string& line) { return fingerprint_of(line) == fingerprint; });
        if (gone == 0) return no_such_key(call.name, fingerprint);
        return {};
    });
}

}  // namespace sekisho::web
