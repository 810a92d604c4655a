// Watch: stands between the two ends of an sftp subsystem channel, takes its requests apart, and lets pass what a rule's limits let: bytes
// of either side in, bytes for both sides and events out. A refused request is answered here (SSH_FX_PERMISSION_DENIED and why), its data
// dropped as it comes, and the conversation goes on. Requests keep their order: one that must wait lets all behind it wait, in bytes that
// nobody is credited for (held()). Where paths are limited the server itself is asked with REALPATH what a path is before a request with it
// is passed on, and it is passed on with the answer in its place. What is known of each request that is under way and of each open handle
// stands in two bounded tables; whoever else wants to know of operations reads the same events. Owned by Relay; any one thread.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "sftp/paths.h"
#include "sftp/requests.h"

namespace sekisho::sftp {

struct Limits {
    std::string rule;  // its name, for the texts
    bool read_only = false;
    std::vector<std::string> paths;  // patterns (PathPatterns); empty: every path
};

/// Something was asked for and refused.
struct Refused {
    std::string_view operation;  // Kind::name, "extension" or "request"
    std::string path, other_path;  // as the client wrote them, or as they were opened; often empty
    std::string reason;
};

struct Output {
    Bytes to_client, to_server;
    std::vector<Refused> refused;
};

class Watch {
public:
    // Bounds; what a peer makes us keep is held against them before it is kept.
    static constexpr std::size_t kMostUnderWay = 4096;  // requests; the next ones wait
    static constexpr std::size_t kMostHandles = 1024;  // open ones, and those asked for; the next one is refused
    static constexpr std::size_t kMostPath = 4096;
    static constexpr std::size_t kMostPathsKept = 512 * 1024;  // bytes, of requests under way; the next ones wait
    static constexpr std::size_t kMostOfHandlesPath = 1024;  // kept for the audit; the rest of a longer one is left out
    static constexpr std::size_t kMostAnswer = 16 * 1024;  // of those that are read; others pass in any size
    static constexpr std::size_t kMostBacklog = 64 * 1024;  // unread by the client: then its requests wait

    explicit Watch(Limits limits);

    /// As the SSH server identifies itself, before it answers anything. SYMLINK of OpenSSH's names the target first; of any other both
    /// orders must be permitted.
    void server_is(std::string_view identification) { m_swaps_links = identification.starts_with("SSH-2.0-OpenSSH"); }

    /// `backlog`: bytes for the client that it has not taken yet. The error ends the channel: its text is for the user.
    Result<void> from_client(BytesView bytes, std::size_t backlog, Output& out);
    Result<void> from_server(BytesView bytes, std::size_t backlog, Output& out);
    /// The client has taken some: what waited for that goes on.
    Result<void> client_reads(std::size_t backlog, Output& out);

    /// Bytes of the client that wait for something else than more bytes of the client.
    std::size_t held() const { return m_blocked ? m_input.size() - m_taken : 0; }

private:
    enum class Stage { ExpectInit, ExpectVersion, Running };
    enum class Step { Done, NeedsBytes, MustWait };

    /// A request that was passed on, or one of our own.
    struct UnderWay {
        const Kind* kind = nullptr;
        std::string path;  // of OPEN, OPENDIR and those whose answer is judged
        std::ptrdiff_t question = -1;  // ours: its place in m_waiting->questions, or kHomeQuestion
    };
    static constexpr std::ptrdiff_t kHomeQuestion = -2;

    /// What the server must say about a path before a request with it is judged.
    struct Question {
        std::string asked;
        std::string real;  // empty: the server knows no such path
        Status status = Status::Ok;
        std::string text;
    };
    struct Waiting {
        Request request;
        std::vector<Question> questions;
        std::size_t open = 0;
    };

    struct Verdict {
        Status status = Status::Ok;
        std::string text;
        bool by_rule = false;
        bool fine() const { return status == Status::Ok; }
    };

    // the client's side
    Result<void> advance(Output& out);
    Result<Step> step(Output& out);
    bool must_wait(const Output& out) const;
    Step pass_body(BytesView rest, Output& out);
    Result<Step> init(std::size_t length, BytesView content, Output& out);
    Step write(std::size_t length, BytesView content, Output& out);
    Result<void> request(BytesView content, Output& out);
    void judge(Request request, Output& out);
    std::optional<std::string> against_read_only(Request& request) const;
    bool knows_handles(const Request& request) const;
    void pass_on(const Request& request, Output& out);
    void refuse(const Request& request, Status status, const std::string& reason, Output& out);
    void answer(std::uint32_t id, Status status, std::string_view text, Output& out);

    // paths
    void ask(Request request, Output& out);
    void ask_one(const std::string& path, std::ptrdiff_t place, Output& out);
    void settle(Output& out);
    std::vector<std::string> questions_about(const Request& request) const;
    std::vector<std::pair<std::size_t, std::size_t>> link_orders() const;
    Verdict settled(Request& request, const std::vector<Question>& questions) const;
    Verdict settled_through(Request& request, const std::vector<Question>& questions) const;
    Verdict settled_entry(Request& request, std::size_t which, const Question& folder, Reach needed) const;
    Verdict settled_link(Request& request, const std::vector<Question>& questions) const;
    Verdict reaches(const std::string& path, Reach needed) const;
    Verdict not_there(const std::string& asked, const Question& question, Reach needed) const;
    std::string why_out() const;

    // the server's side
    Result<Step> server_step(BytesView& bytes, Output& out);
    bool fill(BytesView& bytes, std::size_t size);
    Result<void> version(BytesView packet, Output& out);
    bool is_read(const UnderWay& asked, Type type) const;
    UnderWay no_more_under_way(std::unordered_map<std::uint32_t, UnderWay>::iterator entry);
    Result<void> answered(std::uint32_t id, UnderWay asked, Type type, Output& out);
    Result<void> question_answered(std::ptrdiff_t place, Type type, BytesView payload, Output& out);
    bool may_be_seen(const UnderWay& asked, Type type, BytesView payload) const;
    void pass_head(std::size_t left, Output& out);

    Limits m_limits;
    PathPatterns m_patterns;
    bool m_swaps_links = false;
    Stage m_stage = Stage::ExpectInit;
    std::size_t m_backlog = 0;
    std::string m_home;  // where relative paths begin, as REALPATH says; paths are limited only

    Bytes m_input;  // of the client, not taken apart yet from m_taken on
    std::size_t m_taken = 0;
    std::size_t m_body = 0;  // what is left of a WRITE that passes, or is dropped
    bool m_drop_body = false;
    bool m_blocked = false;
    std::optional<Waiting> m_waiting;

    Bytes m_head;  // of the server's packet, until it is known what becomes of it
    std::size_t m_passing = 0;  // what is left of one that passes
    Bytes m_replies;  // ours, until a packet of the server ends

    std::unordered_map<std::uint32_t, UnderWay> m_under_way;
    std::unordered_map<std::string, std::string> m_handles;  // and the paths that they were opened with
    std::size_t m_opening = 0;
    std::size_t m_paths_kept = 0;
    std::uint32_t m_next_id = 0x73656b69;
};

}  // namespace sekisho::sftp
