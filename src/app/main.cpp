// sekisho: one binary. Declares the commands, finds the configuration, runs what was asked for.
#include <CLI/CLI.hpp>

#include <cstdlib>

#include "app/config_file.h"
#include "app/serve.h"
#include "cli/command.h"
#include "cli/completion.h"
#include "cli/completion_names.h"
#include "cli/recordings.h"

namespace sekisho::app {
namespace {

constexpr const char* kDefaultConfig = "/etc/sekisho/sekisho.toml";

/// --config, then SEKISHO_CONFIG, then the default path.
void find_config(cli::Context& context) {
    context.config_stated = true;
    if (!context.config_path.empty()) return;
    const char* stated = std::getenv("SEKISHO_CONFIG");
    context.config_stated = stated && *stated;
    context.config_path = context.config_stated ? stated : kDefaultConfig;
}

void add_commands(CLI::App& app, cli::Context& context) {
    cli::add_serve_command(app, context, serve);
    cli::add_init_command(app, context);
    cli::add_check_command(app, context);
    cli::add_apply_command(app, context);
    cli::add_explain_command(app, context);
    cli::add_sessions_command(app, context);
    cli::add_penalties_command(app, context);
    cli::add_mail_command(app, context);
    cli::add_recordings_command(app, context);
    cli::add_keygen_command(app, context);
    cli::add_audit_command(app, context);
    cli::add_verify_command(app, context);
    cli::add_ca_command(app, context);
    cli::add_access_commands(app, context);
    cli::add_ssh_config_command(app, context);
    cli::add_completion_command(app, context);
}

/// What a shell asks while its user types: `sekisho __complete -- WORD…`; or `--line LINE`, answered first with the word that is typed.
int complete(CLI::App& app, cli::Context& context, std::vector<std::string> words) {
    const bool line = words.size() == 2 && words.front() == "--line";
    if (line) {
        words = cli::shell_words(words.back());
        cli::print_line(words.back());
    }
    if (!words.empty()) words.erase(words.begin());  // "--", or the program's name
    context.config_path = cli::stated_config(words);
    find_config(context);
    const auto names = [&](std::string_view what, const std::vector<std::string>& so_far) {
        return cli::names_for_completion(context, what, so_far);
    };
    for (const std::string& word : cli::candidates(app, words, names)) cli::print_line(word);
    return cli::kDone;
}

int run(int argc, char** argv) {
    cli::Context context;
    context.load_config = load_config;
    context.sample_config = sample_config;
    context.config_manual = config_manual;

    CLI::App app(
        "Sekisho: an SSH gateway that knows who passes, decides what they may reach, and keeps the evidence", "sekisho");
    app.set_version_flag("--version", SEKISHO_VERSION);
    app.add_option(
        "--config", context.config_path, std::string("Configuration; else SEKISHO_CONFIG, else ") + kDefaultConfig);
    app.fallthrough();  // --config may stand behind the command
    app.require_subcommand(1);
    add_commands(app, context);
    if (argc > 1 && argv[1] == cli::kCompleteWord) return complete(app, context, {argv + 2, argv + argc});
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? cli::kDone : cli::kUsage;
    }
    find_config(context);
    return context.run();
}

}  // namespace
}  // namespace sekisho::app

int main(int argc, char** argv) {
    try {
        return sekisho::app::run(argc, argv);
    } catch (const std::exception& error) {
        return sekisho::cli::failed(error.what());
    }
}
