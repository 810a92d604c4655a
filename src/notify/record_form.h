// One audit record as others read it: a JSON object, a message of syslog (RFC 5424). Whatever stands in a record, what comes out is one
// object or one message. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/session.h"

namespace sekisho::notify {

/// {"sequence", "time", "host", "kind", "session", "user", "source", "subject", "outcome", "reason"}, without a line end.
std::string json_form(const model::AuditRecord& record, std::string_view host);

struct SyslogForm {
    unsigned facility = 10;  // authpriv
    std::string sd_id = "sekisho@32473";
    std::string host;
    std::string process;  // its number
    std::size_t most = 8192;  // bytes; a longer reason is cut
};

/// Number of "authpriv", "local0" …; nothing for another word.
std::optional<unsigned> syslog_facility(std::string_view name);
/// NAME@NUMBER (RFC 5424 §7.2.2), of at most 32 printable letters.
bool is_sd_id(std::string_view text);

/// "<PRI>1 TIME HOST sekisho PROCID KIND [SD-ID sequence="…" …] WORDS", without a frame.
std::string syslog_form(const model::AuditRecord& record, const SyslogForm& form);

}  // namespace sekisho::notify
