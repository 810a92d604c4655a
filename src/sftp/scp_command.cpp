// The command that an scp client has run on the target, read as far as naming its paths goes.
#include "sftp/scp.h"

namespace sekisho::sftp {

namespace {

/// Words as a POSIX shell splits them, with quotes and backslashes taken away. What it would expand stays as it is written.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
            if (in_word) words.push_back(std::move(word));
            word.clear();
            in_word = false;
            continue;
        }
        in_word = true;
        if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
        } else {
            word += c;
        }
    }
    if (in_word) words.push_back(std::move(word));
    return words;
}

}  // namespace

std::optional<ScpCommand> scp_command(std::string_view command) {
    constexpr std::size_t kMostRead = 64 * 1024;
    const std::vector<std::string> words = words_of(command.substr(0, kMostRead));
    if (words.empty() || words[0].substr(words[0].rfind('/') + 1) != "scp") return std::nullopt;
    ScpCommand read;
    bool copies = false;
    std::size_t at = 1;
    for (; at < words.size() && words[at].size() > 1 && words[at][0] == '-'; ++at) {
        if (words[at] == "--") {
            ++at;
            break;
        }
        for (const char option : words[at].substr(1)) {
            copies = copies || option == 't' || option == 'f';
            read.to_target = read.to_target || option == 't';
            read.folder = read.folder || option == 'd';
            read.whole_folders = read.whole_folders || option == 'r';
        }
    }
    if (!copies || at == words.size()) return std::nullopt;
    read.paths.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    return read;
}

}  // namespace sekisho::sftp
