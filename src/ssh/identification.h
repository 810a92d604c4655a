// The identification exchange (RFC 4253 §4.2): the first line each side sends. First layer that a byte meets.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "ssh/types.h"

namespace sekisho::ssh {

class Identification {
public:
    explicit Identification(Role role) : m_role(role) {}

    /// Takes one line from the front of `input`. Returns what it consumed; 0 when the line is not complete.
    Result<std::size_t> feed(BytesView input);
    /// The peer's line without CR LF, once it was there.
    const std::optional<std::string>& line() const { return m_line; }

private:
    Role m_role;
    std::size_t m_preamble = 0;
    std::optional<std::string> m_line;
};

}  // namespace sekisho::ssh
