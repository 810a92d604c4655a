#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

struct Options {
    std::string kind;
    std::string session;
    std::uint64_t after = 0;
    std::size_t most = 1000;
    bool json = false;
};

int list(const Context& context, const Options& options) {
    const auto answer = call_gateway(context, "GET",
        with_query("/v1/audit", {{"kind", options.kind}, {"session", options.session},
                                    {"after", options.after == 0 ? "" : std::to_string(options.after)},
                                    {"most", std::to_string(options.most)}}));
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->at("records").pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& r : answer->list("records")) {
        rows.push_back({std::to_string(r.number("sequence")), r.text("time"), r.text("kind"), r.text("user"),
            r.text("source"), r.text("subject"), r.text("outcome"), r.text("session"), r.text("reason")});
    }
    print_table({"NO", "TIME", "KIND", "USER", "FROM", "SUBJECT", "OUTCOME", "SESSION", "REASON"}, rows);
    return kDone;
}

}  // namespace

void add_audit_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("audit", "The audit records");
    command->require_subcommand(1);
    auto options = std::make_shared<Options>();
    CLI::App* ls = command->add_subcommand("ls", "Lists audit records, the oldest first");
    ls->add_option("--kind", options->kind, "Only of this kind: session.start, access.refused, access.changed …");
    ls->add_option("--session", options->session, "Only of this session's id");
    ls->add_option("--after", options->after, "Only records behind this number");
    ls->add_option("--most", options->most, "At most so many")->capture_default_str();
    ls->add_flag("--json", options->json, "As JSON");
    ls->footer(examples({"sekisho audit ls --kind access.refused", "sekisho audit ls --after 1200 --json"}));
    ls->callback([&context, options] { context.run = [&context, options] { return list(context, *options); }; });
}

}  // namespace sekisho::cli
