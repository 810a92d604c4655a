#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

struct ExplainOptions {
    std::string user;
    std::string target;
    std::string as;
    std::string from;
    std::string at;
    std::string forward;
    std::string connects_from;
    std::string command;
    bool touched = false;
    bool json = false;
};

int explain(const Context& context, const ExplainOptions& options) {
    const auto answer = call_gateway(context, "GET",
        with_query(
            "/v1/explain", {{"user", options.user}, {"target", options.target}, {"as", options.as}, {"from", options.from},
                               {"touched", options.touched ? "1" : ""}, {"at", options.at}, {"forward", options.forward},
                               {"connects_from", options.connects_from}, {"command", options.command}}));
    if (!answer) return failed(answer.error());
    bool all = true;
    if (options.json) print_line(answer->pretty());
    for (const JsonView& decision : answer->list("decisions")) {
        const bool allowed = decision.flag("allowed");
        all = all && allowed;
        if (options.json) continue;
        std::string text = printable(decision.text("reason"));
        if (allowed)
            text += fmt::format(" (record: {}, on failure: {})", decision.text("record"), decision.text("on_failure"));
        print_line(fmt::format("{} {:<15} {}", styled(allowed ? Style::Green : Style::Red, allowed ? "yes" : "no "),
            decision.text("capability"), text));
    }
    if (const std::vector<std::string> via = answer->texts("via");
        !options.json && (!via.empty() || !answer->text("route").empty())) {
        const std::string route = answer->text("route");
        print_line(fmt::format("way {:<15} {}", route.empty() ? "of its own" : "by route",
            printable(fmt::format("{}{}", route.empty() ? "" : "\"" + route + "\": ",
                via.empty() ? "directly" : fmt::format("{}", fmt::join(via, ", "))))));
    }
    // One question has one answer; a survey is done when it is printed.
    const bool one_question = !options.as.empty() || !options.forward.empty() || !options.command.empty();
    return one_question && !all ? kFailed : kDone;
}

}  // namespace

void add_explain_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("explain", "Which rule lets a user do something, or what is missing");
    auto options = std::make_shared<ExplainOptions>();
    command->add_option("USER", options->user, "Name of the user")->required();
    command->add_option("TARGET", options->target, "LOGIN@TARGET or TARGET; without it the gateway itself");
    command->add_option(
        "--as", options->as, "Capability: shell, exec, sftp, scp, local-forward …; without it the usual ones");
    command->add_option(
        "--forward", options->forward, "Destination of a forward, or where it is listened: host:port, or the path of a socket");
    command->add_option(
        "--connects-from", options->connects_from, "Address of who connects to a port of the gateway (remote-forward)");
    command->add_option("--command", options->command, "Command line that is to be run (exec)");
    command->add_option("--from", options->from, "Address that the user comes from");
    command->add_flag("--touched", options->touched, "As if signed in with a security key that was touched");
    command->add_option("--at", options->at, "Time with zone, for example 2026-11-23T08:00:00+09:00; without it now");
    command->add_flag("--json", options->json, "As JSON");
    command->footer(
        examples({"sekisho explain alice ubuntu@web1", "sekisho explain alice ubuntu@web1 --as exec --from 203.0.113.9",
            "sekisho explain git git@forge --command \"git-upload-pack 'team/app.git'\"",
            "sekisho explain partner --forward ledger.internal:443",
            "sekisho explain partner --forward 0.0.0.0:8443 --connects-from 192.0.2.9"}));
    command->callback([&context, options] { context.run = [&context, options] { return explain(context, *options); }; });
}

}  // namespace sekisho::cli
