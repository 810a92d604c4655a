// user, target, rule, client-host and route: what the store has of them, and changes of one.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/difference_output.h"
#include "cli/field_words.h"
#include "cli/gateway_call.h"
#include "model/access_fields.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

constexpr int kAttempts = 20;
constexpr long kConflict = 409;

struct AccessOptions {
    std::string name;
    std::vector<std::string> words;
    std::string before;
    bool json = false;
};

using Row = std::vector<std::string>;

struct Kind {
    const char* word;
    const char* key;   // in the answer, of one
    const char* list;  // key in the answer, and the part of the path
    const char* what;
    Row heading;
    Row (*row)(const JsonView&);
    std::vector<std::string> examples;
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

Row route_row(const JsonView& route) {
    const std::string via = joined(route.texts("via"));
    return {route.text("name"), joined(route.texts("hosts")), via.empty() ? "(directly)" : via};
}

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"user", "user", "users", "users", {"NAME", "E-MAIL", "GROUPS", "KEYS", "STATE"}, user_row,
            {"sekisho user ls", "sekisho user add alice email=alice@example.com groups=ops,dev",
                "sekisho user set alice groups-=dev locked=true", "sekisho user rm alice"}},
        {"target", "target", "targets", "targets", {"NAME", "ADDRESS", "LOGINS", "AUTH", "ROUTE", "LABELS"}, target_row,
            {"sekisho target add web1 address=10.0.0.5:22 logins=ubuntu trust=first-use labels.env=prod",
                "sekisho target set web1 logins+=root labels.env=", "sekisho target rm web1"}},
        {"rule", "rule", "rules", "rules", {"NAME", "USERS", "TARGETS", "LOGINS", "ALLOW", "FORWARD", "RECORD"}, rule_row,
            {"sekisho rule add \"ops on web\" users=@ops targets='web*' allow=shell,exec",
                "sekisho rule set \"ops on web\" when.hours='Mon-Fri 08:00-20:00 Asia/Tokyo' --before everybody",
                "sekisho rule rm \"ops on web\""}},
        {"client-host", "client_host", "client_hosts", "client hosts, whose word counts for their users",
            {"NAME", "ADDRESSES", "KEYS", "USERS", "ACCOUNTS"}, client_host_row,
            {"sekisho client-host ls",
                "sekisho client-host add desk1.example.com addresses=10.0.0.0/24 \"keys=ssh-ed25519 AAAA…\" users=alice",
                "sekisho client-host rm desk1.example.com"}},
        {"route", "route", "routes", "routes to hosts that have none of their own", {"NAME", "HOSTS", "VIA"}, route_row,
            {"sekisho route add inside hosts='*.example.net' via=relay1 --before \"everything else\"",
                "sekisho route add \"everything else\" hosts='*' via=http://proxy.example.net:3128",
                "sekisho route rm inside"}}};
    return all;
}

std::string object_path(const Kind& kind, const std::string& name) {
    return fmt::format("/v1/{}/{}", kind.list, web::url_encoded(name));
}

int list(const Context& context, const Kind& kind, const AccessOptions& options) {
    const auto answer = call_gateway(context, "GET", fmt::format("/v1/{}", kind.list));
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->at(kind.list).pretty());
        return kDone;
    }
    std::vector<Row> rows;
    for (const JsonView& item : answer->list(kind.list)) rows.push_back(kind.row(item));
    print_table(kind.heading, rows);
    return kDone;
}

/// One line for each field that is set, and for each item of a list.
void print_fields(const Kind& kind, const JsonView& object) {
    for (const model::AccessField& field : model::access_fields(kind.word)) {
        const std::size_t dot = field.name.find('.');
        const JsonView place = dot == std::string_view::npos ? object : object.at(field.name.substr(0, dot));
        const std::string_view key = dot == std::string_view::npos ? field.name : field.name.substr(dot + 1);
        std::vector<std::string> lines;
        switch (field.type) {
            case model::FieldType::Text: lines = {place.text(key)}; break;
            case model::FieldType::Texts: lines = place.texts(key); break;
            case model::FieldType::Number:
                if (const auto number = place.number(key)) lines = {std::to_string(number)};
                break;
            case model::FieldType::Flag: lines = {place.flag(key) ? "true" : ""}; break;
            case model::FieldType::Pairs:
                for (const auto& [name, value] : place.pairs(key)) lines.push_back(name + "=" + value);
                break;
        }
        std::string_view label = field.name;
        for (const std::string& line : lines) {
            if (line.empty()) continue;
            print_line(fmt::format("{:<14} {}", label, printable(line)));
            label = "";
        }
    }
    if (const std::string origin = object.text("origin"); !origin.empty())
        print_line(fmt::format("{:<14} {}", "origin", printable(origin)));
}

