// Order: the sender's bytes → its messages → the receiver's answers → the end; names.
#include "sftp/scp.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "sftp/paths.h"
#include "sftp/taken.h"

namespace sekisho::sftp {

namespace {

/// "0644 1234 name" behind a C or D.
struct Entry {
    std::uint64_t size = 0;
    std::string name;
};

std::optional<Entry> entry_of(std::string_view line) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    line.remove_prefix(space + 1);
    Entry entry;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), entry.size);
    if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return std::nullopt;
    entry.name = std::string(line.substr(static_cast<std::size_t>(end - line.data()) + 1));
    // OpenSSH's own check: such a name leads out of the folder.
    if (entry.name.empty() || entry.name == "." || entry.name == ".." || entry.name.find('/') != std::string::npos)
        return std::nullopt;
    return entry;
}

bool ends_as_folder(std::string_view path) {
    return path.ends_with('/') || path == "." || path == "~" || path.ends_with("/.") || path == ".." ||
           path.ends_with("/..");
}

}  // namespace

ScpObserver::ScpObserver(ScpCommand command) : m_command(std::move(command)) {}

// --- the sender ---

void ScpObserver::from_sender(BytesView bytes) {
    if (m_blind) return;
    // Data by far the most: no copy of it.
    if (m_expect == Expect::Data && m_input.empty() && m_awaited == Awaited::Nothing) {
        const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(m_file->size - m_file->moved, bytes.size()));
        m_file->hash.update(bytes.first(left));
        m_file->moved += left;
        bytes = bytes.subspan(left);
        if (m_file->moved == m_file->size) m_expect = Expect::DataStatus;
    }
    if (bytes.empty()) return;
    if (m_input.size() - m_taken + bytes.size() > kMostHeld && m_awaited != Awaited::Nothing)
        return blind("the sender goes on without an answer");
    m_input.insert(m_input.end(), bytes.begin(), bytes.end());
    advance();
}

void ScpObserver::advance() {
    std::string line;
    while (!m_blind && m_awaited == Awaited::Nothing && m_taken < m_input.size()) {
        const BytesView rest = BytesView(m_input).subspan(m_taken);
        if (m_expect == Expect::Data) {
            const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(m_file->size - m_file->moved, rest.size()));
            m_file->hash.update(rest.first(part));
            m_file->moved += part;
            m_taken += part;
            if (m_file->moved == m_file->size) m_expect = Expect::DataStatus;
        } else if (m_expect == Expect::DataStatus && rest[0] == std::byte{0}) {
            ++m_taken;
            data_is_over({});
        } else if (!take_line(line)) {
            break;
        } else if (m_expect == Expect::DataStatus) {
            data_is_over(line.substr(1, kMostText));
        } else {
            message(line);
        }
    }
    drop_taken(m_input, m_taken);
}

/// Up to the line's end, without it; false: it is not there yet.
bool ScpObserver::take_line(std::string& line) {
    const std::string_view rest = base::text_view(BytesView(m_input).subspan(m_taken));
    const auto end = rest.find('\n');
    if (end == std::string_view::npos || end > kMostLine) {
        if (rest.size() > kMostLine) blind("a message of the sender is too long");
        return false;
    }
    line = rest.substr(0, end);
    m_taken += end + 1;
    if (line.empty()) {
        blind("a message of the sender is empty");
        return false;
    }
    return true;
}

void ScpObserver::message(const std::string& line) {
    switch (line[0]) {
        case 'C': return file(line.substr(1));
        case 'D': return folder(line.substr(1));
        case 'E':
            if (!m_folders.empty()) m_folders.pop_back();
            m_awaited = Awaited::Other;
            return;
        case 'T': m_awaited = Awaited::Other; return;
        case '\1':
        case '\2': return complaint(std::string_view(line).substr(1));
        default: return blind("what the sender said is not scp");
    }
}

void ScpObserver::file(const std::string& line) {
    auto entry = entry_of(line);
    if (!entry) return blind("a file of the sender has no size or name");
    m_file = Current{};
    m_file->operation = operation(entry->name);
    m_file->operation.operation = m_command.to_target ? "write" : "read";
    m_file->size = entry->size;
    m_awaited = Awaited::File;
}

void ScpObserver::folder(const std::string& line) {
    auto entry = entry_of(line);
    if (!entry) return blind("a folder of the sender has no name");
    if (m_folders.size() >= kMostDeep) return blind("folders of the sender are too deep");
    m_folder = operation(entry->name);
    m_folder->operation = m_command.to_target ? "mkdir" : "list";
    m_awaited = Awaited::Folder;
}

/// What it could not read. Nobody answers that.
void ScpObserver::complaint(std::string_view text) {
    Operation told;
    told.operation = m_command.to_target ? "write" : "read";
    if (m_folders.empty() && m_command.paths.size() == 1) told.path = m_command.paths[0].substr(0, kMostPath);
    told.result = "failure";
    told.detail = text.substr(0, kMostText);
    tell(std::move(told));
}

