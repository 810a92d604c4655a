#include "identity/users_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "keys/authorized_key.h"
#include "keys/public_text.h"

namespace sekisho::identity {
namespace {

constexpr std::string_view kEnding = ".pub";
constexpr std::size_t kLongestName = 64;

/// Empty: it will do.
std::string wrong_name(std::string_view name) {
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto fine = [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-'; };
    if (name.empty() || !lower(name.front()) || !std::ranges::all_of(name, fine))
        return "its name is not that of a user: a lower-case letter, then a-z 0-9 and -";
    if (name.size() > kLongestName) return fmt::format("a user's name has at most {} letters", kLongestName);
    if (name == "root") return "root is never a user of the gateway";
    return {};
}

}  // namespace

Listing read_listing(std::vector<ListedObject> objects, std::string_view prefix) {
    Listing listing;
    for (ListedObject& object : objects) {
        std::string_view name = object.name;
        name.remove_prefix(std::min(prefix.size(), name.size()));
        if (name.empty() && object.size == 0) continue;
        if (!name.ends_with(kEnding)) {
            listing.refused.push_back({object.name, "it is not called NAME.pub"});
            continue;
        }
        name.remove_suffix(kEnding.size());
        if (std::string wrong = wrong_name(name); !wrong.empty()) {
            listing.refused.push_back({object.name, std::move(wrong)});
            continue;
        }
        std::string user(name);
        listing.users.insert_or_assign(std::move(user), std::move(object));
    }
    return listing;
}

Result<std::vector<std::string>> read_keys(std::string_view text) {
    std::vector<std::string> lines;
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start != std::string_view::npos && text.substr(start).starts_with("----")) {
        const auto key = keys::parse_public_text(text);
        if (!key) return std::unexpected(key.error());
        lines.push_back(key->key.line(key->comment));
        return lines;
    }
    const auto parsed = keys::parse_authorized_keys(text);
    if (!parsed) return std::unexpected(parsed.error());
    if (auto fine = parsed->check(); !fine) return std::unexpected(fine.error());
    auto entry = parsed->entries.begin();
    for (std::size_t number = 1; entry != parsed->entries.end(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (entry->line != number) continue;
        ++entry;
        const std::size_t first = line.find_first_not_of(" \t");
        line.remove_prefix(first);
        line.remove_suffix(line.size() - line.find_last_not_of(" \t\r") - 1);
        if (std::ranges::find(lines, line) == lines.end()) lines.emplace_back(line);
    }
    if (lines.empty()) return fail("it holds no key");
    return lines;
}

UsersPlan plan_users(
    const model::Access& access, const Listing& listing, const Contents& contents, const PlanSettings& settings) {
    UsersPlan plan;
    plan.refused = listing.refused;
    for (const auto& [name, object] : listing.users) {
        const model::User* stored = access.user(name);
        if (stored && stored->origin.empty()) {
            plan.refused.push_back({object.name, "a user of that name was made here"});
            continue;
        }
        const auto content = contents.find(object.name);
        if (content == contents.end()) continue;  // not read yet: as it is
        if (!content->second) {
            plan.refused.push_back({object.name, content->second.error().full()});
            continue;
        }
        model::User wanted = stored ? *stored : model::User{.name = name};
        wanted.keys = *content->second;
        wanted.groups = settings.groups;
        wanted.origin = object.name;
        if (!stored) plan.created.push_back({name, object.name});
        if (!stored || *stored != wanted) plan.put.push_back(std::move(wanted));
    }
    for (const model::User& user : access.users) {
        if (user.origin.empty() || listing.users.contains(user.name)) continue;
        if (listing.users.empty() && !settings.empty_removes)
            ++plan.kept_though_gone;
        else
            plan.removed.push_back({user.name, user.origin});
    }
    return plan;
}

}  // namespace sekisho::identity
