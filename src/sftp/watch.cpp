// Order: the client's side (packets → requests → what a rule says without asking) → what the server answers. Paths: watch_paths.cpp.
#include "sftp/watch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sftp/taken.h"
#include "wire/reader.h"

namespace sekisho::sftp {

namespace {

constexpr std::size_t kHead = 9;  // length, type, id (of VERSION: its number)
constexpr std::size_t kMostPassing = 16 * 1024 * 1024;  // of a server's packet that nobody here keeps

void append(Bytes& to, BytesView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

}  // namespace

Watch::Watch(Limits limits) : m_limits(std::move(limits)), m_patterns(m_limits.paths) {}

// --- the client's side ---

Result<void> Watch::from_client(BytesView bytes, std::size_t backlog, Output& out) {
    append(m_input, bytes);
    return client_reads(backlog, out);
}

Result<void> Watch::client_reads(std::size_t backlog, Output& out) {
    m_backlog = backlog;
    return advance(out);
}

Result<void> Watch::advance(Output& out) {
    Result<Step> step = Step::Done;
    while (step && *step == Step::Done) step = must_wait(out) ? Step::MustWait : this->step(out);
    if (!step) return std::unexpected(step.error());
    m_blocked = *step == Step::MustWait;
    drop_taken(m_input, m_taken);
    return {};
}

/// Also for its own answers: whoever asks and does not read makes nobody keep more than that.
bool Watch::must_wait(const Output& out) const {
    if (m_body > 0) return false;
    const bool home_unknown = m_stage == Stage::Running && !m_patterns.empty() && m_home.empty();
    const bool unread = m_backlog + out.to_client.size() + m_replies.size() > kMostBacklog;
    return m_stage == Stage::ExpectVersion || home_unknown || m_waiting || unread || m_under_way.size() >= kMostUnderWay ||
           m_paths_kept > kMostPathsKept;
}

Result<Watch::Step> Watch::step(Output& out) {
    const BytesView rest = BytesView(m_input).subspan(m_taken);
    if (m_body > 0) return pass_body(rest, out);
    if (rest.size() < 4) return Step::NeedsBytes;
    const std::size_t length = number_at(rest, 0);
    if (length > kPacket) {
        return fail(
            fmt::format("Your sftp client sent a request of {} bytes; more than {} are not taken.", length, kPacket));
    }
    if (length < 5) return fail("Your sftp client sent a request that is too short.");
    const BytesView content = rest.subspan(4, std::min(length, rest.size() - 4));
    if (m_stage == Stage::ExpectInit) return init(length, content, out);
    if (content.size() < 5) return Step::NeedsBytes;
    // Two answers under one number could not be told apart.
    if (m_under_way.contains(number_at(content, 1))) return Step::MustWait;
    if (static_cast<Type>(content[0]) == Type::Write) return write(length, content, out);
    if (length > kRequest) {
        m_body = 4 + length;
        m_drop_body = true;
        answer(number_at(content, 1), Status::BadMessage, "the request is too long", out);
        return Step::Done;
    }
    if (content.size() < length) return Step::NeedsBytes;
    m_taken += 4 + length;
    if (auto done = request(content, out); !done) return std::unexpected(done.error());
    return Step::Done;
}

Watch::Step Watch::pass_body(BytesView rest, Output& out) {
    const BytesView part = rest.first(std::min(m_body, rest.size()));
    if (!m_drop_body) append(out.to_server, part);
    m_taken += part.size();
    m_body -= part.size();
    return m_body > 0 ? Step::NeedsBytes : Step::Done;
}

/// Draft §4: a server answers with the lower one of two versions. What is kept here is kept in version 3, so that is what we offer.
Result<Watch::Step> Watch::init(std::size_t length, BytesView content, Output& out) {
    if (content.empty()) return Step::NeedsBytes;
    if (static_cast<Type>(content[0]) != Type::Init)
        return fail("Your sftp client asked for something before it said which version it speaks.");
    if (length > kRequest) return fail("Your sftp client sent an INIT that is too long.");
    if (content.size() < length) return Step::NeedsBytes;
    const std::uint32_t version = number_at(content, 1);
    if (version < kVersion)
        return fail(fmt::format("Your sftp client speaks version {}; version 3 is needed here.", version));
    append(out.to_server, init_packet(kVersion, {}));
    m_taken += 4 + length;
    m_stage = Stage::ExpectVersion;
    return Step::Done;
}

/// The only request that is not waited for in full: its head says everything, and its data passes, or is dropped, as it comes.
Watch::Step Watch::write(std::size_t length, BytesView content, Output& out) {
    constexpr std::size_t kBeforeHandle = 9;
    if (content.size() < std::min(length, kBeforeHandle)) return Step::NeedsBytes;
    const std::size_t handle = length < kBeforeHandle ? 0 : number_at(content, 5);
    const std::size_t head = kBeforeHandle + handle + 8 + 4;
    const bool well_formed = length >= kBeforeHandle && handle <= kHandle && head <= length;
    if (well_formed && content.size() < head) return Step::NeedsBytes;
    Request request;
    request.kind = find_kind(Type::Write);
    request.id = number_at(content, 1);
    if (well_formed) request.handles.push_back(base::to_text(content.subspan(kBeforeHandle, handle)));
    m_body = 4 + length;
    m_drop_body = true;
    if (!well_formed) {
        answer(request.id, Status::BadMessage, "the request cannot be understood", out);
    } else if (const auto reason = against_read_only(request)) {
        refuse(request, Status::PermissionDenied, *reason, out);
    } else if (!knows_handles(request)) {
        refuse(request, Status::Failure, "no such handle is open here", out);
    } else {
        m_drop_body = false;
        m_under_way[request.id] = {request.kind, {}};
    }
    return Step::Done;
}

Result<void> Watch::request(BytesView content, Output& out) {
    const auto type = static_cast<Type>(content[0]);
    const std::uint32_t id = number_at(content, 1);
    if (type == Type::Init) return fail("Your sftp client said twice which version it speaks.");
    wire::Reader reader(content.subspan(5));
    const std::string extension(type == Type::Extended ? reader.text() : std::string_view());
    const Kind* kind = find_kind(type, extension);
    if (kind == nullptr || !reader.ok()) {
        const bool extended = type == Type::Extended;
        out.refused.push_back({extended ? "extension" : "request",
            extended ? extension : fmt::format("{}", std::to_integer<unsigned>(content[0])), {},
            "it is not known what it would do"});
        answer(id, Status::OpUnsupported, fmt::format("rule \"{}\" limits sftp to requests that are known", m_limits.rule),
            out);
        return {};
    }
    auto parsed = parse_request(*kind, id, reader.rest());
    if (!parsed) {
        answer(id, Status::BadMessage, parsed.error().text, out);
        return {};
    }
    judge(std::move(*parsed), out);
    return {};
}

void Watch::judge(Request request, Output& out) {
    for (const std::string& path : request.paths) {
        if (path.size() > kMostPath) return refuse(request, Status::PermissionDenied, "the path is too long", out);
        if (path.find('\0') != std::string::npos) {
            return refuse(request, Status::PermissionDenied, "the path has a byte 0 in it", out);
        }
    }
    if (const auto reason = against_read_only(request)) return refuse(request, Status::PermissionDenied, *reason, out);
    if (!knows_handles(request)) return refuse(request, Status::Failure, "no such handle is open here", out);
    const bool opens = request.kind->type == Type::Open || request.kind->type == Type::Opendir;
    if (opens && m_handles.size() + m_opening >= kMostHandles) {
        return refuse(request, Status::Failure, "too many files are open", out);
    }
    const bool asks = !m_patterns.empty() && (request.kind->way == Way::Through || request.kind->way == Way::Entry);
    asks ? ask(std::move(request), out) : pass_on(request, out);
}

/// OPEN for reading is passed on without attributes: there are servers that would set them.
std::optional<std::string> Watch::against_read_only(Request& request) const {
    if (!m_limits.read_only) return std::nullopt;
    const bool opens = request.kind->type == Type::Open;
    if (opens && request.flags == kOpenRead) request.rest = Bytes(4);
    const bool changes = opens ? request.flags != kOpenRead : request.kind->changes;
    return changes ? std::optional(fmt::format("rule \"{}\" lets sftp only read", m_limits.rule)) : std::nullopt;
}

bool Watch::knows_handles(const Request& request) const {
    return std::ranges::all_of(request.handles, [&](const std::string& handle) { return m_handles.contains(handle); });
}

void Watch::pass_on(const Request& request, Output& out) {
    append(out.to_server, request.packet());
    UnderWay& entry = m_under_way[request.id];
    entry.kind = request.kind;
    const Type type = request.kind->type;
    const bool opens = type == Type::Open || type == Type::Opendir;
    if (opens || request.kind->way == Way::Answer) entry.path = request.paths[0];
    m_paths_kept += entry.path.size();
    if (opens) ++m_opening;
    if (type == Type::Close) m_handles.erase(request.handles[0]);
}

void Watch::refuse(const Request& request, Status status, const std::string& reason, Output& out) {
    Refused refused{request.kind->name, {}, {}, reason};
    if (!request.paths.empty()) refused.path = request.paths[0];
    if (request.paths.size() > 1) refused.other_path = request.paths[1];
    if (!request.handles.empty()) {
        const auto opened = m_handles.find(request.handles[0]);
        if (opened != m_handles.end()) refused.path = opened->second;
    }
    out.refused.push_back(std::move(refused));
    answer(request.id, status, reason, out);
}

/// Between two packets of the server.
void Watch::answer(std::uint32_t id, Status status, std::string_view text, Output& out) {
    append(m_passing > 0 ? m_replies : out.to_client, status_packet(id, status, text));
}

// --- the server's side ---

Result<void> Watch::from_server(BytesView bytes, std::size_t backlog, Output& out) {
    m_backlog = backlog;
    Result<Step> step = Step::Done;
    while (step && *step == Step::Done) step = server_step(bytes, out);
    if (!step) return std::unexpected(step.error());
    return advance(out);
}

Result<Watch::Step> Watch::server_step(BytesView& bytes, Output& out) {
    if (m_passing > 0) {
        const BytesView part = bytes.first(std::min(m_passing, bytes.size()));
        append(out.to_client, part);
        bytes = bytes.subspan(part.size());
        m_passing -= part.size();
        if (m_passing > 0) return Step::NeedsBytes;
        append(out.to_client, std::exchange(m_replies, {}));
    }
    if (!fill(bytes, kHead)) return Step::NeedsBytes;
    const std::size_t length = number_at(m_head, 0);
    const auto type = static_cast<Type>(m_head[4]);
    const std::uint32_t id = number_at(m_head, 5);
    const bool greets = m_stage == Stage::ExpectVersion && type == Type::Version;
    if (length < 5 || length > kMostPassing || (m_stage != Stage::Running && !greets)) {
        return fail("The target's answer is not sftp: something there writes into the channel that is not its sftp server.");
    }
    const auto asked = greets ? m_under_way.end() : m_under_way.find(id);
    if (!greets && (asked == m_under_way.end() || !is_read(asked->second, type))) {
        if (asked != m_under_way.end()) no_more_under_way(asked);
        pass_head(4 + length - kHead, out);
        return Step::Done;
    }
    if (length > kMostAnswer)
        return fail(fmt::format("The target's sftp server sent an answer of {} bytes to a question about a name.", length));
    if (!fill(bytes, 4 + length)) return Step::NeedsBytes;
    Result<void> done;
    if (greets) {
        done = version(m_head, out);
    } else {
        done = answered(id, no_more_under_way(asked), type, out);
    }
    m_head.clear();
    if (!done) return std::unexpected(done.error());
    return Step::Done;
}

Watch::UnderWay Watch::no_more_under_way(std::unordered_map<std::uint32_t, UnderWay>::iterator entry) {
    UnderWay was = std::move(entry->second);
    m_under_way.erase(entry);
    m_paths_kept -= was.path.size();
    if (was.kind->type == Type::Open || was.kind->type == Type::Opendir) --m_opening;
    return was;
}

/// Moves bytes into m_head until there are `size`.
bool Watch::fill(BytesView& bytes, std::size_t size) {
    const std::size_t count = std::min(size - std::min(size, m_head.size()), bytes.size());
    append(m_head, bytes.first(count));
    bytes = bytes.subspan(count);
    return m_head.size() >= size;
}

void Watch::pass_head(std::size_t left, Output& out) {
    append(out.to_client, m_head);
    m_head.clear();
    m_passing = left;
}

Result<void> Watch::version(BytesView packet, Output& out) {
    const std::uint32_t version = number_at(packet, 5);
    if (version != kVersion) {
        return fail(
            fmt::format("The target's sftp server speaks version {}; a rule's limits are kept in version 3 only.", version));
    }
    const auto known = version_packet(version, packet.subspan(kHead));
    if (!known) return fail("The target's sftp server sent a VERSION that cannot be understood.");
    append(out.to_client, *known);
    m_stage = Stage::Running;
    if (!m_patterns.empty()) ask_one(".", kHomeQuestion, out);
    return {};
}

/// Must the answer be known in full before it is passed on?
bool Watch::is_read(const UnderWay& asked, Type type) const {
    if (asked.question != -1) return true;
    if (type == Type::Handle) return asked.kind->type == Type::Open || asked.kind->type == Type::Opendir;
    return asked.kind->way == Way::Answer && !m_patterns.empty();
}

Result<void> Watch::answered(std::uint32_t id, UnderWay asked, Type type, Output& out) {
    const BytesView payload = BytesView(m_head).subspan(kHead);
    if (asked.question != -1) return question_answered(asked.question, type, payload, out);
    if (type == Type::Handle && asked.kind->way != Way::Answer) {
        wire::Reader reader(payload);
        std::string handle(reader.text(kHandle));
        if (asked.path.size() > kMostOfHandlesPath) asked.path.resize(kMostOfHandlesPath);
        asked.path.shrink_to_fit();
        if (reader.ok()) m_handles[std::move(handle)] = std::move(asked.path);
    } else if (!may_be_seen(asked, type, payload)) {
        Request request;
        request.kind = asked.kind;
        request.id = id;
        request.paths.push_back(std::move(asked.path));
        refuse(request, Status::PermissionDenied, why_out(), out);
        return {};
    }
    append(out.to_client, m_head);
    return {};
}

}  // namespace sekisho::sftp
