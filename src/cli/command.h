// What every command of the binary shares: where its configuration is, how it speaks, how it ends. Each command has one
// file with `add_NAME_command`, which declares its options and, when chosen, sets Context::run; app/main calls that after
// parsing. Exit status: 0 done, 1 refused or failed with the reason on stderr, 2 wrong usage. Main thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/config.h"

namespace CLI {
class App;
}

namespace sekisho::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

struct Context {
    std::string config_path;    // --config, then SEKISHO_CONFIG, then /etc/sekisho/sekisho.toml
    bool config_stated = false; // by --config or SEKISHO_CONFIG: then a missing file is an error for every command
    std::function<int()> run;   // what the chosen command does

    // Given by app, which owns the configuration's table.
    std::function<Result<model::Config>(const std::string& path)> load_config;
    std::function<std::string(const std::vector<std::pair<std::string, std::string>>& values)> sample_config;
    std::function<std::string()> config_manual;

    /// The configuration at config_path.
    Result<model::Config> config() const { return load_config(config_path); }
};

/// Writes "sekisho: TEXT" to stderr and returns kFailed.
int failed(const Error& error);
int failed(std::string_view text);

/// To stdout. `line` adds the end of line.
void print(std::string_view text);
void print_line(std::string_view text = {});

/// True when stdout is a terminal and NO_COLOR is unset.
bool colours();
enum class Style { Plain, Bold, Green, Yellow, Red, Dim };
/// `text` in a style when colours() holds, else `text`.
std::string styled(Style style, std::string_view text);

/// Control characters from the store or a peer made visible, so that a listing cannot drive the terminal.
std::string printable(std::string_view text);

/// Columns padded to their widest cell (display columns of UTF-8 text); the heading in bold.
void print_table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows);

/// "2026-11-22T05:16:00.123Z" without the fraction: enough for a column.
std::string second(const std::string& rfc3339);

/// Writes to a descriptor, all of it; false if that failed.
bool write_all(int fd, std::string_view text);

/// A subcommand that does `work` with what its options gave, and takes --json.
template <class App, class Options>
auto* add_work(App& to, Context& context, const std::shared_ptr<Options>& options, const char* word, const char* help,
    int (*work)(const Context&, const Options&)) {
    auto* sub = to.add_subcommand(word, help);
    sub->add_flag("--json", options->json, "As JSON");
    sub->callback([&context, options, work] { context.run = [&context, options, work] { return work(context, *options); }; });
    return sub;
}

/// Examples under --help: one line each.
std::string examples(const std::vector<std::string>& lines);

void add_serve_command(CLI::App& app, Context& context, std::function<int(Context&)> serve);
void add_init_command(CLI::App& app, Context& context);
void add_check_command(CLI::App& app, Context& context);
void add_apply_command(CLI::App& app, Context& context);
void add_sessions_command(CLI::App& app, Context& context);
void add_penalties_command(CLI::App& app, Context& context);
void add_mail_command(CLI::App& app, Context& context);
void add_keygen_command(CLI::App& app, Context& context);
void add_audit_command(CLI::App& app, Context& context);
void add_ca_command(CLI::App& app, Context& context);
void add_explain_command(CLI::App& app, Context& context);
void add_access_commands(CLI::App& app, Context& context);  // user, target, rule, and the next two
void add_secret_commands(CLI::App& target, Context& context);  // target secret
void add_group_command(CLI::App& app, Context& context);
void add_key_command(CLI::App& app, Context& context);
void add_verify_command(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);  // last: it knows all others
void add_ssh_config_command(CLI::App& app, Context& context);

}  // namespace sekisho::cli
