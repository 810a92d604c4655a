// ca: what targets and users trust, and replacing the user CA's key without an outage.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/field_words.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

struct CaOptions {
    std::string hosts = "*";
    bool user_only = false;
    bool hosts_only = false;
    bool json = false;
    bool activate = false;
    bool finish = false;
    bool drop = false;
};

/// The keys of the user CA, those that are there, with what each is for.
std::vector<std::pair<std::string, std::string>> user_keys(const JsonView& ca) {
    std::vector<std::pair<std::string, std::string>> keys{{ca.text("user_ca"), "signs"}};
    if (std::string next = ca.text("user_ca_next"); !next.empty())
        keys.emplace_back(std::move(next), "next: signs nothing yet");
    if (std::string old = ca.text("user_ca_old"); !old.empty())
        keys.emplace_back(std::move(old), "old: signs nothing any more");
    return keys;
}

int show_ca(const Context& context, const CaOptions& options) {
    const auto answer = call_gateway(context, "GET", "/v1/ca");
    if (!answer) return failed(answer.error());
    const std::string host_ca = answer->text("host_ca");
    const std::string known_hosts = host_ca.empty() ? "" : fmt::format("@cert-authority {} {}", options.hosts, host_ca);
    const auto keys = user_keys(*answer);
    if (options.json) {
        print_line(answer->pretty());
    } else if (options.user_only) {
        for (const auto& [line, what] : keys) print_line(line);
    } else if (options.hosts_only) {
        if (known_hosts.empty()) return failed("there is no host CA; `sekisho init` makes it");
        print_line(known_hosts);
    } else {
        print_line("# On each target: a file named by TrustedUserCAKeys in sshd_config");
        for (const auto& [line, what] : keys) {
            if (keys.size() > 1) print_line("# " + what);
            print_line(line);
        }
        if (!known_hosts.empty()) {
            print_line("\n# On each user's machine: a line of ~/.ssh/known_hosts");
            print_line(known_hosts);
        }
    }
    return kDone;
}

int rotate(const Context& context, const CaOptions& options) {
    const char* step = options.activate ? "activate" : options.finish ? "retire" : options.drop ? "drop" : "publish";
    const auto answer = call_gateway(context, "POST", "/v1/ca", step_body(step));
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->pretty());
        return kDone;
    }
    for (const auto& [line, what] : user_keys(*answer)) print_line(fmt::format("{}\n    {}", line, what));
    if (options.activate) {
        print_line(
            "\nThe new key signs. When no session signs in any more with a certificate of the old one, which is a minute "
            "from now:");
        print_line("  sekisho ca rotate --finish      destroys the old key; then targets fetch the lines once more");
    } else if (!options.finish && !options.drop) {
        print_line(
            "\nThe next key is published. Bring all lines to every target (`sekisho ca show --user`, or GET /ca.pub), "
            "then:");
        print_line("  sekisho ca rotate --activate    signs with the next key");
        print_line("  sekisho ca rotate --drop        or destroys it, and all is as before");
    }
    return kDone;
}

}  // namespace

void add_ca_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("ca", "The certificate authorities");
    command->require_subcommand(1);
    auto options = std::make_shared<CaOptions>();
    CLI::App* one = command->add_subcommand(
        "show", "The CA lines for a target's TrustedUserCAKeys, and the host CA line for known_hosts");
    auto* user = one->add_flag("--user", options->user_only, "Only the lines for TrustedUserCAKeys");
    one->add_flag("--host", options->hosts_only, "Only the line for known_hosts")->excludes(user);
    one->add_option("--hosts", options->hosts, "Host patterns of the known_hosts line")->capture_default_str();
    one->add_flag("--json", options->json, "As JSON");
    one->footer(examples({"sekisho ca show", "sekisho ca show --user > /etc/ssh/sekisho_ca.pub",
        "sekisho ca show --host --hosts 'web*,db*'"}));
    one->callback([&context, options] { context.run = [&context, options] { return show_ca(context, *options); }; });

    CLI::App* turn = command->add_subcommand(
        "rotate", "Replaces the key that signs users' certificates, in three steps: publish, --activate, --finish");
    auto* activate =
        turn->add_flag("--activate", options->activate, "Sign with the next key, which every target trusts by now");
    auto* finish = turn->add_flag("--finish", options->finish, "Destroy the old key");
    turn->add_flag("--drop", options->drop, "Destroy the next key instead of activating it")
        ->excludes(activate)
        ->excludes(finish);
    finish->excludes(activate);
    turn->add_flag("--json", options->json, "As JSON");
    turn->footer(examples({"sekisho ca rotate", "sekisho ca show --user > /etc/ssh/sekisho_ca.pub",
        "sekisho ca rotate --activate", "sekisho ca rotate --finish"}));
    turn->callback([&context, options] { context.run = [&context, options] { return rotate(context, *options); }; });
}

}  // namespace sekisho::cli
