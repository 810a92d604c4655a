#include "sftp/requests.h"

#include <algorithm>
#include <array>

#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::sftp {

namespace {

constexpr std::array kKinds{
    Kind{"open", Type::Open, {}, Shape::Path, false, Way::Through},
    Kind{"close", Type::Close, {}, Shape::Handle, false},
    Kind{"read", Type::Read, {}, Shape::Handle, false},
    Kind{"write", Type::Write, {}, Shape::Handle, true},
    Kind{"lstat", Type::Lstat, {}, Shape::Path, false, Way::Entry},
    Kind{"fstat", Type::Fstat, {}, Shape::Handle, false},
    Kind{"setstat", Type::Setstat, {}, Shape::Path, true, Way::Through},
    Kind{"fsetstat", Type::Fsetstat, {}, Shape::Handle, true},
    Kind{"opendir", Type::Opendir, {}, Shape::Path, false, Way::Through},
    Kind{"readdir", Type::Readdir, {}, Shape::Handle, false},
    Kind{"remove", Type::Remove, {}, Shape::Path, true, Way::Entry},
    Kind{"mkdir", Type::Mkdir, {}, Shape::Path, true, Way::Entry},
    Kind{"rmdir", Type::Rmdir, {}, Shape::Path, true, Way::Entry},
    Kind{"realpath", Type::Realpath, {}, Shape::Path, false, Way::Answer},
    Kind{"stat", Type::Stat, {}, Shape::Path, false, Way::Through},
    Kind{"rename", Type::Rename, {}, Shape::TwoPaths, true, Way::Entry},
    Kind{"readlink", Type::Readlink, {}, Shape::Path, false, Way::Entry},
    Kind{"symlink", Type::Symlink, {}, Shape::TwoPaths, true, Way::Entry},
    Kind{"statvfs", Type::Extended, "statvfs@openssh.com", Shape::Path, false, Way::Through},
    Kind{"fstatvfs", Type::Extended, "fstatvfs@openssh.com", Shape::Handle, false},
    Kind{"rename", Type::Extended, "posix-rename@openssh.com", Shape::TwoPaths, true, Way::Entry},
    Kind{"hardlink", Type::Extended, "hardlink@openssh.com", Shape::TwoPaths, true, Way::Entry},
    Kind{"fsync", Type::Extended, "fsync@openssh.com", Shape::Handle, false},
    Kind{"lsetstat", Type::Extended, "lsetstat@openssh.com", Shape::Path, true, Way::Entry},
    Kind{"limits", Type::Extended, "limits@openssh.com", Shape::Nothing, false},
    Kind{"expand-path", Type::Extended, "expand-path@openssh.com", Shape::Path, false, Way::Answer},
    Kind{"home-directory", Type::Extended, "home-directory", Shape::Path, false, Way::Answer},
    Kind{"users-groups-by-id", Type::Extended, "users-groups-by-id@openssh.com", Shape::Nothing, false},
    Kind{"copy-data", Type::Extended, "copy-data", Shape::TwoHandles, true},
};

Bytes with_length(BytesView content) {
    return wire::Writer(content.size() + 4).u32(static_cast<std::uint32_t>(content.size())).raw(content).take();
}

}  // namespace

const Kind* find_kind(Type type, std::string_view extension) {
    const auto found =
        std::ranges::find_if(kKinds, [&](const Kind& kind) { return kind.type == type && kind.extension == extension; });
    return found == kKinds.end() ? nullptr : &*found;
}

bool is_known_extension(std::string_view name) {
    return !name.empty() && std::ranges::any_of(kKinds, [&](const Kind& kind) { return kind.extension == name; });
}

Result<Request> parse_request(const Kind& kind, std::uint32_t id, BytesView payload) {
    wire::Reader reader(payload);
    Request request;
    request.kind = &kind;
    request.id = id;
    const std::size_t paths = kind.shape == Shape::Path ? 1 : kind.shape == Shape::TwoPaths ? 2 : 0;
    for (std::size_t i = 0; i < paths; ++i) request.paths.emplace_back(reader.text());
    if (kind.type == Type::Open) request.flags = reader.u32();
    if (kind.shape == Shape::Handle) request.handles.emplace_back(reader.text(kHandle));
    if (kind.shape == Shape::TwoHandles) {
        // copy-data: a handle, an offset and a length, a handle, an offset.
        request.handles.emplace_back(reader.text(kHandle));
        request.rest = base::to_bytes(reader.raw(16));
        request.handles.emplace_back(reader.text(kHandle));
    }
    if (!reader.ok()) return fail("the request cannot be understood");
    const BytesView rest = reader.rest();
    request.rest.insert(request.rest.end(), rest.begin(), rest.end());
    return request;
}

Bytes Request::packet() const {
    wire::Writer out(64 + rest.size());
    out.byte(static_cast<std::uint8_t>(kind->type)).u32(id);
    if (kind->type == Type::Extended) out.string(kind->extension);
    for (const std::string& path : paths) out.string(path);
    if (kind->type == Type::Open) out.u32(flags);
    if (kind->shape == Shape::TwoHandles) {
        out.string(handles[0]).raw(BytesView(rest).first(16)).string(handles[1]).raw(BytesView(rest).subspan(16));
    } else {
        for (const std::string& handle : handles) out.string(handle);
        out.raw(rest);
    }
    return with_length(out.bytes());
}

Bytes status_packet(std::uint32_t id, Status status, std::string_view text) {
    wire::Writer out;
    out.byte(static_cast<std::uint8_t>(Type::Status))
        .u32(id)
        .u32(static_cast<std::uint32_t>(status))
        .string(text)
        .string("en");
    return with_length(out.bytes());
}

Bytes realpath_packet(std::uint32_t id, std::string_view path) {
    return with_length(wire::Writer().byte(static_cast<std::uint8_t>(Type::Realpath)).u32(id).string(path).bytes());
}

Bytes init_packet(std::uint32_t version, BytesView rest) {
    return with_length(wire::Writer().byte(static_cast<std::uint8_t>(Type::Init)).u32(version).raw(rest).bytes());
}

Result<Bytes> version_packet(std::uint32_t version, BytesView extensions) {
    wire::Reader reader(extensions);
    wire::Writer out;
    out.byte(static_cast<std::uint8_t>(Type::Version)).u32(version);
    while (reader.ok() && !reader.empty()) {
        const std::string_view name = reader.text();
        const BytesView data = reader.string();
        if (reader.ok() && is_known_extension(name)) out.string(name).string(data);
    }
    return reader.finish_with("VERSION", with_length(out.bytes()));
}

std::optional<std::string> name_in(BytesView payload) {
    wire::Reader reader(payload);
    const std::uint32_t count = reader.u32();
    std::string name(reader.text());
    if (count != 1 || !reader.ok()) return std::nullopt;
    return name;
}

}  // namespace sekisho::sftp
