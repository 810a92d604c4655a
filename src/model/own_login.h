// Words that stand for something of the user: {user} and {email_prefix} in `logins` of targets and rules, and these, {login} and {email}
// in `principals` of targets (what a certificate for the target names). A name made of a word is never root. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/access.h"

namespace sekisho::model {

/// {user} or {email_prefix}
bool is_own_login(std::string_view word);
/// A word, or a plain name without wildcards.
bool is_principal(std::string_view word);

/// What `word` of a list of logins is for this user: itself, or what it stands for; empty where that is no login, or root.
std::string own_login(const std::string& word, const User& user);
/// Without those that are nothing for this user. The first is the default.
std::vector<std::string> logins_for(const Target& target, const User& user);
/// Empty: there is none.
std::string default_login(const Target& target, const User& user);

/// What the certificate names, each once; without `principals` the login. Error: a text for the user.
Result<std::vector<std::string>> principals_for(const Target& target, const User& user, const std::string& login);

}  // namespace sekisho::model
