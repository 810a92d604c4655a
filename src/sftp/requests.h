// Requests of SFTP version 3 (draft-ietf-secsh-filexfer-02) with the extensions of OpenSSH's server (its PROTOCOL, section 4): one table
// of what there is, what each names (paths or handles) and whether it changes anything; a request taken apart, put together again with
// other paths, and the answers that the gateway gives itself. Used by Watch. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/reader.h"

namespace sekisho::sftp {

enum class Type : std::uint8_t {
    Init = 1,
    Version = 2,
    Open = 3,
    Close = 4,
    Read = 5,
    Write = 6,
    Lstat = 7,
    Fstat = 8,
    Setstat = 9,
    Fsetstat = 10,
    Opendir = 11,
    Readdir = 12,
    Remove = 13,
    Mkdir = 14,
    Rmdir = 15,
    Realpath = 16,
    Stat = 17,
    Rename = 18,
    Readlink = 19,
    Symlink = 20,
    Status = 101,
    Handle = 102,
    Data = 103,
    Name = 104,
    Attrs = 105,
    Extended = 200,
    ExtendedReply = 201,
};

enum class Status : std::uint32_t {
    Ok = 0,
    Eof = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    OpUnsupported = 8,
};

// pflags of OPEN
inline constexpr std::uint32_t kOpenRead = 0x01;
inline constexpr std::uint32_t kOpenWrite = 0x02;
inline constexpr std::uint32_t kOpenCreate = 0x08;
inline constexpr std::uint32_t kOpenTruncate = 0x10;
inline constexpr std::uint32_t kOpenExclusive = 0x20;

inline constexpr std::uint32_t kVersion = 3;
/// OpenSSH's own bound (SFTP_MAX_MSG_LENGTH), and something for what stands around the data.
inline constexpr std::size_t kPacket = 256 * 1024 + 1024;
inline constexpr std::size_t kRequest = 34000;  // draft §3; of all but WRITE, whose data is not kept
inline constexpr std::size_t kHandle = 256;  // draft §6.2

/// What stands in a request.
enum class Shape { Nothing, Path, TwoPaths, Handle, TwoHandles };

/// How the server comes from a path to a file.
enum class Way {
    None,  // it does not
    Through,  // links are followed to their end
    Entry,  // the last name is taken as it is, as an entry of its folder
    Answer,  // the answer names the place
};

struct Kind {
    std::string_view name;  // for people
    Type type;
    std::string_view extension;  // Type::Extended
    Shape shape;
    bool changes;  // something on the server; OPEN: by its flags
    Way way = Way::None;
};

/// Null: not known.
const Kind* find_kind(Type type, std::string_view extension = {});
/// What a server may announce in VERSION, since its requests are known.
bool is_known_extension(std::string_view name);

struct Request {
    const Kind* kind = nullptr;
    std::uint32_t id = 0;
    std::vector<std::string> paths;  // as many as the shape says
    std::vector<std::string> handles;
    std::uint32_t flags = 0;  // OPEN
    Bytes rest;  // what follows them, as it came

    /// As a packet, with its length in front.
    Bytes packet() const;
};

/// `payload`: everything behind id and, for Extended, behind the extension's name.
Result<Request> parse_request(const Kind& kind, std::uint32_t id, BytesView payload);

/// Packets, with their length in front.
Bytes status_packet(std::uint32_t id, Status status, std::string_view text);
Bytes realpath_packet(std::uint32_t id, std::string_view path);
Bytes init_packet(std::uint32_t version, BytesView rest);
/// The extensions of a server's VERSION that are known here.
Result<Bytes> version_packet(std::uint32_t version, BytesView extensions);

/// The one name of an answer to REALPATH (type Name); empty: it has another form.
std::optional<std::string> name_in(BytesView payload);

/// The number that stands there; 0 beyond the end.
inline std::uint32_t number_at(BytesView bytes, std::size_t at) { return wire::Reader(bytes.subspan(at)).u32(); }

}  // namespace sekisho::sftp
