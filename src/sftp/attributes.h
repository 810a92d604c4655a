// Attributes of a file as SFTP says them (ATTRS, draft-ietf-secsh-filexfer-02 §5): what the audit reads of them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace sekisho::sftp {

struct Attributes {
    std::optional<std::uint64_t> size;
    std::optional<std::uint32_t> mode;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> owner;  // user and group, by number
    std::optional<std::uint32_t> modified;  // seconds since 1970
    bool is_link = false;

    /// "size=0 mode=0644 owner=0:0 modified=1700000000": those that are there.
    std::string text() const;
};

/// Of what comes later than version 3 only the size. What is missing is left out.
Attributes read_attributes(std::uint32_t version, BytesView bytes);

}  // namespace sekisho::sftp