int show(const Context& context, const Kind& kind, const AccessOptions& options) {
    const auto answer = call_gateway(context, "GET", object_path(kind, options.name));
    if (!answer) return failed(answer.error());
    const JsonView object = answer->at(kind.key);
    if (options.json)
        print_line(object.pretty());
    else
        print_fields(kind, object);
    return kDone;
}

int add(const Context& context, const Kind& kind, const AccessOptions& options) {
    const auto body = body_of_words(kind.word, options.words, nullptr, options.name);
    if (!body) return failed(body.error());
    return changed(
        call_gateway(context, "POST", with_query(fmt::format("/v1/{}", kind.list), {{"before", options.before}}), *body),
        options.json);
}

/// A list that is added to is changed as it was seen; where somebody else was quicker it is looked at again.
int set(const Context& context, const Kind& kind, const AccessOptions& options) {
    if (options.words.empty() && options.before.empty()) return failed("nothing to set: write FIELD=VALUE");
    const bool look = need_what_is_there(options.words);
    Result<JsonView> answer = fail("");
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        std::optional<JsonView> there;
        std::string version;
        if (look) {
            const auto seen = call_gateway(context, "GET", object_path(kind, options.name));
            if (!seen) return failed(seen.error());
            there = seen->at(kind.key);
            version = std::to_string(seen->number("version"));
        }
        const auto body = body_of_words(kind.word, options.words, there ? &*there : nullptr, {});
        if (!body) return failed(body.error());
        long status = 0;
        answer = call_gateway(context, "PATCH",
            with_query(object_path(kind, options.name), {{"version", version}, {"before", options.before}}), *body, &status);
        if (answer || status != kConflict || !look) break;
    }
    return changed(answer, options.json);
}

int remove(const Context& context, const Kind& kind, const AccessOptions& options) {
    return changed(call_gateway(context, "DELETE", object_path(kind, options.name)), options.json);
}

using Work = int (*)(const Context&, const Kind&, const AccessOptions&);

CLI::App* add_work(CLI::App& command, Context& context, const Kind& kind, const std::shared_ptr<AccessOptions>& options,
    const char* word, const std::string& help, Work work) {
    CLI::App* sub = command.add_subcommand(word, help);
    sub->add_flag("--json", options->json, "As JSON");
    sub->callback([&context, &kind, options, work] {
        context.run = [&context, &kind, options, work] { return work(context, kind, *options); };
    });
    return sub;
}

}  // namespace

void add_access_commands(CLI::App& app, Context& context) {
    for (const Kind& kind : kinds()) {
        CLI::App* command = app.add_subcommand(kind.word, fmt::format("The {} that the store has", kind.what));
        command->require_subcommand(1);
        command->footer(examples(kind.examples));
        auto options = std::make_shared<AccessOptions>();
        add_work(*command, context, kind, options, "ls", fmt::format("Lists the {}", kind.what), list);
        CLI::App* one =
            add_work(*command, context, kind, options, "show", fmt::format("Everything about one {}", kind.word), show);
        CLI::App* adding = add_work(*command, context, kind, options, "add", fmt::format("Adds a {}", kind.word), add);
        CLI::App* setting =
            add_work(*command, context, kind, options, "set", fmt::format("Changes fields of a {}", kind.word), set);
        CLI::App* removing = add_work(*command, context, kind, options, "rm",
            std::string_view(kind.word) == "user" ? "Removes a user, and ends their sessions"
                                                  : fmt::format("Removes a {}", kind.word),
            remove);
        for (CLI::App* sub : {one, adding, setting, removing})
            sub->add_option("NAME", options->name, "Its name")->required();
        for (CLI::App* sub : {adding, setting}) {
            sub->add_option("FIELD=VALUE", options->words, "What to set");
            if (std::string_view(kind.word) == "rule" || std::string_view(kind.word) == "route")
                sub->add_option("--before", options->before,
                    fmt::format("The {} that comes next: of those that match, the first decides", kind.word));
            sub->footer(fields_help(kind.word));
        }
        if (std::string_view(kind.word) == "target") add_secret_commands(*command, context);
    }
    add_group_command(app, context);
    add_key_command(app, context);
}

}  // namespace sekisho::cli
