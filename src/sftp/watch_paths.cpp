// Watch where a rule limits paths: what is asked of the server before a request with paths is passed on, and what is made of its answers.
// Order: questions → their answers → the verdict.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sftp/watch.h"
#include "wire/reader.h"

namespace sekisho::sftp {

namespace {

/// Draft §6.2: an empty path is the folder where the user begins.
std::string as_asked(const std::string& path) { return path.empty() ? "." : path; }

/// LSTAT and READLINK of "link/" mean what the link leads to; of "link" they mean the link.
bool follows(const Request& request) {
    const Type type = request.kind->type;
    return request.kind->way == Way::Through ||
           ((type == Type::Lstat || type == Type::Readlink) && request.paths[0].ends_with('/'));
}

bool creates(const Request& request) { return request.kind->type == Type::Open && (request.flags & kOpenCreate) != 0; }

bool is_hard_link(const Request& request) { return request.kind->name == "hardlink"; }

Reach needed_for(const Kind& kind) {
    switch (kind.type) {
        case Type::Stat:
        case Type::Lstat: return Reach::OnTheWay;
        case Type::Opendir:
        case Type::Readlink: return Reach::Folder;
        default: return kind.name == "statvfs" ? Reach::Folder : Reach::Under;
    }
}

/// What is to be asked about a path of which the last name is taken as it is.
std::string folder_of(const std::string& path) {
    const Split split = split_path(path);
    return split.folder;
}

}  // namespace

// --- questions ---

/// Places of link and target among the paths of SYMLINK: the draft (§6.10) names the link first, OpenSSH's server the target.
std::vector<std::pair<std::size_t, std::size_t>> Watch::link_orders() const {
    if (m_swaps_links) return {{1, 0}};
    return {{0, 1}, {1, 0}};
}

std::vector<std::string> Watch::questions_about(const Request& request) const {
    std::vector<std::string> questions;
    if (request.kind->type == Type::Symlink) {
        for (const auto& [link, target] : link_orders()) {
            const std::string folder = folder_of(request.paths[link]);
            const std::string& to = request.paths[target];
            questions.push_back(folder);
            questions.push_back(to.starts_with('/') ? to : joined_path(folder, to));
        }
        return questions;
    }
    if (follows(request)) {
        questions.push_back(as_asked(request.paths[0]));
        if (creates(request)) questions.push_back(folder_of(request.paths[0]));
        return questions;
    }
    for (const std::string& path : request.paths) questions.push_back(folder_of(path));
    if (is_hard_link(request)) questions.push_back(as_asked(request.paths[0]));
    return questions;
}

void Watch::ask(Request request, Output& out) {
    const std::vector<std::string> asked = questions_about(request);
    m_waiting = Waiting{std::move(request), {}, asked.size()};
    m_waiting->questions.resize(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) ask_one(asked[i], static_cast<std::ptrdiff_t>(i), out);
}

void Watch::ask_one(const std::string& path, std::ptrdiff_t place, Output& out) {
    const auto taken = [&](std::uint32_t id) {
        return m_under_way.contains(id) || (m_waiting && m_waiting->request.id == id);
    };
    while (taken(m_next_id)) ++m_next_id;
    const Bytes packet = realpath_packet(m_next_id, path);
    out.to_server.insert(out.to_server.end(), packet.begin(), packet.end());
    m_under_way[m_next_id++] = {find_kind(Type::Realpath), {}, place};
}

// --- answers ---

Result<void> Watch::question_answered(std::ptrdiff_t place, Type type, BytesView payload, Output& out) {
    const auto name = type == Type::Name ? name_in(payload) : std::nullopt;
    const bool real = name && is_real_path(*name);
    if (place == kHomeQuestion) {
        if (!real)
            return fail(
                "The target's sftp server does not say in which folder it begins; a rule's paths cannot be kept there.");
        m_home = *name;
        return {};
    }
    Question& question = m_waiting->questions[static_cast<std::size_t>(place)];
    wire::Reader reader(payload);
    const std::uint32_t status = type == Type::Status ? reader.u32() : 0;
    if (real) {
        question.real = *name;
    } else if (status > static_cast<std::uint32_t>(Status::Eof)) {
        question.status = static_cast<Status>(status);
        question.text = reader.text();
    } else {
        question.status = Status::Failure;
        question.text = "the target does not say what this path is";
    }
    if (--m_waiting->open == 0) settle(out);
    return {};
}

/// An answer that names a place: REALPATH and its like, asked for by the client.
bool Watch::may_be_seen(const UnderWay& asked, Type type, BytesView payload) const {
    const auto fine = [&](const std::string& path) { return path == m_home || m_patterns.reach(path) >= Reach::OnTheWay; };
    if (type == Type::Name) {
        const auto name = name_in(payload);
        return name && is_real_path(*name) && fine(*name);
    }
    // That there is no such path is told only where it may be asked; nobody's home is a path that was asked for.
    return type == Type::Status && (asked.kind->type == Type::Realpath || !asked.path.starts_with('~')) &&
           fine(normal_path(m_home, asked.path));
}

// --- the verdict ---

void Watch::settle(Output& out) {
    Waiting waiting = std::move(*m_waiting);
    m_waiting.reset();
    const Request as_written = waiting.request;
    const Verdict verdict = settled(waiting.request, waiting.questions);
    if (verdict.fine()) return pass_on(waiting.request, out);
    if (verdict.by_rule) return refuse(as_written, verdict.status, verdict.text, out);
    answer(as_written.id, verdict.status, verdict.text, out);
}

Watch::Verdict Watch::settled(Request& request, const std::vector<Question>& questions) const {
    if (request.kind->type == Type::Symlink) return settled_link(request, questions);
    if (follows(request)) return settled_through(request, questions);
    const Reach needed = needed_for(*request.kind);
    // Some systems follow the last link here and make another name for what it leads to.
    if (is_hard_link(request) && !questions[2].real.empty()) {
        if (auto verdict = reaches(questions[2].real, needed); !verdict.fine()) return verdict;
    }
    for (std::size_t i = 0; i < request.paths.size(); ++i) {
        if (auto verdict = settled_entry(request, i, questions[i], needed); !verdict.fine()) return verdict;
    }
    return {};
}

Watch::Verdict Watch::settled_through(Request& request, const std::vector<Question>& questions) const {
    const Reach needed = needed_for(*request.kind);
    if (!questions[0].real.empty()) {
        request.paths[0] = questions[0].real;
        return reaches(request.paths[0], needed);
    }
    // There are servers whose REALPATH knows nothing that is not there yet. What then is made must be new: no link is followed.
    if (creates(request) && questions[0].status == Status::NoSuchFile && !questions[1].real.empty()) {
        request.flags |= kOpenExclusive;
        return settled_entry(request, 0, questions[1], needed);
    }
    return not_there(request.paths[0], questions[0], needed);
}

Watch::Verdict Watch::settled_entry(Request& request, std::size_t which, const Question& folder, Reach needed) const {
    std::string& path = request.paths[which];
    const Split split = split_path(path);
    if (folder.real.empty()) return not_there(path, folder, needed);
    // To servers on Windows it is another slash.
    if (split.name.find('\\') != std::string::npos)
        return {Status::PermissionDenied, "a backslash may not stand in this name", true};
    path = split.name.empty() ? folder.real : joined_path(folder.real, split.name);
    return reaches(path, needed);
}

Watch::Verdict Watch::settled_link(Request& request, const std::vector<Question>& questions) const {
    const Request as_written = request;
    std::size_t at = 0;
    for (const auto& [link, target] : link_orders()) {
        const Question& folder = questions[at++];
        const Question& aim = questions[at++];
        if (split_path(as_written.paths[link]).name.empty()) return {Status::PermissionDenied, why_out(), true};
        if (auto verdict = settled_entry(request, link, folder, Reach::Under); !verdict.fine()) return verdict;
        const std::string leads_to = aim.real.empty() ? normal_path(folder.real, as_written.paths[target]) : aim.real;
        if (auto verdict = reaches(leads_to, Reach::Folder); !verdict.fine()) return verdict;
    }
    if (!m_swaps_links) request.paths = as_written.paths;  // nobody here knows which of them is the link
    return {};
}

Watch::Verdict Watch::reaches(const std::string& path, Reach needed) const {
    if (m_patterns.reach(path) >= needed) return {};
    return {Status::PermissionDenied, why_out(), true};
}

/// The server's own answer, unless it would tell what there is where nothing may be asked.
Watch::Verdict Watch::not_there(const std::string& asked, const Question& question, Reach needed) const {
    if (auto verdict = reaches(normal_path(m_home, asked), needed); !verdict.fine()) return verdict;
    return {question.status, question.text, false};
}

std::string Watch::why_out() const {
    constexpr std::ptrdiff_t kMostNamed = 6;
    const auto count = static_cast<std::ptrdiff_t>(m_limits.paths.size());
    const auto end = m_limits.paths.begin() + std::min(kMostNamed, count);
    return fmt::format("rule \"{}\" lets sftp reach only {}{}", m_limits.rule, fmt::join(m_limits.paths.begin(), end, ", "),
        count > kMostNamed ? " ..." : "");
}

}  // namespace sekisho::sftp
