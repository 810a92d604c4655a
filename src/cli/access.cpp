// user, group, target, rule and client-host: what the store has of them.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <map>

#include "cli/command.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

struct Options {
    std::string name;
    bool json = false;
};

using Row = std::vector<std::string>;

struct Kind {
    const char* word;
    const char* list;  // key in the answer
    const char* what;
    Row heading;
    Row (*row)(const JsonView&);
};

std::string joined(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ", ")); }

std::string joined(const std::vector<std::pair<std::string, std::string>>& items) {
    std::string text;
    for (const auto& [name, value] : items) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
    return text;
}

Row user_row(const JsonView& user) {
    const std::string state = user.flag("locked")            ? "locked"
                              : user.text("expires").empty() ? ""
                                                             : "until " + user.text("expires");
    return {user.text("name"), user.text("email"), joined(user.texts("groups")), std::to_string(user.texts("keys").size()),
        state};
}

Row target_row(const JsonView& target) {
    return {target.text("name"), target.text("address"), joined(target.texts("logins")), target.text("auth"),
        joined(target.texts("route")), joined(target.pairs("labels"))};
}

Row rule_row(const JsonView& rule) {
    return {rule.text("name"), joined(rule.texts("users")), joined(rule.texts("targets")), joined(rule.texts("logins")),
        joined(rule.texts("allow")), joined(rule.texts("forward")), rule.text("record")};
}

Row client_host_row(const JsonView& host) {
    return {host.text("name"), joined(host.texts("addresses")), std::to_string(host.texts("keys").size()), joined(host.texts("users")),
        joined(host.pairs("accounts"))};
}

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{{"user", "users", "users", {"NAME", "E-MAIL", "GROUPS", "KEYS", "STATE"}, user_row},
        {"target", "targets", "targets", {"NAME", "ADDRESS", "LOGINS", "AUTH", "ROUTE", "LABELS"}, target_row},
        {"rule", "rules", "rules", {"NAME", "USERS", "TARGETS", "LOGINS", "ALLOW", "FORWARD", "RECORD"}, rule_row},
        {"client-host", "client_hosts", "client hosts, whose word counts for their users",
            {"NAME", "ADDRESSES", "KEYS", "USERS", "ACCOUNTS"}, client_host_row}};
    return all;
}

int list(const Context& context, const Kind& kind, const Options& options) {
    const auto access = call_gateway(context, "GET", "/v1/access");
    if (!access) return failed(access.error());
    if (options.json) {
        print_line(access->at(kind.list).pretty());
        return kDone;
    }
    std::vector<Row> rows;
    for (const JsonView& item : access->list(kind.list)) rows.push_back(kind.row(item));
    print_table(kind.heading, rows);
    return kDone;
}

int show(const Context& context, const Kind& kind, const Options& options) {
    const auto access = call_gateway(context, "GET", "/v1/access");
    if (!access) return failed(access.error());
    for (const JsonView& item : access->list(kind.list)) {
        if (item.text("name") != options.name) continue;
        print_line(item.pretty());
        return kDone;
    }
    return failed(fmt::format("no {} is called {}", kind.word, printable(options.name)));
}

int groups(const Context& context, const Options& options, bool one) {
    const auto access = call_gateway(context, "GET", "/v1/access");
    if (!access) return failed(access.error());
    std::map<std::string, std::vector<std::string>> members;
    for (const JsonView& user : access->list("users")) {
        for (const std::string& group : user.texts("groups")) members[group].push_back(user.text("name"));
    }
    if (one && !members.contains(options.name)) return failed("nobody is in group " + printable(options.name));
    std::vector<Row> rows;
    std::string json;
    for (const auto& [group, names] : members) {
        if (one && group != options.name) continue;
        rows.push_back({group, joined(names)});
        // Names of users and groups have no character that JSON escapes.
        json += fmt::format(
            "{}  {{\"name\": \"{}\", \"users\": [\"{}\"]}}", json.empty() ? "" : ",\n", group, fmt::join(names, "\", \""));
    }
    if (options.json)
        print_line("[\n" + json + "\n]");
    else
        print_table({"NAME", "USERS"}, rows);
    return kDone;
}

}  // namespace

void add_access_commands(CLI::App& app, Context& context) {
    for (const Kind& kind : kinds()) {
        CLI::App* command = app.add_subcommand(kind.word, fmt::format("The {} that the store has", kind.what));
        command->require_subcommand(1);
        auto options = std::make_shared<Options>();
        CLI::App* ls = command->add_subcommand("ls", fmt::format("Lists the {}", kind.what));
        ls->add_flag("--json", options->json, "As JSON");
        ls->callback([&context, &kind, options] {
            context.run = [&context, &kind, options] { return list(context, kind, *options); };
        });
        CLI::App* one = command->add_subcommand("show", fmt::format("Everything about one {}, as JSON", kind.word));
        one->add_option("NAME", options->name, "Its name")->required();
        one->add_flag("--json", options->json, "As JSON (always so)");
        one->callback([&context, &kind, options] {
            context.run = [&context, &kind, options] { return show(context, kind, *options); };
        });
        command->footer(examples({fmt::format("sekisho {} ls", kind.word), fmt::format("sekisho {} show NAME", kind.word)}));
    }
    CLI::App* command = app.add_subcommand("group", "Groups, which are what users say they belong to");
    command->require_subcommand(1);
    auto options = std::make_shared<Options>();
    CLI::App* ls = command->add_subcommand("ls", "Lists the groups with their users");
    ls->add_flag("--json", options->json, "As JSON");
    ls->callback([&context, options] { context.run = [&context, options] { return groups(context, *options, false); }; });
    CLI::App* one = command->add_subcommand("show", "The users of one group");
    one->add_option("NAME", options->name, "Its name")->required();
    one->add_flag("--json", options->json, "As JSON");
    one->callback([&context, options] { context.run = [&context, options] { return groups(context, *options, true); }; });
}

}  // namespace sekisho::cli
