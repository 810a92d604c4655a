// Sandbox: what a process takes from itself, for good, once it has opened what it needs: files (Landlock), system calls (seccomp),
// and being looked into. Children and threads that begin later inherit it, so it is entered while there is one thread. The first
// line of defence is that the code is right; this is what holds when it is not. Used by app and keyholder; Linux only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace sekisho::sandbox {

/// Absolute paths of files and folders; a folder stands for everything below it. What does not exist is left out.
struct Paths {
    std::vector<std::string> read;
    std::vector<std::string> write;  // read, write, make and remove
    std::vector<std::string> remove;  // folders: remove files
};

/// From now on no other path can be opened, and nothing executed. False on a kernel without Landlock, where nothing changed.
Result<bool> restrict_files(const Paths& paths);

enum class Calls {
    Gateway,  // sockets and files; no other process, program, mount, module or name space
    Spawner,  // the same without sockets, but children
    Keyholder,  // a list of what is permitted: memory, time, and the descriptors that are there
    KeyholderWithFolder,  // and files, for a process that Landlock leaves one folder
};
/// Everything else fails with EPERM. For all threads of the process.
Result<void> restrict_calls(Calls calls);

/// No core file, nothing for ptrace or /proc/PID/mem of the same account.
void hide_memory();
/// Keeps memory out of swap, also what comes later; at least what is written to now, where the system permits no more
/// (RLIMIT_MEMLOCK). False when not even that.
bool lock_memory();

/// True in builds with a sanitizer, whose runtime needs more: it forks, traces and reads /proc. Those builds get less sandbox.
bool sanitized_build();

}  // namespace sekisho::sandbox
