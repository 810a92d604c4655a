// What auditors ask the searchable index, and what it answers: commands and operations on files, across all sessions. Part of the
// store's interface (store/store.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/activity.h"
#include "model/session.h"

namespace sekisho::store {

/// All that is stated must be so. Texts are found anywhere in a command or path, whether letters are capital or not; of one or two
/// letters only at the beginning of a word (search_terms.h).
struct ActivityFilter {
    std::vector<std::string> words;  // each stands in the command, or in a path of the operation
    std::string command;  // stands in a command; then no files are sought
    std::string path;  // stands in a path; then no commands are sought
    std::string sha256;  // of a file that was read or written in full, hex
    std::string user;
    std::string target;  // the name
    std::string login;
    std::string source;  // address
    std::optional<WallTime> since;
    std::optional<WallTime> until;
    std::size_t most = 100;
};

struct ActivityHit {
    std::string audit_key;  // of its session; empty where that is not known
    std::string user;
    std::string source;
    std::optional<model::CommandRun> command;  // this, or
    std::optional<model::FileOperation> file;

    WallTime time() const { return command ? command->time : file->time; }
};

}  // namespace sekisho::store
