#include <cstdio>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/audit_verify.h"
#include "cli/command.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

struct AuditOptions {
    std::string kind;
    std::string session;
    std::optional<std::uint64_t> after;
    std::size_t most = 1000;
    bool json = false;
};

int list_records(const Context& context, const AuditOptions& options) {
    const auto answer = call_gateway(context, "GET",
        with_query("/v1/audit", {{"kind", options.kind}, {"session", options.session},
                                    {"after", options.after ? std::to_string(*options.after) : ""},
                                    {"most", std::to_string(options.most)}}));
    if (!answer) return failed(answer.error());
    const std::vector<JsonView> records = answer->list("records");
    if (answer->flag("more") && !records.empty()) {  // not among what is listed, which others may read
        const std::string how = options.after ? fmt::format("there are more: --after {}", records.back().number("sequence"))
                                              : fmt::format("the newest {}; there are older ones: --most, or --after 0", records.size());
        std::fputs(("sekisho: " + how + "\n").c_str(), stderr);
    }
    if (options.json) {
        print_line(answer->at("records").pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& r : records) {
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
    auto options = std::make_shared<AuditOptions>();
    CLI::App* ls = command->add_subcommand("ls", "Lists the newest audit records, in their order");
    ls->add_option("--kind", options->kind, "Only of this kind: session.start, access.refused, access.changed …");
    ls->add_option("--session", options->session, "Only of this session's id");
    ls->add_option("--after", options->after, "The next records behind this number, instead of the newest; 0: from the first");
    ls->add_option("--most", options->most, "At most so many")->capture_default_str();
    ls->add_flag("--json", options->json, "As JSON");
    ls->footer(examples({"sekisho audit ls --kind access.refused", "sekisho audit ls --after 1200 --json"}));
    ls->callback([&context, options] { context.run = [&context, options] { return list_records(context, *options); }; });
    add_audit_chain_commands(*command, context);
}

}  // namespace sekisho::cli
