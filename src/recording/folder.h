// The folder of recordings: FOLDER/YYYY/MM/AUDITKEY.skr, and FOLDER/.writer-ID, locked while the gateway process ID lives.
// Used by Hub (names, its lock), by the gateway at start (mark_cut) and by the listing. Thread-safe, no state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "recording/block_file.h"

namespace sekisho::recording {

/// Whether `key` has the form of an audit key; it is then safe as a file name.
bool is_audit_key(std::string_view key);
/// Path of the recording, whether it exists or not. The key must be one.
std::string path_of(const std::string& folder, std::string_view audit_key);
/// Makes `path`'s folders, 0700.
Result<void> make_folders(const std::string& folder, std::string_view audit_key);

/// All recordings, by path, oldest first. At most `most`.
std::vector<std::string> all_recordings(const std::string& folder, std::string_view from_month = {},
                                        std::size_t most = 10'000'000);

/// Tells other processes that recordings with this writer's id are being written. Released by the kernel when the process dies.
class WriterLock {
public:
    static Result<WriterLock> take(const std::string& folder);
    const std::string& id() const { return m_id; }
    /// Every recording has its end: nobody needs to look for cut ones.
    void retire();

private:
    std::string m_id;
    std::string m_path;
    std::unique_ptr<Descriptor> m_descriptor;
};

/// Whether the process that took the lock `writer` still lives.
bool writer_lives(const std::string& folder, std::string_view writer);

struct CutRecording {
    std::string audit_key;
    evidence::Written written;
};
/// For the gateway's start: finds recordings whose writer died before their end, cuts off a partial last block and appends an
/// end block that says so. Has them signed, and those that got their end and no signature. Recordings that cannot be marked are left as
/// they are. The marked ones.
std::vector<CutRecording> mark_cut(const std::string& folder, const EndSigner& signer = {});

}  // namespace sekisho::recording
