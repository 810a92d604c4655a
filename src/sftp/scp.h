// ScpObserver: reads along in scp's own protocol (`scp -O`, pscp) in either direction and tells which files were copied, with bytes,
// SHA-256 and how it ended. One side sends: C (a file), D (into a folder), E (out of it), T (times), then data; the other answers each
// with a byte 0, or with 1 or 2 and a text. What the sender says before its last message was answered waits here, within a bound, since
// the answer decides what it means. Paths: scp_command() has the names that the command gave; what the sender names comes behind them.
// Owned by the gateway's FileAudit; any one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "sftp/operation.h"

namespace sekisho::sftp {

/// The command that an scp client has run on the target.
struct ScpCommand {
    bool to_target = false;  // -t; else -f
    bool folder = false;  // -d: the path must be a folder
    bool whole_folders = false;  // -r
    std::vector<std::string> paths;  // as a shell would read them, where it would not do more than that
};
/// "scp", options with t or f among them, and paths; nothing for any other command.
std::optional<ScpCommand> scp_command(std::string_view command);

class ScpObserver final : public FileObserver {
public:
    static constexpr std::size_t kMostLine = 8 * 1024;  // OpenSSH's own bound is 2 KiB and a name
    static constexpr std::size_t kMostHeld = 256 * 1024;  // of the sender, while an answer is awaited
    static constexpr std::size_t kMostDeep = 256;  // folders in folders
    static constexpr std::size_t kMostPath = 4096;  // kept of a path
    static constexpr std::size_t kMostText = 256;  // kept of what one of them complains of

    explicit ScpObserver(ScpCommand command);

    void from_client(BytesView bytes) override { m_command.to_target ? from_sender(bytes) : from_receiver(bytes); }
    void from_server(BytesView bytes) override { m_command.to_target ? from_receiver(bytes) : from_sender(bytes); }
    void ended() override;

private:
    enum class Expect { Message, Data, DataStatus };
    enum class Awaited { Start, Nothing, File, FileEnd, Folder, Other };  // what the receiver answers next

    void from_sender(BytesView bytes);
    void from_receiver(BytesView bytes);
    void advance();
    bool take_line(std::string& line);
    void message(const std::string& line);
    void file(const std::string& line);
    void folder(const std::string& line);
    void complaint(std::string_view text);
    void data_is_over(const std::string& problem);
    void answered(bool fine, const std::string& text);
    void tell_file(std::string result);
    void blind(std::string_view why);

    Operation operation(std::string_view name) const;
    std::string place_of(std::string_view name) const;

    ScpCommand m_command;
    bool m_blind = false;
    Bytes m_input;  // of the sender, from m_taken on not taken apart yet
    std::size_t m_taken = 0;
    std::string m_answer;  // of the receiver: the text behind its 1 or 2
    bool m_in_answer = false;
    Expect m_expect = Expect::Message;
    Awaited m_awaited = Awaited::Start;

    struct Current {
        Operation operation;
        std::uint64_t size = 0, moved = 0;
        crypto::Hash hash{crypto::HashKind::Sha256};
        std::string problem;  // the sender could not read all of it
    };
    std::optional<Current> m_file;
    std::optional<std::string> m_early;  // the receiver's answer to a file's end that the sender has not told yet; empty: fine
    std::optional<Operation> m_folder;  // asked for
    std::vector<std::pair<std::string, std::string>> m_folders;  // where the sender is, as path and other_path
};

}  // namespace sekisho::sftp
