#include "model/own_login.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "model/pattern.h"

namespace sekisho::model {
namespace {

constexpr std::string_view kUser = "{user}";
constexpr std::string_view kEmailPrefix = "{email_prefix}";
constexpr std::string_view kEmail = "{email}";
constexpr std::string_view kLogin = "{login}";
constexpr std::size_t kLongest = 256;

std::string email_prefix(const User& user) { return user.email.substr(0, std::min(user.email.find('@'), user.email.size())); }

bool plain(std::string_view text) {
    return !text.empty() && text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7f && std::string_view("*?{}\",").find(c) == std::string_view::npos;
    });
}

}  // namespace

bool is_own_login(std::string_view word) { return word == kUser || word == kEmailPrefix; }

bool is_principal(std::string_view word) { return is_own_login(word) || word == kEmail || word == kLogin || plain(word); }

std::string own_login(const std::string& word, const User& user) {
    if (!is_own_login(word)) return word;
    std::string login = word == kUser ? user.name : email_prefix(user);
    return is_login(login) && login != "root" ? login : std::string();
}

std::vector<std::string> logins_for(const Target& target, const User& user) {
    std::vector<std::string> logins;
    for (const std::string& word : target.logins) {
        std::string login = own_login(word, user);
        if (!login.empty() && std::ranges::find(logins, login) == logins.end()) logins.push_back(std::move(login));
    }
    return logins;
}

std::string default_login(const Target& target, const User& user) {
    const auto logins = logins_for(target, user);
    return logins.empty() ? std::string() : logins.front();
}

Result<std::vector<std::string>> principals_for(const Target& target, const User& user, const std::string& login) {
    if (target.principals.empty()) return std::vector{login};
    std::vector<std::string> names;
    for (const std::string& word : target.principals) {
        std::string name = word;
        if (word == kLogin) name = login;
        if (word == kEmail) name = user.email;
        if (is_own_login(word)) name = own_login(word, user);
        if (word != kLogin && !plain(name)) {
            return fail(fmt::format("The certificate for {} would name {}, and the gateway has no such thing of you that can be named. "
                                    "An administrator adds your e-mail address, or changes what the target wants.",
                target.name, word));
        }
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

}  // namespace sekisho::model
