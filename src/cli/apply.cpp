#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <fstream>
#include <iterator>

#include "cli/command.h"
#include "cli/difference_output.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

struct ApplyOptions {
    std::vector<std::string> files;
    bool dry_run = false;
    bool prune = false;
    bool json = false;
};

using Files = std::vector<std::pair<std::string, std::string>>;

Result<Files> read_files(const std::vector<std::string>& names) {
    constexpr std::size_t kMostBytes = 64U << 20;
    Files files;
    for (const std::string& name : names) {
        std::ifstream stream(name == "-" ? "/dev/stdin" : name, std::ios::binary);
        if (!stream) return fail("cannot read " + name);
        std::string text{std::istreambuf_iterator<char>(stream), {}};
        if (stream.bad()) return fail("cannot read " + name);
        if (text.size() > kMostBytes) return fail(name + " is larger than 64 MiB");
        files.emplace_back(name, std::move(text));
    }
    return files;
}

int apply(const Context& context, const ApplyOptions& options) {
    const auto files = read_files(options.files);
    if (!files) return failed(files.error());
    auto answer = call_gateway(context, "POST", "/v1/apply", apply_body(*files, true, options.prune, 0));
    if (!answer) return failed(answer.error());
    const bool changes =
        !answer->list("changes").empty() || answer->flag("rules_reordered") || answer->flag("routes_reordered");
    if (!options.json) print_difference(*answer);
    if (changes && !options.dry_run) {
        // What was shown is what is done: a change by somebody else in between is refused.
        answer =
            call_gateway(context, "POST", "/v1/apply", apply_body(*files, false, options.prune, answer->number("version")));
        if (!answer) return failed(answer.error());
        if (!options.json) print_line("applied");
    } else if (changes && !options.json) {
        print_line("dry run: nothing was changed");
    }
    if (options.json) print_line(answer->pretty());
    return kDone;
}

}  // namespace

void add_apply_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("apply", "Makes the store match the access files; prints the difference first");
    auto options = std::make_shared<ApplyOptions>();
    command->add_option("FILE", options->files, "Access files; - reads standard input")->required();
    command->add_flag("--dry-run", options->dry_run, "Print the difference and change nothing");
    command->add_flag("--prune", options->prune, "Remove what is not in the files: users, targets, rules, client hosts");
    command->add_flag("--json", options->json, "The difference as JSON");
    command->footer(examples({"sekisho apply access.toml --dry-run", "sekisho apply users.toml rules.toml --prune"}));
    command->callback([&context, options] { context.run = [&context, options] { return apply(context, *options); }; });
}

}  // namespace sekisho::cli
