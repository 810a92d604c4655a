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

struct GroupOptions {
    std::string name;
    std::vector<std::string> users;
    bool all = false;
    bool json = false;
};

std::string group_path(const GroupOptions& options) { return "/v1/groups/" + web::url_encoded(options.name); }

int list_groups(const Context& context, const GroupOptions& options) {
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

int show_group(const Context& context, const GroupOptions& options) {
    const auto answer = call_gateway(context, "GET", group_path(options));
    if (!answer) return failed(answer.error());
    const JsonView group = answer->at("group");
    if (options.json) {
        print_line(group.pretty());
    } else {
        for (const std::string& user : group.texts("users")) print_line(printable(user));
    }
    return kDone;
}

int add_users(const Context& context, const GroupOptions& options) {
    return changed(call_gateway(context, "PATCH", group_path(options), lists_body({{"add", options.users}})), options.json);
}

int set_users(const Context& context, const GroupOptions& options) {
    return changed(call_gateway(context, "PUT", group_path(options), lists_body({{"users", options.users}})), options.json);
}

int remove_users(const Context& context, const GroupOptions& options) {
    if (options.all == !options.users.empty()) return failed("name the users who leave the group, or say --all");
    if (options.all) return changed(call_gateway(context, "DELETE", group_path(options)), options.json);
    return changed(
        call_gateway(context, "PATCH", group_path(options), lists_body({{"remove", options.users}})), options.json);
}

}  // namespace

void add_group_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("group", "Groups, which are what users say they belong to");
    command->require_subcommand(1);
    command->footer(examples({"sekisho group ls", "sekisho group add ops alice bob", "sekisho group rm ops bob"}));
    auto options = std::make_shared<GroupOptions>();
    add_work(*command, context, options, "ls", "Lists the groups with their users", list_groups);
    CLI::App* one = add_work(*command, context, options, "show", "The users of one group", show_group);
    CLI::App* adding = add_work(*command, context, options, "add", "Adds users to a group", add_users);
    CLI::App* setting =
        add_work(*command, context, options, "set", "Makes these users the group, and nobody else", set_users);
    CLI::App* removing = add_work(*command, context, options, "rm", "Removes users from a group", remove_users);
    for (CLI::App* sub : {one, adding, setting, removing}) sub->add_option("GROUP", options->name, "Its name")->required();
    for (CLI::App* sub : {adding, setting}) sub->add_option("USER", options->users, "Names of users")->required();
    removing->add_option("USER", options->users, "Names of users");
    removing->add_flag("--all", options->all, "Everybody: then there is no such group any more");
}

}  // namespace sekisho::cli
