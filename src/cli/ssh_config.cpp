#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/gateway_call.h"
#include "model/own_login.h"

namespace sekisho::cli {
namespace {

struct SshConfigOptions {
    std::string user;
    std::string host;
    std::string alias = "gw";
    std::uint16_t port = 0;
    bool known_hosts = false;
};

std::string own_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

/// The default login of this user; empty where none is known.
std::string first_login(const JsonView& target, const model::User& user) {
    for (const std::string& word : target.texts("logins")) {
        if (std::string login = model::own_login(word, user); !login.empty()) return login;
    }
    return {};
}

/// The port of the first address that the gateway listens on.
std::uint16_t port_of(const std::vector<std::string>& listen) {
    if (listen.empty()) return 22;
    const std::size_t colon = listen.front().rfind(':');
    return static_cast<std::uint16_t>(std::strtoul(listen.front().c_str() + colon + 1, nullptr, 10));
}

/// Whether any rule gives the user something on the target; everything counts when no user was named.
Result<bool> reaches(const Context& context, const std::string& user, const std::string& target) {
    if (user.empty()) return true;
    const auto answer =
        call_gateway(context, "GET", with_query("/v1/explain", {{"user", user}, {"target", target}, {"anytime", "1"}}));
    if (!answer) return std::unexpected(answer.error());
    for (const JsonView& decision : answer->list("decisions")) {
        if (decision.flag("allowed")) return true;
    }
    return false;
}

struct NamedPlace {
    std::string target;
    std::string login;  // the target's first
};

/// The gateway's keys, and its host CA for the names of targets: by that one it answers for them behind `ssh -J`.
void print_known_hosts(const JsonView& ca, const std::string& gateway, const std::vector<NamedPlace>& places) {
    for (const std::string& key : ca.texts("host_keys")) print_line(fmt::format("{} {}", gateway, key));
    const std::string host_ca = ca.text("host_ca");
    if (host_ca.empty() || places.empty()) return;
    std::string names;
    for (const NamedPlace& place : places) names += (names.empty() ? "" : ",") + place.target;
    print_line(fmt::format("@cert-authority {} {}", names, host_ca));
}

/// Two ways to each target: web1.gw names it to the gateway, and web1 jumps there, as a configuration with ProxyJump would.
void print_hosts(
    const SshConfigOptions& options, const std::string& host, std::uint16_t port, const std::vector<NamedPlace>& places) {
    std::string user = options.user.empty() ? "" : "\n    User " + options.user;
    for (const NamedPlace& place : places) {
        const std::string login = place.login.empty() ? "" : place.login + "@";
        print_line(fmt::format("Host {}.{}\n    User {}{}\n", place.target, options.alias, login, place.target));
    }
    print_line(fmt::format("Host {0}{3}\n\nHost {0} *.{0}\n    HostName {1}\n    Port {2}", options.alias, host, port, user));
    for (const NamedPlace& place : places) {
        const std::string login = place.login.empty() ? "" : "\n    User " + place.login;
        print_line(fmt::format("\nHost {0}\n    ProxyJump {1}{2}", place.target, options.alias, login));
    }
}

int print_config(const Context& context, const SshConfigOptions& options) {
    const auto ca = call_gateway(context, "GET", "/v1/ca");
    if (!ca) return failed(ca.error());
    const std::string host = options.host.empty() ? own_name() : options.host;
    const std::uint16_t port = options.port == 0 ? port_of(ca->texts("listen")) : options.port;
    const auto access = call_gateway(context, "GET", "/v1/access");
    if (!access) return failed(access.error());
    model::User user;
    user.name = options.user;
    for (const JsonView& one : access->list("users")) {
        if (one.text("name") == options.user) user.email = one.text("email");
    }
    std::vector<NamedPlace> places;
    for (const JsonView& target : access->list("targets")) {
        const std::string name = target.text("name");
        const auto reached = reaches(context, options.user, name);
        if (!reached) return failed(reached.error());
        if (*reached) places.push_back({name, first_login(target, user)});
    }
    if (options.known_hosts) {
        print_known_hosts(*ca, port == 22 ? host : fmt::format("[{}]:{}", host, port), places);
    } else {
        print_hosts(options, host, port, places);
    }
    return kDone;
}

}  // namespace

void add_ssh_config_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand(
        "ssh-config", "The ~/.ssh/config lines for this gateway and its targets, or the known_hosts lines");
    auto options = std::make_shared<SshConfigOptions>();
    command->add_option("--user", options->user, "Only targets that this user may reach");
    command->add_option("--host", options->host, "The gateway's name as users know it; without it this machine's");
    command->add_option("--port", options->port, "The gateway's port as users know it; without it the first it listens on");
    command->add_option("--alias", options->alias, "Short name for the gateway")->capture_default_str();
    command->add_flag("--known-hosts", options->known_hosts, "Lines for ~/.ssh/known_hosts instead");
    command->footer(examples({"sekisho ssh-config --user alice --host gw.example.com >> ~/.ssh/config", "ssh web1.gw",
        "ssh web1", "ssh -J gw web1",
        "sekisho ssh-config --host gw.example.com --known-hosts >> ~/.ssh/known_hosts"}));
    command->callback(
        [&context, options] { context.run = [&context, options] { return print_config(context, *options); }; });
}

}  // namespace sekisho::cli
