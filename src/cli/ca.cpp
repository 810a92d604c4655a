#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

struct Options {
    std::string hosts = "*";
    bool user_only = false;
    bool hosts_only = false;
    bool json = false;
};

int show(const Context& context, const Options& options) {
    const auto answer = call_gateway(context, "GET", "/v1/ca");
    if (!answer) return failed(answer.error());
    const std::string user_ca = answer->text("user_ca");
    const std::string host_ca = answer->text("host_ca");
    const std::string known_hosts = host_ca.empty() ? "" : fmt::format("@cert-authority {} {}", options.hosts, host_ca);
    if (options.json) {
        print_line(answer->pretty());
    } else if (options.user_only) {
        print_line(user_ca);
    } else if (options.hosts_only) {
        if (known_hosts.empty()) return failed("there is no host CA; `sekisho init` makes it");
        print_line(known_hosts);
    } else {
        print_line("# On each target: a file named by TrustedUserCAKeys in sshd_config");
        print_line(user_ca);
        if (!known_hosts.empty()) {
            print_line("\n# On each user's machine: a line of ~/.ssh/known_hosts");
            print_line(known_hosts);
        }
    }
    return kDone;
}

}  // namespace

void add_ca_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("ca", "The certificate authorities");
    command->require_subcommand(1);
    auto options = std::make_shared<Options>();
    CLI::App* one = command->add_subcommand(
        "show", "The CA line for a target's TrustedUserCAKeys, and the host CA line for known_hosts");
    auto* user = one->add_flag("--user", options->user_only, "Only the line for TrustedUserCAKeys");
    one->add_flag("--host", options->hosts_only, "Only the line for known_hosts")->excludes(user);
    one->add_option("--hosts", options->hosts, "Host patterns of the known_hosts line")->capture_default_str();
    one->add_flag("--json", options->json, "As JSON");
    one->footer(examples({"sekisho ca show", "sekisho ca show --user > /etc/ssh/sekisho_ca.pub",
        "sekisho ca show --host --hosts 'web*,db*'"}));
    one->callback([&context, options] { context.run = [&context, options] { return show(context, *options); }; });
}

}  // namespace sekisho::cli
