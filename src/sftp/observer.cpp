// Order: bytes → packets → the client's requests → the target's answers → the end.
#include "sftp/observer.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sftp/attributes.h"
#include "sftp/paths.h"
#include "wire/reader.h"

namespace sekisho::sftp {

namespace {

constexpr std::size_t kMostPacket = 16 * 1024 * 1024;  // beyond it is not sftp
constexpr std::size_t kMostAnswer = 16 * 1024;  // of those that are read

std::string clipped(std::string_view text) { return std::string(text.substr(0, Observer::kMostPath)); }

std::string status_text(std::uint32_t status) {
    switch (static_cast<Status>(status)) {
        case Status::Ok: return std::string(kOk);
        case Status::Eof: return "end of file";
        case Status::NoSuchFile: return "no such file";
        case Status::PermissionDenied: return "permission denied";
        case Status::Failure: return "failure";
        case Status::BadMessage: return "bad message";
        case Status::OpUnsupported: return "operation unsupported";
    }
    return fmt::format("status {}", status);
}

bool opens(Type type) { return type == Type::Open || type == Type::Opendir; }

std::unique_ptr<Operation> operation_of(std::string_view name, std::string path = {}, std::string other_path = {}) {
    auto made = std::make_unique<Operation>();
    made->operation = name;
    made->path = std::move(path);
    made->other_path = std::move(other_path);
    return made;
}

/// Version 5 (draft-ietf-secsh-filexfer-05 §6.3) says it with other words.
std::uint32_t open_flags(std::uint32_t version, std::uint32_t first, BytesView rest) {
    if (version < 5) return first;
    constexpr std::uint32_t kReadData = 1, kWriteData = 2;
    enum : std::uint32_t { CreateNew = 0, CreateTruncate = 1, OpenExisting = 2, OpenOrCreate = 3, TruncateExisting = 4 };
    const std::uint32_t disposition = wire::Reader(rest).u32() & 7;
    std::uint32_t flags = 0;
    if ((first & kReadData) != 0) flags |= kOpenRead;
    if ((first & kWriteData) != 0) flags |= kOpenWrite;
    if (disposition == CreateNew) flags |= kOpenCreate | kOpenExclusive;
    if (disposition == CreateTruncate) flags |= kOpenCreate | kOpenTruncate;
    if (disposition == OpenOrCreate) flags |= kOpenCreate;
    if (disposition == TruncateExisting) flags |= kOpenTruncate;
    return flags;
}

}  // namespace

Observer::Observer() : m_others(std::make_shared<OpenFile>(m_window, std::string(), 0, std::nullopt)) {
    m_others->only_counted();
}

// --- bytes, packets ---

void Observer::from_client(BytesView bytes) { feed(m_client, bytes, true); }

void Observer::from_server(BytesView bytes) { feed(m_server, bytes, false); }

void Observer::feed(Side& side, BytesView bytes, bool client) {
    while (!side.blind && !bytes.empty()) {
        if (side.body > 0) {
            pass(side, bytes);
        } else if (client ? client_packet(bytes) : server_packet(bytes)) {
            side.head.clear();
        }
    }
}

void Observer::pass(Side& side, BytesView& bytes) {
    const BytesView part = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(side.body, bytes.size())));
    const BytesView data = part.first(static_cast<std::size_t>(std::min<std::uint64_t>(side.data, part.size())));
    if (side.file && !data.empty()) {
        side.writes ? side.file->write_passes(side.offset, data) : side.file->read_passes(side.offset, data);
    }
    side.offset += data.size();
    side.data -= data.size();
    side.body -= part.size();
    bytes = bytes.subspan(part.size());
    if (side.body == 0) side.file.reset();
}

