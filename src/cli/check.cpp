#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/command.h"
#include "keys/private_key.h"
#include "model/difference.h"
#include "store/access_file.h"
#include "store/store.h"
#include "web/grants.h"

namespace sekisho::cli {
namespace {

struct CheckOptions {
    std::vector<std::string> access_files;
    bool sample = false;
    bool manual = false;
};

/// Prints "fine" or what is wrong with one thing; counts what is wrong.
class Findings {
public:
    void fine(std::string_view what) { print_line(fmt::format("{}  {}", styled(Style::Green, "ok   "), printable(what))); }
    void wrong(std::string_view what) {
        for (std::size_t at = 0; at <= what.size();) {  // a parser says several things, a line each
            const std::size_t end = std::min(what.find('\n', at), what.size());
            print_line(fmt::format("{}  {}", styled(Style::Red, "wrong"), printable(what.substr(at, end - at))));
            at = end + 1;
        }
        ++m_wrong;
    }
    void note(std::string_view what) { print_line(fmt::format("{}  {}", styled(Style::Yellow, "note "), printable(what))); }
    bool any() const { return m_wrong > 0; }

private:
    int m_wrong = 0;
};

void check_machine(const model::Config& config, Findings& findings) {
    std::error_code error;
    const auto mode = std::filesystem::status(config.data_dir, error).permissions();
    if (error || !std::filesystem::is_directory(config.data_dir, error)) {
        findings.wrong(fmt::format("there is no folder {}; make it with `sekisho init`", config.data_dir));
        return;
    }
    using std::filesystem::perms;
    if ((mode & (perms::group_all | perms::others_all)) != perms::none)
        findings.wrong(fmt::format("{} is open to others; run: chmod 700 {}", config.data_dir, config.data_dir));
    std::vector<std::string> keys;
    for (const std::string& name : config.ssh.host_keys) keys.push_back(config.path(name));
    keys.push_back(config.user_ca_key_path());
    for (const std::string& path : keys) {
        const auto key = keys::load_private_key(path);
        if (key)
            findings.fine(fmt::format("{}: {}", path, key->public_key().fingerprint()));
        else
            findings.wrong(key.error().full());
    }
    const auto roles = web::Roles::resolve(config.admin);
    if (!roles) findings.wrong(roles.error().text);
    if (roles && roles->others() && config.path(config.admin_socket).starts_with(config.path("")))
        findings.note("admin.socket is below data_dir, which other accounts may not enter: put it where they can reach it");
}

void check_password(const model::Config& config, const std::string& path, Findings& findings) {
    std::error_code error;
    const auto mode = std::filesystem::status(path, error).permissions();
    using std::filesystem::perms;
    if (error || (mode & (perms::group_all | perms::others_all)) == perms::none || !store::has_password(config.store_url))
        return;
    findings.wrong(fmt::format(
        "{} holds the store's password and is open to others; run: chmod 600 {}, or put the password into a file of its own "
        "(store.url = \"postgresql://USER@HOST/DATABASE?passfile=FILE\")",
        path, path));
}

void check_access(const std::vector<std::string>& names, Findings& findings) {
    std::vector<store::AccessText> files;
    for (const std::string& name : names) {
        std::ifstream stream(name, std::ios::binary);
        if (!stream) {
            findings.wrong("cannot read " + name);
            return;
        }
        files.push_back({name, {std::istreambuf_iterator<char>(stream), {}}});
    }
    const auto access = store::parse_access(files);
    if (!access) {
        findings.wrong(access.error().text);
        return;
    }
    findings.fine(
        fmt::format("{} users, {} targets, {} rules{}{}", access->users.size(), access->targets.size(), access->rules.size(),
            access->client_hosts.empty() ? "" : fmt::format(", {} client hosts", access->client_hosts.size()),
            access->routes.empty() ? "" : fmt::format(", {} routes", access->routes.size())));
    for (const std::string& doubt : model::doubts(*access)) findings.note(doubt);
}

int check(const Context& context, const CheckOptions& options) {
    if (options.sample || options.manual) {
        print(options.sample ? context.sample_config({}) : context.config_manual());
        return kDone;
    }
    Findings findings;
    const auto config = context.config();
    if (config) {
        findings.fine("configuration " + context.config_path);
        check_password(*config, context.config_path, findings);
        check_machine(*config, findings);
    } else {
        findings.wrong(config.error().full());
    }
    if (!options.access_files.empty()) check_access(options.access_files, findings);
    return findings.any() ? failed("there is something to put right") : kDone;
}

}  // namespace

void add_check_command(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("check", "Checks the configuration, the keys and access files, without starting anything");
    auto options = std::make_shared<CheckOptions>();
    command->add_option("FILE", options->access_files, "Access files to check too");
    auto* sample = command->add_flag("--sample", options->sample, "Print a configuration with every key at its default");
    command->add_flag("--manual", options->manual, "Print the table of keys as Markdown")->excludes(sample);
    command->footer(examples(
        {"sekisho check", "sekisho check --config ./sekisho.toml access.toml", "sekisho check --sample > sekisho.toml"}));
    command->callback([&context, options] { context.run = [&context, options] { return check(context, *options); }; });
}

}  // namespace sekisho::cli
