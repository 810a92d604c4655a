#include "gateway/exec_kind.h"

#include "model/pattern.h"

namespace sekisho::gateway {

namespace {

std::string_view next_word(std::string_view& text) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) {
        text = {};
        return {};
    }
    text.remove_prefix(begin);
    const auto end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(word.size());
    return word;
}

/// Anything that could make the target's shell do more than name files. Globs, `~` and quotes without expansion are harmless.
bool shell_might_do_more(std::string_view text) {
    for (const char c : text) {
        if ((c >= 0 && c < ' ') || c == 0x7f) return true;
    }
    return text.find_first_of(";&|<>`$(){}!\\\"") != std::string_view::npos;
}

}  // namespace

model::Capability exec_capability(std::string_view command) {
    std::string_view rest = command;
    if (next_word(rest) != "scp" || shell_might_do_more(command)) return model::Capability::Exec;
    bool copies = false;
    while (true) {
        std::string_view ahead = rest;
        const std::string_view word = next_word(ahead);
        if (!word.starts_with('-') || word.size() < 2) break;
        rest = ahead;
        if (word == "--") break;
        if (word.find_first_not_of("vrpdqtf", 1) != std::string_view::npos) return model::Capability::Exec;
        copies = copies || word.find_first_of("tf", 1) != std::string_view::npos;
    }
    return copies && !next_word(rest).empty() ? model::Capability::Scp : model::Capability::Exec;
}

bool scp_writes(std::string_view command) {
    next_word(command);
    for (std::string_view word = next_word(command); word.starts_with('-') && word != "--"; word = next_word(command)) {
        if (word.find('t') != std::string_view::npos) return true;
    }
    return false;
}

std::optional<CommandForm> parse_command_form(std::string_view text) {
    const std::string_view word = next_word(text);
    CommandForm form;
    const auto at = word.rfind('@');
    form.target = std::string(at == std::string_view::npos ? word : word.substr(at + 1));
    if (at != std::string_view::npos) {
        form.login = std::string(word.substr(0, at));
        if (!model::is_login(form.login)) return std::nullopt;
    }
    if (!model::is_target_name(form.target)) return std::nullopt;
    const auto begin = text.find_first_not_of(' ');
    if (begin != std::string_view::npos) form.command = std::string(text.substr(begin));
    return form;
}

}  // namespace sekisho::gateway
