#include "model/activity.h"

namespace sekisho::model {

std::string_view name(CommandHow how) { return how == CommandHow::Exec ? "exec" : "typed"; }

std::optional<CommandHow> parse_command_how(std::string_view text) {
    for (const CommandHow how : {CommandHow::Exec, CommandHow::Typed}) {
        if (name(how) == text) return how;
    }
    return std::nullopt;
}

Indexed indexed(const std::optional<Indexing>& rule, RecordLevel level, bool sealed) {
    if (rule) return {.exec = rule->commands, .typed = rule->commands, .files = rule->files};
    const bool open = level != RecordLevel::Metadata && !sealed;
    return {.exec = open, .typed = false, .files = open};
}

}  // namespace sekisho::model
