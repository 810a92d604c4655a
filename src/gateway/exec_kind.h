// What an exec request really is: a copy by scp, which a rule may allow where exec is refused, or any command. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/access.h"

namespace sekisho::gateway {

/// Capability::Scp only for the exact form that scp clients send ("scp [-v -r -p -d -q] -t|-f [--] PATH") and nothing that a shell
/// would read as more than one command; everything else is Capability::Exec.
model::Capability exec_capability(std::string_view command);

/// Of such a copy: does it write on the target?
bool scp_writes(std::string_view command);

/// The command form "[login@]target [command…]" of `ssh gw …`.
struct CommandForm {
    std::string login;  // empty: the target's default
    std::string target;
    std::string command;  // empty: a shell
};
std::optional<CommandForm> parse_command_form(std::string_view text);

}  // namespace sekisho::gateway
