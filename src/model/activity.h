// What was done in a session, as auditors look for it: commands that ran, and operations on files. Made by the gateway (exec, typed
// commands, sftp, scp) on a session's loop; kept by the store's searchable index as far as the rule lets it (indexed()), and in the
// recording as far as its level lets it. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/access.h"

namespace sekisho::model {

enum class CommandHow { Exec, Typed };
std::string_view name(CommandHow how);  // "exec", "typed"
std::optional<CommandHow> parse_command_how(std::string_view text);

/// One command line.
struct CommandRun {
    std::string session;  // id
    std::uint32_t channel = 0;
    WallTime time{};
    std::string text;  // of exec: as the client sent it; typed: as the screen showed it at Enter, without the prompt
    CommandHow how = CommandHow::Exec;
    std::string target;  // "login@target"
    friend bool operator==(const CommandRun&, const CommandRun&) = default;
};

/// One operation on a file of the target.
struct FileOperation {
    std::string session;  // id
    std::uint32_t channel = 0;
    WallTime time{};
    std::string operation;  // read, write, open, rename, remove, mkdir, rmdir, setstat, symlink, hardlink, list …
    std::string path;
    std::string other_path;  // where it went, or what a link leads to
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;
    std::string sha256;  // hex; empty: it was not read or written in full
    std::string result;  // "ok", or what the target or the gateway said
    std::string via;  // sftp, scp
    std::string target;  // "login@target"
    friend bool operator==(const FileOperation&, const FileOperation&) = default;
};

/// What of a channel goes into the searchable index.
struct Indexed {
    bool exec = false;  // command lines of exec
    bool typed = false;  // commands that were typed
    bool files = false;
    friend bool operator==(const Indexed&, const Indexed&) = default;
};

/// The rule's word counts. Where it has none: what a recording that is not sealed says anyway; nothing that was typed.
Indexed indexed(const std::optional<Indexing>& rule, RecordLevel level, bool sealed);

}  // namespace sekisho::model
