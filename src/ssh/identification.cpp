#include "ssh/identification.h"

#include <algorithm>

#include "wire/limits.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

Result<std::size_t> Identification::feed(BytesView input) {
    const auto end = std::find(input.begin(), input.end(), std::byte{'\n'});
    const auto length = static_cast<std::size_t>(end - input.begin());
    if (length >= limits::kIdentificationLine) return fail("identification line is too long");
    if (end == input.end()) return std::size_t{0};
    std::string line = base::to_text(input.first(length));
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find('\0') != std::string::npos) return fail("identification line holds a null character");
    if (!line.starts_with("SSH-")) {
        // RFC 4253 §4.2: "The server MAY send other lines of data before sending the version string."
        m_preamble += length + 1;
        if (m_role == Role::Server) return fail("this is an SSH server; the client did not speak SSH");
        if (m_preamble > limits::kIdentificationPreamble) return fail("too much text before the identification line");
        return length + 1;
    }
    // RFC 4253 §5.1: a client treats 1.99 as 2.0.
    const bool supported = line.starts_with("SSH-2.0-") || (m_role == Role::Client && line.starts_with("SSH-1.99-"));
    if (!supported) return fail("protocol version not supported", line);
    m_line = std::move(line);
    return length + 1;
}

}  // namespace sekisho::ssh
