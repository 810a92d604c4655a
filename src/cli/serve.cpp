#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace sekisho::cli {

void add_serve_command(CLI::App& app, Context& context, std::function<int(Context&)> serve) {
    CLI::App* command =
        app.add_subcommand("serve", "The gateway, in the foreground; SIGHUP reads the configuration again, SIGTERM ends it");
    command->footer(examples({"sekisho serve", "sekisho serve --config /etc/sekisho/sekisho.toml"}));
    command->callback([&context, serve = std::move(serve)] { context.run = [&context, serve] { return serve(context); }; });
}

}  // namespace sekisho::cli
