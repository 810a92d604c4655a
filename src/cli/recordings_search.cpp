// recordings search: commands and operations on files of all sessions, from the gateway's searchable index.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/gateway_call.h"
#include "cli/recordings.h"
#include "cli/search_options.h"

namespace sekisho::cli {
namespace {

struct RecordingsSearchOptions {
    SearchOptions narrowed;
    std::string command;
    std::string path;
    std::string sha256;
    std::size_t most = 100;
    bool json = false;
};

/// "write /srv/a (7 B, sha256 …)", "rename /srv/a → /srv/b", with what went wrong.
std::string what_was_done(const JsonView& file) {
    std::string text = file.text("operation") + " " + file.text("path");
    if (!file.text("other_path").empty()) text += " → " + file.text("other_path");
    const std::uint64_t bytes = std::max(file.number("bytes_read"), file.number("bytes_written"));
    if (bytes > 0) text += fmt::format(" ({} B)", bytes);
    if (const std::string result = file.text("result"); !result.empty() && result != "ok") text += ": " + result;
    return text;
}

int search(const Context& context, const RecordingsSearchOptions& options) {
    const auto answer = call_gateway(context, "GET",
        with_query("/v1/search", options.narrowed.query({{"command", options.command}, {"path", options.path},
                                     {"sha256", options.sha256}, {"most", std::to_string(options.most)}})));
    if (!answer) return failed(answer.error());
    if (options.json) {
        print_line(answer->pretty());
        return kDone;
    }
    std::vector<std::vector<std::string>> rows;
    for (const JsonView& hit : answer->list("hits")) {
        const bool command = hit.text("kind") == "command";
        rows.push_back({second(hit.text("time")), hit.text("user"), hit.text("target"),
            command ? hit.text("how") : hit.text("via"), command ? hit.text("text") : what_was_done(hit),
            hit.text("audit_key").empty() ? hit.text("session") : hit.text("audit_key")});
    }
    for (const JsonView& s : answer->list("sessions")) {
        rows.push_back({second(s.text("started")), s.text("user"), s.text("target"), "session",
            fmt::format("from {} with {}", s.text("source"), s.text("client")),
            s.text("audit_key").empty() ? s.text("id") : s.text("audit_key")});
    }
    print_table({"TIME", "USER", "TARGET", "HOW", "WHAT", "AUDIT KEY"}, rows);
    if (rows.empty()) {
        failed(
            "nothing was found. What rules keep out of the index (`index`), and what sealed recordings hold, is not "
            "searched");
        return kDone;
    }
    return kDone;
}

}  // namespace

void add_recordings_search(CLI::App& recordings, Context& context) {
    auto options = std::make_shared<RecordingsSearchOptions>();
    CLI::App* command = add_work(recordings, context, options, "search", "Find commands and files in all sessions", search);
    command->add_option("WORDS", options->narrowed.words,
        "Each of them stands in the command or path; of one or two letters: at the beginning of a word");
    options->narrowed.add_to(*command);
    command->add_option("--command", options->command, "Stands in a command; no files then");
    command->add_option("--path", options->path, "Stands in a path; no commands then");
    command->add_option("--sha256", options->sha256, "Of a file that was read or written in full");
    command->add_option("--most", options->most, "At most so many")->capture_default_str();
    command->footer(
        examples({"sekisho recordings search nginx restart --since 2d", "sekisho recordings search 'rm -rf' --user alice",
            "sekisho recordings search --path /etc/shadow --json", "sekisho recordings search 障害報告"}));
}

}  // namespace sekisho::cli
