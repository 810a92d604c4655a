#include "sftp/attributes.h"

#include <fmt/format.h>

#include "wire/reader.h"

namespace sekisho::sftp {

namespace {
constexpr std::uint32_t kSize = 1, kOwner = 2, kPermissions = 4, kTimes = 8;
constexpr std::uint32_t kFormat = 0170000, kLink = 0120000;
constexpr std::uint8_t kTypeOfLink = 3;  // draft-ietf-secsh-filexfer-04 §5.2
}  // namespace

Attributes read_attributes(std::uint32_t version, BytesView bytes) {
    wire::Reader reader(bytes);
    Attributes read;
    const std::uint32_t flags = reader.u32();
    if (version > 3) read.is_link = reader.byte() == kTypeOfLink;
    if ((flags & kSize) != 0) read.size = reader.u64();
    if (version <= 3) {
        if ((flags & kOwner) != 0) {
            const std::uint32_t user = reader.u32();
            read.owner = {user, reader.u32()};
        }
        if ((flags & kPermissions) != 0) read.mode = reader.u32();
        if ((flags & kTimes) != 0) {
            reader.u32();
            read.modified = reader.u32();
        }
        read.is_link = read.mode && (*read.mode & kFormat) == kLink;
    }
    return reader.ok() ? read : Attributes{};
}

std::string Attributes::text() const {
    std::string out;
    const auto add = [&](std::string part) { out += (out.empty() ? "" : " ") + std::move(part); };
    if (size) add(fmt::format("size={}", *size));
    if (mode) add(fmt::format("mode={:04o}", *mode & 07777));
    if (owner) add(fmt::format("owner={}:{}", owner->first, owner->second));
    if (modified) add(fmt::format("modified={}", *modified));
    return out;
}

}  // namespace sekisho::sftp
