// What mails say, in English and Japanese: subject and body of START, FINISH, a refusal, and of a list of many. Built-in texts and those of
// an operator are the same kind of thing: lines with {names} in braces, of which a line that has nothing to say is left out. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/session.h"

namespace sekisho::notify {

enum class MailEvent { Start, Finish, Refused };

/// "start" | "finish" | "refused": how configuration and template files name them.
std::string_view name(MailEvent event);

/// What one mail is about.
struct MailFacts {
    MailEvent event = MailEvent::Start;
    model::AuditRecord record;  // that told of it
    model::Session session;  // of a refusal and where the store has none: as much as the record knows
    std::vector<std::string> places;  // targets and forwards, as far as they are known by then
    std::string host;  // this gateway's
};

struct MailText {
    std::string subject, text;
};

/// Texts of a file: "Subject: …", an empty line, the body. The built-in one stands in for what is empty.
class MailTexts {
public:
    explicit MailTexts(std::string_view language) : m_japanese(language == "ja") {}

    void replace(MailEvent event, std::string file) { m_files[event] = std::move(file); }

    MailText about(const MailFacts& facts) const;
    /// Many at once: `records` in their order, of which the first kListed are listed.
    MailText list(const std::vector<std::pair<MailEvent, model::AuditRecord>>& records, const std::string& host) const;
    MailText test(const std::string& host, WallTime now) const;

    static constexpr std::size_t kListed = 200;

private:
    bool m_japanese;
    std::map<MailEvent, std::string> m_files;
};

/// {names} replaced by values of one line each. A line all of whose values are empty goes; an unknown name stays as it is.
std::string filled(std::string_view form, const std::map<std::string, std::string, std::less<>>& values);

}  // namespace sekisho::notify
