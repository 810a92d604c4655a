#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/gateway_call.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

struct MailOptions {
    std::string id;
    bool all = false;
    bool json = false;
};

int list_mails(const Context& context, const MailOptions& options) {
    const auto answer = call_gateway(context, "GET", "/v1/mail");
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->at("mails").pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& one : answer->list("mails")) {
        rows.push_back({one.text("id"), one.text("state"), one.text("made"), one.text("to"), one.text("subject"),
            std::to_string(one.number("attempts")), one.text("next"), one.text("error")});
    }
    print_table({"ID", "STATE", "MADE", "TO", "SUBJECT", "ATTEMPTS", "NEXT", "ERROR"}, rows);
    return kDone;
}

int show_mail(const Context& context, const MailOptions& options) {
    const auto mail = call_gateway(context, "GET", "/v1/mail/" + web::url_encoded(options.id));
    if (!mail) return failed(mail.error());
    if (options.json) {
        print_line(mail->pretty());
        return kDone;
    }
    const std::vector<std::pair<std::string, std::string>> lines{{"id", mail->text("id")}, {"state", mail->text("state")},
        {"from", mail->text("from")}, {"to", mail->text("to")}, {"subject", mail->text("subject")},
        {"made", mail->text("made")}, {"attempts", std::to_string(mail->number("attempts"))}, {"next", mail->text("next")},
        {"error", mail->text("error")}};
    for (const auto& [name, value] : lines) {
        if (!value.empty()) print_line(fmt::format("{:<10} {}", name, printable(value)));
    }
    print_line();
    const std::string text = mail->text("text");
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        print_line(printable(std::string_view(text).substr(at, end - at)));
        at = end + 1;
    }
    return kDone;
}

int changed(const Context& context, std::string_view method, const std::string& target, std::string_view what, bool json) {
    const auto answer = call_gateway(context, method, target);
    if (!answer) return failed(answer.error());
    if (json) {
        print_line(answer->at("mails").pretty());
        return kDone;
    }
    const auto ids = answer->texts("mails");
    for (const std::string& id : ids) print_line(fmt::format("{} {}", what, id));
    if (ids.empty()) print_line("there is no mail");
    return kDone;
}

}  // namespace

void add_mail_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("mail", "Mails about sessions that wait for the relay, or were given up");
    command->require_subcommand(1);
    auto options = std::make_shared<MailOptions>();
    CLI::App* ls = command->add_subcommand("ls", "Lists them, those that wait first");
    ls->add_flag("--json", options->json, "As JSON");
    ls->footer(examples({"sekisho mail ls", "sekisho mail ls --json"}));
    ls->callback([&context, options] { context.run = [&context, options] { return list_mails(context, *options); }; });

    CLI::App* one = command->add_subcommand("show", "One of them, with its text");
    one->add_option("ID", options->id, "Its id")->required();
    one->add_flag("--json", options->json, "As JSON");
    one->footer(examples({"sekisho mail show 000000001200-0-5f3a9c01d3e6"}));
    one->callback([&context, options] { context.run = [&context, options] { return show_mail(context, *options); }; });

    CLI::App* again = command->add_subcommand("retry", "Tries it anew, now; one that was given up, too");
    auto* id = again->add_option("ID", options->id, "Its id");
    again->add_flag("--all", options->all, "All of them")->excludes(id);
    again->add_flag("--json", options->json, "As JSON");
    again->footer(examples({"sekisho mail retry 000000001200-0-5f3a9c01d3e6", "sekisho mail retry --all"}));
    again->callback([&context, options] {
        if (options->all == !options->id.empty()) throw CLI::ValidationError("mail retry", "an ID or --all is wanted");
        context.run = [&context, options] {
            const std::string target = options->all ? "/v1/mail" : "/v1/mail/" + web::url_encoded(options->id);
            return changed(context, "PATCH", target, "to be tried anew:", options->json);
        };
    });

    CLI::App* rm = command->add_subcommand("rm", "Removes it; nobody gets it then");
    rm->add_option("ID", options->id, "Its id")->required();
    rm->footer(examples({"sekisho mail rm 000000001200-0-5f3a9c01d3e6"}));
    rm->callback([&context, options] {
        context.run = [&context, options] {
            return changed(context, "DELETE", "/v1/mail/" + web::url_encoded(options->id), "removed", false);
        };
    });

    CLI::App* test = command->add_subcommand("test", "Sends a mail to everybody in mail.to");
    test->add_flag("--json", options->json, "As JSON");
    test->footer(examples({"sekisho mail test && sleep 2 && sekisho mail ls"}));
    test->callback([&context, options] {
        context.run = [&context, options] {
            return changed(context, "POST", "/v1/mail", "waits to be sent:", options->json);
        };
    });
}

}  // namespace sekisho::cli
