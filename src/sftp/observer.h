// Observer: reads along in an sftp conversation and tells what was done: each file from OPEN to CLOSE with bytes and SHA-256, and every
// other operation that changes or lists something, with the target's answer. It judges nothing and holds nothing up: that is Watch's part.
// What is known of requests under way and of open files is bounded; what goes beyond is told as "not followed", never left out. Versions 3
// to 6 are read as far as they are alike. Owned by the gateway's FileAudit; any one thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "sftp/open_file.h"
#include "sftp/operation.h"
#include "sftp/requests.h"

namespace sekisho::sftp {

class Observer final : public FileObserver {
public:
    static constexpr std::size_t kMostUnderWay = 4096;  // requests
    static constexpr std::size_t kMostFiles = 1024;  // open ones, and those asked for
    static constexpr std::size_t kMostPath = 4096;  // kept of a path
    static constexpr std::size_t kMostPathsKept = 1024 * 1024;  // bytes, of requests under way and of open files
    static constexpr std::size_t kSizesKept = 256;  // what STAT said of files that may be opened next

    Observer();

    /// OpenSSH's SYMLINK names the target first.
    void server_is(std::string_view identification) override {
        m_swaps_links = identification.starts_with("SSH-2.0-OpenSSH");
    }
    void from_client(BytesView bytes) override;
    void from_server(BytesView bytes) override;
    void ended() override;

private:
    using File = std::shared_ptr<OpenFile>;

    /// One direction: packets are cut out of it; of most only the head is kept, and data passes by.
    struct Side {
        Bytes head;
        std::uint64_t body = 0;  // bytes of a packet that are still to come
        std::uint64_t data = 0;  // the first so many of them are a file's
        File file;
        bool writes = false;  // of which direction
        std::uint64_t offset = 0;
        bool blind = false;  // it was no sftp
    };

    /// A request whose answer is awaited.
    struct Asked {
        Type type = Type::Status;
        std::unique_ptr<Operation> operation;  // as it is told when the answer is there; mostly none
        std::string path;  // of STAT and REALPATH
        File file;
        std::uint32_t flags = 0;  // OPEN
        std::uint64_t offset = 0, length = 0;  // READ, WRITE
        std::optional<std::uint64_t> size;  // of (F)SETSTAT
        std::size_t kept = 0;  // bytes of its paths
    };

    void feed(Side& side, BytesView bytes, bool client);
    static void pass(Side& side, BytesView& bytes);
    static bool gather(Side& side, BytesView& bytes, std::size_t size);
    void blind(std::string_view who);

    // the client's side
    bool client_packet(BytesView& bytes);
    bool write_packet(std::size_t length, BytesView& bytes);
    void request(BytesView packet);
    Asked understood(const Request& request);
    Asked about_handle(const Request& request);
    void keep(std::uint32_t id, Asked asked);
    void not_followed(Asked asked);

    // the server's side
    bool server_packet(BytesView& bytes);
    std::size_t wanted(Type type, const Asked* asked, std::size_t length) const;
    void answered(Asked asked, Type type, BytesView payload);
    void opened(const Asked& asked, BytesView payload);
    void data_answered(const Asked& asked, Type type, const std::string& result);
    void stat_answered(const Asked& asked, BytesView payload);
    void changed(const Asked& asked, bool fine);
    void settle(const File& file);
    Asked no_more_under_way(std::unordered_map<std::uint32_t, Asked>::iterator entry);

    std::string absolute(std::string_view path) const;
    File find(const std::string& handle);
    void remember_size(const std::string& path, std::uint64_t size);

    bool m_swaps_links = false;
    std::uint32_t m_version = kVersion;
    std::string m_home;  // where relative paths begin, if the client asked
    HashWindow m_window;
    Side m_client, m_server;
    std::unordered_map<std::uint32_t, Asked> m_asked;
    std::unordered_map<std::string, File> m_files;  // by handle
    std::size_t m_opening = 0;
    std::size_t m_paths_kept = 0;
    std::unordered_map<std::string, std::uint64_t> m_sizes;  // by path
    std::deque<std::string> m_sizes_order;
    File m_others;  // what is moved in files that are not followed; never null
    bool m_over = false;
};

}  // namespace sekisho::sftp
