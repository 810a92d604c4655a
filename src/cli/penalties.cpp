#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

int list_penalties(const Context& context, bool json) {
    const auto answer = call_gateway(context, "GET", "/v1/penalties");
    if (!answer) return failed(answer.error());
    if (json) {
        print_line(answer->at("penalties").pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& one : answer->list("penalties")) {
        rows.push_back({one.text("network"), fmt::format("{}s", one.number("seconds_left")),
            one.flag("enforced") ? "turned away" : "gathers", one.text("reason")});
    }
    print_table({"NETWORK", "LEFT", "STATE", "THE LAST ONE"}, rows);
    return kDone;
}

}  // namespace

void add_penalties_command(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("penalties", "Networks whose connections kept failing to sign in (ssh.penalties)");
    command->require_subcommand(1);
    auto json = std::make_shared<bool>(false);
    CLI::App* ls = command->add_subcommand("ls", "Lists them; those with the longest time left come first");
    ls->add_flag("--json", *json, "As JSON");
    ls->footer(examples({"sekisho penalties ls --json"}));
    ls->callback([&context, json] { context.run = [&context, json] { return list_penalties(context, *json); }; });
}

}  // namespace sekisho::cli