/// `problem`: the sender could not read all of it, and sent something else to make up the size.
void ScpObserver::data_is_over(const std::string& problem) {
    m_file->problem = problem;
    m_expect = Expect::Message;
    m_awaited = Awaited::FileEnd;
    if (const auto early = std::exchange(m_early, std::nullopt)) answered(early->empty(), *early);
}

// --- the receiver ---

void ScpObserver::from_receiver(BytesView bytes) {
    if (m_blind) return;
    for (const char c : base::text_view(bytes)) {
        if (m_in_answer) {
            if (c != '\n') {
                if (m_answer.size() < kMostText) m_answer += c;
                continue;
            }
            m_in_answer = false;
            answered(false, std::exchange(m_answer, {}));
        } else if (c == '\0') {
            answered(true, {});
        } else if (c == '\1' || c == '\2') {
            m_in_answer = true;
        } else {
            return blind("what the receiver said is not scp");
        }
        if (m_blind) return;
        advance();
    }
}

void ScpObserver::answered(bool fine, const std::string& text) {
    switch (std::exchange(m_awaited, Awaited::Nothing)) {
        case Awaited::File:
            if (!fine) {
                tell_file(text.empty() ? "failure" : text);
            } else {
                m_expect = m_file->size > 0 ? Expect::Data : Expect::DataStatus;
            }
            break;
        case Awaited::FileEnd:
            m_file->operation.detail = m_file->problem;
            tell_file(!m_file->problem.empty() ? "failure" : fine ? std::string(kOk) : text.empty() ? "failure" : text);
            break;
        case Awaited::Folder:
            m_folder->result = fine ? std::string(kOk) : text.empty() ? "failure" : text;
            if (fine) m_folders.emplace_back(m_folder->path, m_folder->other_path);
            tell(std::move(*m_folder));
            m_folder.reset();
            break;
        case Awaited::Nothing:
            // PuTTY's receiver does not wait for the sender's word that the data was good.
            if (m_expect == Expect::DataStatus && !m_early) {
                m_early = fine || !text.empty() ? text : "failure";
            } else if (fine) {
                blind("an answer to nothing");
            }
            break;
        case Awaited::Start:
        case Awaited::Other: break;
    }
}

void ScpObserver::tell_file(std::string result) {
    Operation told = std::move(m_file->operation);
    (m_command.to_target ? told.bytes_written : told.bytes_read) = m_file->moved;
    if (result == kOk) told.sha256 = base::hex(m_file->hash.finish());
    told.result = std::move(result);
    m_file.reset();
    tell(std::move(told));
}

// --- the end ---

void ScpObserver::blind(std::string_view why) {
    if (m_blind) return;
    ended();
    tell({.operation = std::string(kUnreadable), .result = std::string(why)});
}

void ScpObserver::ended() {
    if (std::exchange(m_blind, true)) return;
    if (m_file) tell_file(std::string(kCut));
    if (m_folder) {
        m_folder->result = kCut;
        tell(std::move(*m_folder));
        m_folder.reset();
    }
    Bytes().swap(m_input);
    m_taken = 0;
}

// --- names ---

/// To the target: a single name may become PATH itself or, where that is a folder, PATH/name. Nobody but the target knows; the
/// second one stands in other_path then.
Operation ScpObserver::operation(std::string_view name) const {
    Operation made;
    if (!m_folders.empty()) {
        const auto& [path, other] = m_folders.back();
        made.path = joined_path(path, name);
        if (!other.empty()) made.other_path = joined_path(other, name);
    } else if (m_command.to_target) {
        const std::string& path = m_command.paths.back();
        const bool folder = m_command.folder || m_command.paths.size() > 1 || ends_as_folder(path);
        made.path = folder ? joined_path(path, name) : path;
        if (!folder) made.other_path = joined_path(path, name);
    } else {
        made.path = place_of(name);
    }
    made.path.resize(std::min(made.path.size(), kMostPath));
    made.other_path.resize(std::min(made.other_path.size(), kMostPath));
    return made;
}

/// From the target: which of the paths the sender means by its last name.
std::string ScpObserver::place_of(std::string_view name) const {
    const auto in_folder_of = [&](const Split& split, std::string_view path) {
        return path.find('/') == std::string_view::npos ? std::string(name) : joined_path(split.folder, name);
    };
    std::string likely(name);
    for (const std::string& path : m_command.paths) {
        const Split split = split_path(path);
        const bool pattern = split.name.find_first_of("*?[{") != std::string::npos;
        // What stands in brackets is the shell's to read; no other of several paths fits better.
        if (pattern && split.name.find_first_of("[{") != std::string::npos) likely = in_folder_of(split, path);
        if (split.name == name || (pattern && name_fits(split.name, name))) return in_folder_of(split, path);
    }
    return likely;
}

}  // namespace sekisho::sftp
