#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/gateway_call.h"
#include "cli/sessions.h"
#include "cli/search_options.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

struct SessionsOptions {
    SearchOptions narrowed;
    std::string id;
    std::string reason;
    std::size_t most = 50;
    bool live = false;
    bool json = false;
};

std::string state(const JsonView& session) {
    if (session.flag("live")) return "live";
    return session.text("finished").empty() ? "open" : session.text("result");
}

std::string binary_size_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

int list_sessions(const Context& context, const SessionsOptions& options) {
    const auto answer = call_gateway(context, "GET",
        with_query("/v1/sessions",
            options.narrowed.query({{"live", options.live ? "1" : ""}, {"most", std::to_string(options.most)}})));
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->at("sessions").pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& s : answer->list("sessions")) {
        rows.push_back({s.text("id"), second(s.text("started")), s.text("user"), s.text("target"), s.text("source"),
            binary_size_text(s.number("bytes_in")), binary_size_text(s.number("bytes_out")), state(s), s.text("audit_key")});
    }
    print_table({"ID", "STARTED", "USER", "TARGET", "FROM", "IN", "OUT", "STATE", "AUDIT KEY"}, rows);
    return kDone;
}

int show_session(const Context& context, const SessionsOptions& options) {
    const auto s = call_gateway(context, "GET", "/v1/sessions/" + web::url_encoded(options.id));
    if (!s) return failed(s.error());
    if (options.json) {
        print_line(s->pretty());
        return kDone;
    }
    const std::vector<std::pair<std::string, std::string>> lines{{"id", s->text("id")}, {"audit key", s->text("audit_key")},
        {"user", s->text("user")}, {"from", fmt::format("{} port {}", s->text("source"), s->number("source_port"))},
        {"key", s->text("key_fingerprint")}, {"client", s->text("client")}, {"target", s->text("target")},
        {"started", s->text("started")}, {"finished", s->text("finished")}, {"state", state(*s)},
        {"in", binary_size_text(s->number("bytes_in"))}, {"out", binary_size_text(s->number("bytes_out"))}};
    for (const auto& [name, value] : lines) {
        if (!value.empty()) print_line(fmt::format("{:<10} {}", name, printable(value)));
    }
    return kDone;
}

int end(const Context& context, const SessionsOptions& options) {
    const auto answer = call_gateway(
        context, "DELETE", with_query("/v1/sessions/" + web::url_encoded(options.id), {{"reason", options.reason}}));
    if (!answer) return failed(answer.error());
    print_line("ended " + options.id);
    return kDone;
}

}  // namespace

void add_sessions_command(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("sessions", "Sessions, live and past");
    command->require_subcommand(1);
    auto options = std::make_shared<SessionsOptions>();

    CLI::App* ls = command->add_subcommand("ls", "Lists sessions, the newest first");
    ls->add_option("WORDS", options->narrowed.words, "Each of them stands in what is known of the session");
    options->narrowed.add_to(*ls);
    ls->add_flag("--live", options->live, "Only those that run");
    ls->add_option("--most", options->most, "At most so many")->capture_default_str();
    ls->add_flag("--json", options->json, "As JSON");
    ls->footer(examples({"sekisho sessions ls --live", "sekisho sessions ls --user alice --since 2d --json"}));
    ls->callback([&context, options] { context.run = [&context, options] { return list_sessions(context, *options); }; });

    CLI::App* one = command->add_subcommand("show", "Everything about one session");
    one->add_option("ID", options->id, "Id or audit key")->required();
    one->add_flag("--json", options->json, "As JSON");
    one->footer(examples({"sekisho sessions show 2026-11-22_05-16-00_alice"}));
    one->callback([&context, options] { context.run = [&context, options] { return show_session(context, *options); }; });

    add_sessions_watch(*command, context);

    CLI::App* ending = command->add_subcommand("end", "Ends a live session; its user is told");
    ending->add_option("ID", options->id, "Id or audit key")->required();
    ending->add_option("--reason", options->reason, "What the user is told");
    ending->footer(examples({"sekisho sessions end 4f2a9c01d3e6b785 --reason \"maintenance at noon\""}));
    ending->callback([&context, options] { context.run = [&context, options] { return end(context, *options); }; });
}

}  // namespace sekisho::cli