/// Moves bytes into the head until there are `size`.
bool Observer::gather(Side& side, BytesView& bytes, std::size_t size) {
    const BytesView part = bytes.first(std::min(size - std::min(size, side.head.size()), bytes.size()));
    side.head.insert(side.head.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    return side.head.size() >= size;
}

void Observer::blind(std::string_view who) {
    m_client.blind = m_server.blind = true;
    tell({.operation = std::string(kUnreadable), .result = fmt::format("what the {} said is not sftp", who)});
}

// --- the client's requests ---

bool Observer::client_packet(BytesView& bytes) {
    if (!gather(m_client, bytes, 5)) return false;
    const std::size_t length = number_at(m_client.head, 0);
    if (length == 0 || length > kMostPacket) {
        blind("client");
        return false;
    }
    if (static_cast<Type>(m_client.head[4]) == Type::Write) return write_packet(length, bytes);
    const std::size_t read = 4 + std::min(length, kRequest);
    if (!gather(m_client, bytes, read)) return false;
    m_client.body = 4 + length - read;
    request(BytesView(m_client.head).subspan(4));
    return true;
}

/// Its head says everything; the data passes by.
bool Observer::write_packet(std::size_t length, BytesView& bytes) {
    constexpr std::size_t kBeforeHandle = 13;
    Asked asked;
    asked.type = Type::Write;
    std::size_t read = std::min(4 + length, kBeforeHandle);
    if (!gather(m_client, bytes, read)) return false;
    const std::size_t handle = read < kBeforeHandle ? 0 : number_at(m_client.head, 9);
    const std::size_t whole = kBeforeHandle + handle + 12;
    const bool well_formed = read == kBeforeHandle && handle <= kHandle && whole <= 4 + length;
    if (well_formed) {
        if (!gather(m_client, bytes, whole)) return false;
        wire::Reader reader(BytesView(m_client.head).subspan(9));
        asked.file = find(std::string(reader.text(kHandle)));
        asked.offset = reader.u64();
        asked.length = std::min<std::uint64_t>(reader.u32(), 4 + length - whole);
        read = whole;
    } else {
        asked.file = m_others;
    }
    m_client.body = 4 + length - read;
    m_client.data = asked.length;
    m_client.offset = asked.offset;
    m_client.file = asked.file;
    m_client.writes = true;
    if (length >= 5) keep(number_at(m_client.head, 5), std::move(asked));
    return true;
}

void Observer::request(BytesView packet) {
    const auto type = static_cast<Type>(packet[0]);
    if (type == Type::Init || packet.size() < 5) return;
    const std::uint32_t id = number_at(packet, 1);
    wire::Reader reader(packet.subspan(5));
    const std::string extension = clipped(type == Type::Extended ? reader.text() : std::string_view());
    const Kind* kind = find_kind(type, extension);
    const auto parsed = kind == nullptr ? Result<Request>(fail("unknown")) : parse_request(*kind, id, reader.rest());
    if (parsed) return keep(id, understood(*parsed));
    Asked asked;
    asked.type = type;
    if (kind != nullptr) {
        asked.operation = operation_of(kind->name);
    } else if (type == Type::Extended) {
        asked.operation = operation_of("extension", extension);
    } else {
        asked.operation = operation_of("request", fmt::format("{}", std::to_integer<unsigned>(packet[0])));
    }
    keep(id, std::move(asked));
}

Observer::Asked Observer::understood(const Request& request) {
    Asked asked;
    const Kind& kind = *request.kind;
    asked.type = kind.type;
    if (kind.shape == Shape::Handle || kind.shape == Shape::TwoHandles) return about_handle(request);
    const std::string path = request.paths.empty() ? std::string() : absolute(request.paths[0]);
    switch (kind.type) {
        case Type::Open:
            asked.flags = open_flags(m_version, request.flags, request.rest);
            asked.operation = operation_of((asked.flags & kOpenWrite) != 0 ? "write" : "read", path);
            break;
        case Type::Opendir: asked.operation = operation_of("list", path); break;
        case Type::Stat:
        case Type::Lstat: asked.path = path; break;
        case Type::Realpath:
            if (m_home.empty() && (request.paths[0] == "." || request.paths[0].empty())) asked.path = ".";
            break;
        case Type::Symlink: {
            const std::size_t link = m_swaps_links ? 1 : 0;
            asked.operation = operation_of("symlink", absolute(request.paths[link]), clipped(request.paths[1 - link]));
            break;
        }
        default:
            if (!kind.changes) break;
            if (kind.name == "hardlink") {  // as with symlinks: what is made, and where it leads
                asked.operation = operation_of(kind.name, absolute(request.paths[1]), path);
            } else if (kind.shape == Shape::TwoPaths) {
                asked.operation = operation_of(kind.name, path, absolute(request.paths[1]));
            } else {
                asked.operation = operation_of(kind.name.ends_with("setstat") ? "setstat" : kind.name, path);
            }
            if (asked.operation->operation == "setstat") {
                const Attributes set = read_attributes(m_version, request.rest);
                asked.size = set.size;
                asked.operation->detail = set.text();
            }
    }
    return asked;
}

Observer::Asked Observer::about_handle(const Request& request) {
    Asked asked;
    asked.type = request.kind->type;
    asked.file = find(request.handles[0]);
    wire::Reader rest(request.rest);
    if (asked.type == Type::Read) {
        asked.offset = rest.u64();
        asked.length = rest.u32();
    } else if (asked.type == Type::Fsetstat) {
        const Attributes set = read_attributes(m_version, request.rest);
        asked.size = set.size;
        asked.operation = operation_of("setstat", asked.file->path());
        asked.operation->detail = set.text();
    } else if (asked.type == Type::Close) {
        m_files.erase(request.handles[0]);
    } else if (request.handles.size() > 1) {
        const File to = find(request.handles[1]);
        asked.operation = operation_of("copy", asked.file->path(), to->path());
        to->written_unseen();
    }
    return asked;
}

void Observer::keep(std::uint32_t id, Asked asked) {
    asked.kept = asked.path.size();
    if (asked.operation) asked.kept += asked.operation->path.size() + asked.operation->other_path.size();
    const bool full = m_asked.size() >= kMostUnderWay || m_paths_kept + asked.kept > kMostPathsKept ||
                      (opens(asked.type) && m_files.size() + m_opening >= kMostFiles);
    // Two answers under one number cannot be told apart.
    if (full || m_asked.contains(id)) return not_followed(std::move(asked));
    m_paths_kept += asked.kept;
    if (opens(asked.type)) ++m_opening;
    if (asked.file) ++asked.file->under_way;
    m_asked.emplace(id, std::move(asked));
}

void Observer::not_followed(Asked asked) {
    if (asked.operation) {
        asked.operation->result = kNotFollowed;
        tell(std::move(*asked.operation));
    }
    if (!asked.file) return;
    asked.file->only_counted();
    if (asked.type != Type::Close || asked.file == m_others) return;
    asked.file->close_result = kNotFollowed;
    settle(asked.file);
}

// --- the target's answers ---

bool Observer::server_packet(BytesView& bytes) {
    constexpr std::size_t kHead = 9;  // length, type, id (of VERSION: its number)
    if (!gather(m_server, bytes, kHead)) return false;
    const std::size_t length = number_at(m_server.head, 0);
    const auto type = static_cast<Type>(m_server.head[4]);
    const std::uint32_t id = number_at(m_server.head, 5);
    if (length < 5 || length > kMostPacket) {
        blind("target");
        return false;
    }
    const auto found = type == Type::Version ? m_asked.end() : m_asked.find(id);
    const Asked* asked = found == m_asked.end() ? nullptr : &found->second;
    const std::size_t read = wanted(type, asked, length);
    if (!gather(m_server, bytes, read)) return false;
    m_server.body = 4 + length - read;
    if (type == Type::Version) m_version = id;
    if (asked == nullptr) return true;
    const BytesView payload = BytesView(m_server.head).subspan(kHead);
    Asked taken = no_more_under_way(found);
    if (type == Type::Data && taken.type == Type::Read && payload.size() >= 4) {
        m_server.data = std::min<std::uint64_t>(number_at(payload, 0), m_server.body);
        m_server.offset = taken.offset;
        m_server.file = taken.file;
        taken.file->is_read(taken.offset, m_server.data, taken.length);
    }
    answered(std::move(taken), type, payload);
    return true;
}

/// How much of an answer is read before the rest of it passes.
std::size_t Observer::wanted(Type type, const Asked* asked, std::size_t length) const {
    constexpr std::size_t kHead = 9, kWord = 4;
    const std::size_t whole = 4 + length;
    if (asked == nullptr) return kHead;
    const bool all = type == Type::Handle || type == Type::Attrs ||
                     (type == Type::Name && asked->type == Type::Realpath && !asked->path.empty());
    if (all && whole <= kMostAnswer) return whole;
    const bool word = type == Type::Status || (type == Type::Data && asked->type == Type::Read);
    return word ? std::min(whole, kHead + kWord) : kHead;
}

Observer::Asked Observer::no_more_under_way(std::unordered_map<std::uint32_t, Asked>::iterator entry) {
    Asked was = std::move(entry->second);
    m_asked.erase(entry);
    m_paths_kept -= was.kept;
    if (opens(was.type)) --m_opening;
    if (was.file) --was.file->under_way;
    return was;
}

void Observer::answered(Asked asked, Type type, BytesView payload) {
    wire::Reader reader(payload);
    const std::string result = type == Type::Status ? status_text(reader.u32()) : std::string(kOk);
    if (opens(asked.type) && type == Type::Handle) opened(asked, payload);
    if (type == Type::Attrs) stat_answered(asked, payload);
    if (asked.type == Type::Realpath && type == Type::Name) {
        const auto name = name_in(payload);
        if (name && is_real_path(*name)) m_home = clipped(*name);
    }
    if (asked.file) data_answered(asked, type, result);
    if (!asked.operation) return;
    if (asked.type == Type::Open && type == Type::Handle) return;  // told when it is closed
    changed(asked, result == kOk);
    asked.operation->result = result;
    tell(std::move(*asked.operation));
}

void Observer::opened(const Asked& asked, BytesView payload) {
    wire::Reader reader(payload);
    const std::string handle(reader.text(kHandle));
    if (!reader.ok()) return;
    const std::string& path = asked.operation->path;
    const auto size = m_sizes.find(path);
    auto file = std::make_shared<OpenFile>(
        m_window, path, asked.flags, size == m_sizes.end() ? std::nullopt : std::optional(size->second));
    file->is_folder = asked.type == Type::Opendir;
    if (asked.flags & (kOpenWrite | kOpenCreate | kOpenTruncate)) m_sizes.erase(path);
    m_paths_kept += path.size();
    // Given twice, though the first is open: what that one was is over.
    if (const auto before = m_files.find(handle); before != m_files.end()) {
        before->second->close_result = kNotFollowed;
        settle(before->second);
    }
    m_files[handle] = std::move(file);
}

/// Reads, writes and CLOSE of a file.
void Observer::data_answered(const Asked& asked, Type type, const std::string& result) {
    OpenFile& file = *asked.file;
    if (asked.type == Type::Write) {
        file.written(asked.length, result == kOk, result);
    } else if (asked.type == Type::Read && type == Type::Status) {
        result == status_text(static_cast<std::uint32_t>(Status::Eof)) ? file.read_ended_at(asked.offset)
                                                                       : file.read_failed(result);
    } else if (asked.type == Type::Fsetstat && asked.size && result == kOk) {
        file.truncated_to(*asked.size);
    } else if (asked.type == Type::Close && asked.file != m_others) {
        file.close_result = result;
    }
    settle(asked.file);
}

void Observer::settle(const File& file) {
    // The last of a DATA is still to pass: nobody closes before that.
    if (!file->close_result || file->under_way > 0 || file == m_others) return;
    m_paths_kept -= file->path().size();
    if (!file->is_folder) tell(file->over(*file->close_result));
    file->close_result.reset();
}

void Observer::stat_answered(const Asked& asked, BytesView payload) {
    const Attributes attributes = read_attributes(m_version, payload);
    if (!attributes.size || attributes.is_link) return;
    if (asked.type == Type::Fstat && asked.file) return asked.file->size_is(*attributes.size);
    if (!asked.path.empty()) remember_size(asked.path, *attributes.size);
}

/// What is known of sizes is not true any more.
void Observer::changed(const Asked& asked, bool fine) {
    m_sizes.erase(asked.operation->path);
    m_sizes.erase(asked.operation->other_path);
    if (fine && asked.size && asked.type != Type::Fsetstat) remember_size(asked.operation->path, *asked.size);
}

void Observer::remember_size(const std::string& path, std::uint64_t size) {
    if (m_sizes.insert_or_assign(path, size).second) m_sizes_order.push_back(path);
    if (m_sizes_order.size() <= kSizesKept) return;
    m_sizes.erase(m_sizes_order.front());
    m_sizes_order.pop_front();
}

// --- the end ---

void Observer::ended() {
    if (std::exchange(m_over, true)) return;
    std::set<File> files;
    for (const auto& [handle, file] : m_files) files.insert(file);
    for (auto& [id, asked] : m_asked) {
        if (asked.file) files.insert(asked.file);
        if (!asked.operation) continue;
        asked.operation->result = kCut;
        tell(std::move(*asked.operation));
    }
    m_client.file.reset();
    m_server.file.reset();
    m_asked.clear();
    m_files.clear();
    for (const File& file : files) {
        if (file != m_others && !file->is_folder) tell(file->over(kCut));
    }
    if (m_others->moved()) tell(m_others->over(kNotFollowed));
    m_client.blind = m_server.blind = true;
}

// --- names ---

std::string Observer::absolute(std::string_view path) const {
    std::string out(path);
    if (!path.starts_with('/') && !m_home.empty()) out = path.empty() || path == "." ? m_home : joined_path(m_home, path);
    // Some clients write the slash of a folder twice.
    const auto twice = [](char one, char other) { return one == '/' && other == '/'; };
    out.erase(std::unique(out.begin(), out.end(), twice), out.end());
    return clipped(out);
}

Observer::File Observer::find(const std::string& handle) {
    const auto found = m_files.find(handle);
    return found == m_files.end() ? m_others : found->second;
}

}  // namespace sekisho::sftp
