// group: who is in which. A group is what its users' lists say.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/difference_output.h"
#include "cli/field_words.h"
#include "cli/gateway_call.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

struct Options {
    std::string name;
    std::vector<std::string> users;
    bool all = false;
    bool json = false;
};

std::string path_of(const Options& options) { return "/v1/groups/" + web::url_encoded(options.name); }

int list(const Context& context, const Options& options) {
    const auto answer = call_gateway(context, "GET", "/v1/groups");
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->at("groups").pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& group : answer->list("groups"))
        rows.push_back({group.text("name"), fmt::format("{}", fmt::join(group.texts("users"), ", "))});
    print_table({"NAME", "USERS"}, rows);
    return kDone;
}

int show(const Context& context, const Options& options) {
    const auto answer = call_gateway(context, "GET", path_of(options));
    if (!answer) return failed(answer.error());
    const JsonView group = answer->at("group");
    if (options.json) {
        print_line(group.pretty());
    } else {
        for (const std::string& user : group.texts("users")) print_line(printable(user));
    }
    return kDone;
}

int add(const Context& context, const Options& options) {
    return changed(call_gateway(context, "PATCH", path_of(options), lists_body({{"add", options.users}})), options.json);
}

int set(const Context& context, const Options& options) {
    return changed(call_gateway(context, "PUT", path_of(options), lists_body({{"users", options.users}})), options.json);
}

int remove(const Context& context, const Options& options) {
    if (options.all == !options.users.empty()) return failed("name the users who leave the group, or say --all");
    if (options.all) return changed(call_gateway(context, "DELETE", path_of(options)), options.json);
    return changed(call_gateway(context, "PATCH", path_of(options), lists_body({{"remove", options.users}})), options.json);
}

}  // namespace

void add_group_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("group", "Groups, which are what users say they belong to");
    command->require_subcommand(1);
    command->footer(examples({"sekisho group ls", "sekisho group add ops alice bob", "sekisho group rm ops bob"}));
    auto options = std::make_shared<Options>();
    add_work(*command, context, options, "ls", "Lists the groups with their users", list);
    CLI::App* one = add_work(*command, context, options, "show", "The users of one group", show);
    CLI::App* adding = add_work(*command, context, options, "add", "Adds users to a group", add);
    CLI::App* setting = add_work(*command, context, options, "set", "Makes these users the group, and nobody else", set);
    CLI::App* removing = add_work(*command, context, options, "rm", "Removes users from a group", remove);
    for (CLI::App* sub : {one, adding, setting, removing}) sub->add_option("GROUP", options->name, "Its name")->required();
    for (CLI::App* sub : {adding, setting}) sub->add_option("USER", options->users, "Names of users")->required();
    removing->add_option("USER", options->users, "Names of users");
    removing->add_flag("--all", options->all, "Everybody: then there is no such group any more");
}

}  // namespace sekisho::cli
