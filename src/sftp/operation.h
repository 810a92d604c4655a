// What was done to a file, as those who watch sftp and scp tell it, and what such an observer is: bytes of both sides in, operations out.
// It reads copies and holds nothing back. Observers are owned by the gateway's FileAudit; any one thread. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace sekisho::sftp {

struct Operation {
    std::string operation;  // read, write, open, list, remove, mkdir, rmdir, rename, symlink, hardlink, setstat, copy …
    std::string path;  // absolute where that is known; as the client wrote it otherwise
    std::string other_path;  // rename: the new name; links: where they lead; copy: where to
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;  // those that the target says it took
    std::string sha256;  // of the file, in hex: when it was read or written in full, from its beginning to its end
    std::string result;  // "ok", what the target answered, "cut" or "not followed"
    std::string detail;  // setstat: what was set; scp: what the sender complained of
};

inline constexpr std::string_view kOk = "ok";
inline constexpr std::string_view kCut = "cut";  // the connection ended in the middle
inline constexpr std::string_view kNotFollowed = "not followed";  // asked for; too much was under way to see the answer
inline constexpr std::string_view kUnreadable = "unreadable";  // an operation: from here on nothing can be told

class FileObserver {
public:
    virtual ~FileObserver() = default;

    /// As the SSH server identifies itself, before it answers anything.
    virtual void server_is(std::string_view) {}
    virtual void from_client(BytesView bytes) = 0;
    virtual void from_server(BytesView bytes) = 0;
    /// The channel is over: what was under way is told as cut.
    virtual void ended() = 0;

    /// What was done since the last call.
    std::vector<Operation> take() { return std::exchange(m_done, {}); }
    bool has_news() const { return !m_done.empty(); }

protected:
    void tell(Operation operation) { m_done.push_back(std::move(operation)); }

private:
    std::vector<Operation> m_done;
};

}  // namespace sekisho::sftp
