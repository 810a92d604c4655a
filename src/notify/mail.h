// Mail: one message for one recipient, as it waits on disk and as it is handed to the relay. The words of its headers are made here and
// nowhere else, so that nothing which comes from a name, an address or a file can begin a header of its own. RFC 5322, RFC 2047. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace sekisho::notify {

struct Mail {
    std::string id;  // of its file: letters, digits and '-'
    std::string from, to;  // addresses
    std::string subject;
    std::string text;  // UTF-8, lines end with \n
    std::string host;  // of Message-ID
    WallTime made{};
};

/// The plain form only, LOCAL@DOMAIN in ASCII without quotes and comments, at most 254 letters: it stands in SMTP commands.
bool is_mail_address(std::string_view text);

/// What may stand behind "NAME: " in a header: printable ASCII in lines of at most 78, folded; everything else in encoded-words. At most
/// 300 bytes of `text` come through.
std::string header_value(std::string_view text, std::size_t name_size = 9);

/// "Subject: …" and the rest, without line ends: From, To, Subject, Date, Message-ID, Auto-Submitted (RFC 3834).
std::vector<std::string> headers_of(const Mail& mail);

/// As it is kept in a file; reading it again fails on what is no mail of ours.
std::string to_file(const Mail& mail);
Result<Mail> from_file(std::string_view text);

}  // namespace sekisho::notify
