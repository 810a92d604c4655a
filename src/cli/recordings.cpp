#include "cli/recordings.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/time_zone.h"
#include "cli/recordings_remote.h"
#include "cli/recordings_screen.h"
#include "model/shipment.h"
#include "recording/commands.h"
#include "recording/export.h"
#include "recording/file_listing.h"
#include "recording/folder.h"
#include "recording/listing.h"
#include "recording/opened_copy.h"
#include "recording/pcapng.h"
#include "recording/ssh_log.h"
#include "recording/zip.h"

namespace sekisho::cli {

namespace {

using namespace recording;

struct RecordingsOptions {
    bool json = false;
    std::string user;
    std::string which;  // audit key or file
    std::optional<std::uint32_t> channel;
    double speed = 1;
    double max_pause = 2;
    bool raw = false;
    std::string stream;  // stdout or stderr; empty: both
    std::string format = "asciicast-v2";
    std::string output;
    bool input = false;
    bool of_files = false;
    std::string key;  // file of an auditor's private key
    std::string to;   // file of a public key
    std::string from;  // play: where to begin
    ScreenOptions screen;
};

/// An export's file: gathered, so that thousands of events are not as many system calls.
class Output {
public:
    static Result<std::unique_ptr<Output>> open(const std::string& path) {
        if (path == "-") return std::unique_ptr<Output>(new Output(STDOUT_FILENO, false));
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0) return fail("cannot write " + path, std::system_category().message(errno));
        return std::unique_ptr<Output>(new Output(fd, true));
    }
    ~Output() {
        if (m_own) ::close(m_fd);
    }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    bool add(std::string_view text) {
        m_text.append(text);
        return m_text.size() < kGathered || flush();
    }
    bool flush() {
        const bool written = write_all(m_fd, m_text);
        m_text.clear();
        return written;
    }

private:
    static constexpr std::size_t kGathered = 64 * 1024;
    Output(int fd, bool own) : m_fd(fd), m_own(own) {}
    const int m_fd;
    const bool m_own;
    std::string m_text;
};

Result<std::string> folder_of(const Context& context) {
    const auto config = context.config();
    if (!config) return std::unexpected(config.error());
    return config->path(config->recording.dir);
}

/// A file with a key of auditors; what is longer than any is none.
Result<std::string> key_text(const std::string& path) {
    constexpr std::streamsize kMost = 256;
    std::ifstream file(path, std::ios::binary);
    if (!file.is_open()) return fail("it cannot be read");
    std::string text(static_cast<std::size_t>(kMost), '\0');
    file.read(text.data(), kMost);
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return text;
}

std::string duration_text(std::chrono::microseconds duration) {
    const auto seconds = duration.count() / 1'000'000;
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string size_text(std::uint64_t size) {
    if (size < 10'000) return fmt::format("{} B", size);
    if (size < 10'000'000) return fmt::format("{} kB", size / 1000);
    return fmt::format("{} MB", size / 1'000'000);
}

Style style_of(State state) {
    switch (state) {
        case State::Complete: return Style::Plain;
        case State::Live: return Style::Green;
        case State::Cut: return Style::Yellow;
        case State::Failed:
        case State::Damaged: return Style::Red;
    }
    return Style::Plain;
}

nlohmann::json as_json(const std::string& key, const Entry& entry) {
    return {{"audit_key", key}, {"session", entry.facts.session}, {"user", entry.facts.user}, {"source", entry.facts.source},
        {"started", base::rfc3339(entry.facts.started)},
        {"duration_seconds", static_cast<double>(entry.duration.count()) / 1e6}, {"size", entry.size},
        {"state", recording::name(entry.state)}, {"reason", entry.reason}, {"targets", entry.targets},
        {"has_signature", entry.has_signature}, {"path", entry.path}};
}

/// One that is in the bucket only, or nowhere any more, as its session says it was.
nlohmann::json as_json(const JsonView& elsewhere) {
    return {{"audit_key", elsewhere.text("audit_key")}, {"session", elsewhere.text("session")}, {"user", elsewhere.text("user")},
        {"started", elsewhere.text("started")}, {"size", elsewhere.number("size")}, {"state", "removed here"},
        {"reason", elsewhere.text("result")}, {"targets", nlohmann::json::array({elsewhere.text("target")})},
        {"shipping", elsewhere.text("shipping")}, {"path", ""}};
}

int list(const Context& context, const RecordingsOptions& options) {
    const auto folder = folder_of(context);
    if (!folder) return failed(folder.error());
    if (is_closed(*folder)) return list_recordings(context, options.user, options.json);
    const auto config = context.config();
    const bool ships = config && !config->recording.upload.url.empty();
    const ShippingStates shipping = ships ? shipping_states(context, options.user) : ShippingStates();
    // Of one that is here: it is written down as removed a moment before it is.
    const auto shipped = [&](const std::string& session) {
        const auto known = shipping.by_session.find(session);
        if (!shipping.known) return std::string("unknown");
        if (known == shipping.by_session.end()) return std::string("local");
        const bool removed = known->second == model::name(model::ShipmentState::Removed);
        return removed ? std::string(model::name(model::ShipmentState::Verified)) : known->second;
    };
    std::set<std::string> here;
    nlohmann::json all = nlohmann::json::array();
    std::vector<std::vector<std::string>> rows;
    for (const std::string& path : all_recordings(*folder)) {
        const std::string key = std::filesystem::path(path).stem().string();
        auto entry = describe(*folder, path);
        if (!entry) {  // a listing that hides what it cannot read would hide tampering
            Entry unreadable;
            unreadable.path = path;
            unreadable.state = State::Damaged;
            unreadable.reason = entry.error().full();
            entry = std::move(unreadable);
        }
        if (!options.user.empty() && entry->facts.user != options.user) continue;
        here.insert(entry->facts.session);
        if (options.json) {
            all.push_back(as_json(key, *entry));
            all.back()["shipping"] = shipped(entry->facts.session);
            continue;
        }
        std::string targets;
        for (const std::string& target : entry->targets) targets += (targets.empty() ? "" : " ") + printable(target);
        rows.push_back({key, printable(entry->facts.user),
            entry->facts.started == WallTime{} ? "" : base::local_time(entry->facts.started, "%Y-%m-%d %H:%M:%S"),
            duration_text(entry->duration), size_text(entry->size),
            styled(style_of(entry->state), recording::name(entry->state)), targets});
        if (ships) rows.back().insert(rows.back().end() - 1, shipped(entry->facts.session));
    }
    for (const JsonView& one : shipping.elsewhere) {
        if (here.contains(one.text("session"))) continue;
        all.push_back(as_json(one));
        const auto started = base::parse_rfc3339(one.text("started"));
        rows.push_back({one.text("audit_key"), printable(one.text("user")),
            started ? base::local_time(*started, "%Y-%m-%d %H:%M:%S") : "", "", size_text(one.number("size")),
            styled(Style::Dim, "removed here"), one.text("shipping"), printable(one.text("target"))});
    }
    std::ranges::sort(rows);
    std::sort(all.begin(), all.end(), [](const auto& one, const auto& other) { return one["audit_key"] < other["audit_key"]; });
    if (options.json) {
        print_line(all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        std::vector<std::string> heading{"AUDIT KEY", "USER", "STARTED", "DURATION", "SIZE", "STATE", "TARGETS"};
        if (ships) heading.insert(heading.end() - 1, "SHIPPING");
        print_table(heading, rows);
    }
    return kDone;
}

int play(const Context& context, const RecordingsOptions& options) {
    auto reader = open_recording(context, options.which, options.key);
    if (!reader) return failed(reader.error());
    Pace pace(
        options.raw ? 0 : options.speed, std::chrono::microseconds(static_cast<std::int64_t>(options.max_pause * 1e6)));
    Screens screens(*reader, options.channel);
    std::optional<Shown> shown;
    if (options.from.empty()) {
        shown = screens.replay().next();
    } else {
        const auto from = parse_position(options.from);
        if (!from) {
        failed(from.error());
        return kUsage;
    }
        shown = screens.seek(*from);
        const auto* last = screens.last();
        const std::string repaint = last == nullptr ? "" : kFreshTerminal + last->screen.repaint().value_or("");
        if (options.stream != "stderr" && !write_all(STDOUT_FILENO, repaint))
            return failed("the replay cannot be written");
        pace.begin(*from);
    }
    for (; shown; shown = screens.replay().next()) {
        if (shown->kind != Shown::Kind::Output) continue;
        if (const auto wait = pace.wait(shown->at); wait.count() > 0) std::this_thread::sleep_for(wait);
        if (!options.stream.empty() && shown->to_stderr != (options.stream == "stderr")) continue;
        const bool to_stderr = shown->to_stderr && options.stream.empty();
        if (!write_all(to_stderr ? STDERR_FILENO : STDOUT_FILENO, base::text_view(shown->bytes))) {
            return failed("the replay cannot be written");
        }
    }
    return report(*reader);
}

Result<void> export_as_script(Reader& reader, const ExportOptions& what, const std::string& stem) {
    auto data = Output::open(stem + ".data");
    if (!data) return std::unexpected(data.error());
    auto timing = Output::open(stem + ".time");
    if (!timing) return std::unexpected(timing.error());
    const auto done = export_script(
        reader, what, [&](std::string_view text) { return (*data)->add(text); },
        [&](std::string_view text) { return (*timing)->add(text); });
    if (!done) return done;
    if (!(*data)->flush() || !(*timing)->flush()) return fail("the export cannot be written");
    return {};
}

Result<void> export_as_cast(Reader& reader, Asciicast version, const ExportOptions& what, const std::string& path) {
    auto out = Output::open(path);
    if (!out) return std::unexpected(out.error());
    const auto done = export_asciicast(reader, version, what, [&](std::string_view text) { return (*out)->add(text); });
    if (!done) return done;
    return (*out)->flush() ? Result<void>() : fail("the export cannot be written");
}

/// What goes into one file as it comes.
Result<void> export_plainly(Result<void> (*format)(Reader&, const ExportOptions&, const Sink&), Reader& reader,
    const ExportOptions& what, const std::string& path) {
    auto out = Output::open(path);
    if (!out) return std::unexpected(out.error());
    const auto done = format(reader, what, [&](std::string_view text) { return (*out)->add(text); });
    if (!done) return done;
    return (*out)->flush() ? Result<void>() : fail("the export cannot be written");
}

Result<void> export_as_ssh_log(Reader& reader, const ExportOptions& what, const std::string& to, const std::string& path) {
    const auto text = key_text(to);
    const auto key = text ? parse_auditor_key(*text) : std::unexpected(text.error());
    if (!key) return fail(to + ": " + key.error().text);
    auto out = Output::open(path);
    if (!out) return std::unexpected(out.error());
    const auto sink = [&](std::string_view bytes) { return (*out)->add(bytes); };
    const auto done = export_ssh_log(reader, *key, what, sink, crypto::system_random());
    if (!done) return done;
    return (*out)->flush() ? Result<void>() : fail("the export cannot be written");
}

/// Of an export that is one file.
Result<void> export_to(const std::string& path, const std::function<Result<void>(const Sink& out)>& write) {
    auto out = Output::open(path);
    if (!out) return std::unexpected(out.error());
    if (auto done = write([&](std::string_view bytes) { return (*out)->add(bytes); }); !done) return done;
    return (*out)->flush() ? Result<void>() : fail("the export cannot be written");
}

/// `recordings open`: a copy for tools that have no key. What it says of itself is not evidence any more.
int open_copy(const Context& context, const RecordingsOptions& options) {
    const auto path = find_recording(context, options.which);
    if (!path) return failed(path.error());
    auto text = key_text(options.key);
    if (!text) return failed(options.key + ": " + text.error().text);
    const auto key = parse_auditor_secret(*text);
    base::wipe(std::as_writable_bytes(std::span(*text)));
    if (!key) return failed(options.key + ": " + key.error().text);
    const std::string stem = std::filesystem::path(options.which).stem().string();
    const std::string to = options.output.empty() ? stem + ".opened.skr" : options.output;
    std::error_code ignored;
    if (std::filesystem::equivalent(*path, to, ignored))
        return failed("the copy would take the place of the recording: name another file with -o");
    std::optional<OpenedCopy> copy;
    const auto done = export_to(to, [&](const Sink& out) -> Result<void> {
        auto made = copy_opened([&] { return open_file(*path); }, *key, out);
        if (!made) return std::unexpected(made.error());
        copy = std::move(*made);
        return {};
    });
    if (!done) {
        if (to != "-") std::filesystem::remove(to, ignored);
        return failed(done.error());
    }
    for (const Problem& problem : copy->problems) failed(problem.text);
    if (to != "-") {
        const std::string chain = base::hex(copy->original);
        print_line(fmt::format("{}: an opened copy of {} (chain {}); the evidence is the original", to, stem, chain));
    }
    return copy->problems.empty() ? kDone : kFailed;
}

int export_recording(const Context& context, const RecordingsOptions& options) {
    const bool script = options.format == "script";
    const bool ssh_log = options.format == "ssh-log";
    if (ssh_log != !options.to.empty()) {
        failed(ssh_log ? "ssh-log is sealed to somebody: --to FILE, with their public key" : "--to is for --format ssh-log");
        return kUsage;
    }
    if (script && options.output == "-") {
        failed("script writes two files, PATH.data and PATH.time: name a path");
        return kUsage;
    }
    auto reader = open_recording(context, options.which, options.key);
    if (!reader) return failed(reader.error());
    const std::string stem = std::filesystem::path(options.which).stem().string();
    const ExportOptions what{.channel = options.channel, .input = options.input};
    const auto path = [&](std::string_view ending) { return options.output.empty() ? stem + std::string(ending) : options.output; };
    const auto done = options.format == "files"    ? export_plainly(export_files, *reader, what, path(".files.jsonl"))
                      : options.format == "pcapng" ? export_plainly(export_pcapng, *reader, what, path(".pcapng"))
                      : options.format == "zip" ? export_plainly(export_zip, *reader, what, path(".zip"))
                      : options.format == "commands" ? export_plainly(export_commands, *reader, what, path(".commands.jsonl"))
                      : ssh_log ? export_as_ssh_log(*reader, what, options.to, options.output.empty() ? stem + ".sshlog" : options.output)
                      : script ? export_as_script(*reader, what, options.output.empty() ? stem : options.output)
                             : export_as_cast(*reader, options.format == "asciicast-v3" ? Asciicast::V3 : Asciicast::V2,
                                   what, options.output.empty() ? stem + ".cast" : options.output);
    if (!done) return failed(done.error());
    return report(*reader);
}

void add_key(CLI::App& command, const std::shared_ptr<RecordingsOptions>& options) {
    command.add_option("--key", options->key, "file of an auditor's private key, which opens what is sealed")
        ->envname("SEKISHO_AUDITOR_KEY");
}

void add_channel(CLI::App& command, const std::shared_ptr<RecordingsOptions>& options) {
    command.add_option(
        "--channel", options->channel, "only this channel of the session (default: all its shells and commands)");
}

}  // namespace

Result<std::string> find_recording(const Context& context, const std::string& which) {
    if (!is_audit_key(which)) {
        if (::access(which.c_str(), F_OK) == 0) return which;
        return fail("no recording " + printable(which), "neither an audit key nor a file");
    }
    const auto folder = folder_of(context);
    if (!folder) return std::unexpected(folder.error());
    const auto config = context.config();
    const bool ships = config && !config->recording.upload.url.empty();
    if (is_closed(*folder)) {
        auto fetched = fetch_recording(context, which);
        return fetched || !ships ? fetched : fetch_from_bucket(context, which, "");
    }
    std::string path = path_of(*folder, which);
    if (::access(path.c_str(), F_OK) == 0) return path;
    if (::access(which.c_str(), F_OK) == 0) return which;
    if (ships) return fetch_from_bucket(context, which, "");
    return fail("no recording " + which + " in " + *folder);
}

Result<void> unseal(Reader& reader, const std::string& key_file) {
    auto text = key_text(key_file);
    if (!text) return fail(key_file + ": " + text.error().text);
    const auto key = parse_auditor_secret(*text);
    base::wipe(std::as_writable_bytes(std::span(*text)));
    if (!key) return fail(key_file + ": " + key.error().text);
    return reader.unseal(*key);
}

Result<Reader> open_recording(const Context& context, const std::string& which, const std::string& key_file) {
    const auto path = find_recording(context, which);
    if (!path) return std::unexpected(path.error());
    auto reader = Reader::open(*path);
    if (!reader) return fail(reader.error().text + ": " + *path, reader.error().detail);
    if (!reader->sealed()) return reader;
    if (key_file.empty()) {
        std::string to;
        for (const SealedKey& one : reader->facts().seal) to += (to.empty() ? "" : " ") + text_of(one.to);
        return fail("the recording is sealed; --key FILE opens it, with the private half of: " + to);
    }
    if (const auto opened = unseal(*reader, key_file); !opened) return std::unexpected(opened.error());
    return reader;
}

int report(const Reader& reader) {
    for (const Problem& problem : reader.problems()) failed(problem.text);
    if (!reader.end()) {
        write_all(STDERR_FILENO, "sekisho: the recording has no end: it was cut, or is being written\n");
    } else if (reader.end()->ending != Ending::Complete) {
        write_all(STDERR_FILENO, fmt::format("sekisho: the recording is {}: {}{}{}\n", name(reader.end()->ending),
                                     printable(reader.end()->reason), reader.end()->failure.empty() ? "" : ": ",
                                     printable(reader.end()->failure)));
    }
    return reader.problems().empty() ? kDone : kFailed;
}

void add_recordings_command(CLI::App& app, Context& context) {
    auto options = std::make_shared<RecordingsOptions>();
    CLI::App* command = app.add_subcommand("recordings", "The recordings of sessions: list, show, play, export, verify");
    command->require_subcommand(1);
    const auto runs = [&context, options](int (*function)(const Context&, const RecordingsOptions&)) {
        return [&context, options, function] {
            context.run = [&context, options, function] { return function(context, *options); };
        };
    };

    CLI::App* ls = command->add_subcommand("ls", "List the recordings");
    ls->add_flag("--json", options->json, "as JSON");
    ls->add_option("--user", options->user, "only this user's");
    ls->callback(runs(list));

    add_recordings_search(*command, context);

    CLI::App* show =
        command->add_subcommand("show", "The channels of one recording: command, destination, bytes, exit status");
    show->add_option("recording", options->which, "audit key, or a file")->required();
    show->add_flag("--json", options->json, "as JSON");
    show->add_flag("--files", options->of_files, "what sftp and scp did instead: operation, path, bytes, SHA-256, result");
    show->add_option("--at", options->screen.at, "what stood on the screen then: seconds, or [H:]MM:SS, since the start");
    show->add_option("--channel", options->screen.channel,
        "with --at, --commands: of this channel only (default: the screen that changed last, the commands of all)");
    show->add_flag("--commands", options->screen.commands, "the commands that ran: of exec, and typed in a terminal");
    add_key(*show, options);
    show->footer(examples({"sekisho recordings show 2026-11-22_05-16-00_alice --at 12:30",
        "sekisho recordings show 2026-11-22_05-16-00_alice --commands",
        "sekisho recordings show 2026-11-22_05-16-00_alice --files"}));
    show->callback(runs([](const Context& of, const RecordingsOptions& chosen) {
        if (chosen.screen.commands) return show_commands(of, chosen.which, chosen.key, chosen.screen, chosen.json);
        if (!chosen.screen.at.empty()) return show_screen(of, chosen.which, chosen.key, chosen.screen, chosen.json);
        if (chosen.of_files) return show_files(of, chosen.which, chosen.key, chosen.json);
        return show_recording(of, chosen.which, chosen.key, chosen.json);
    }));

    CLI::App* play_command = command->add_subcommand("play", "Play a recording to this terminal");
    play_command->add_option("recording", options->which, "audit key, or a file")->required();
    play_command->add_option("--speed", options->speed, "times as fast; 0: without any pause")->check(CLI::Range(0.0, 1e6));
    play_command->add_option("--max-pause", options->max_pause, "longest pause in seconds")->check(CLI::Range(0.0, 86400.0));
    play_command->add_option("--stream", options->stream, "only what went to the user's stdout or stderr, to stdout")
        ->check(CLI::IsMember({"stdout", "stderr"}));
    play_command->add_option("--from", options->from, "begin there: seconds, or [H:]MM:SS, since the start");
    play_command->add_flag("--raw,--no-wait", options->raw, "without any pause, as --speed 0");
    add_channel(*play_command, options);
    add_key(*play_command, options);
    play_command->footer(examples({"sekisho recordings play 2026-11-22_05-16-00_alice --speed 4",
        "sekisho recordings play 2026-11-22_05-16-00_alice --from 1:02:30"}));
    play_command->callback(runs(play));

    CLI::App* export_command = command->add_subcommand("export", "Write a recording in the format of another tool");
    export_command->add_option("recording", options->which, "audit key, or a file")->required();
    export_command->add_option("--format", options->format, "script, asciicast-v2, asciicast-v3, zip, commands, files, pcapng or ssh-log")
        ->check(CLI::IsMember({"script", "asciicast-v2", "asciicast-v3", "zip", "commands", "files", "pcapng", "ssh-log"}));
    export_command->add_option("--to", options->to, "ssh-log: file of the public key that it is sealed to");
    export_command->add_option("--output,-o", options->output,
        "file, - for stdout (default: AUDITKEY with .cast, .zip, .commands.jsonl, .files.jsonl, .pcapng or .sshlog; for script the stem of "
        ".data and .time)");
    export_command->add_flag("--input", options->input, "asciicast: also what was typed");
    add_channel(*export_command, options);
    add_key(*export_command, options);
    export_command->footer(examples({"sekisho recordings export 2026-11-22_05-16-00_alice --format script",
        "scriptreplay --timing 2026-11-22_05-16-00_alice.time 2026-11-22_05-16-00_alice.data",
        "sekisho recordings export 2026-11-22_05-16-00_alice --format files -o -    # who moved which file",
        "sekisho recordings export 2026-11-22_05-16-00_alice --format pcapng       # forwards, for Wireshark",
        "sekisho recordings export 2026-11-22_05-16-00_alice --format ssh-log --to auditor.pub"}));
    export_command->callback(runs(export_recording));

    CLI::App* open_command = command->add_subcommand("open", "Write a copy of a sealed recording that needs no key any more");
    open_command->add_option("recording", options->which, "audit key, or a file")->required();
    add_key(*open_command, options);
    open_command->get_option("--key")->required();
    open_command->add_option("--output,-o", options->output, "file, - for stdout (default: AUDITKEY.opened.skr)");
    open_command->footer(examples({"sekisho recordings open 2026-11-22_05-16-00_alice --key auditor",
        "sekisho recordings play 2026-11-22_05-16-00_alice.opened.skr"}));
    open_command->callback(runs(open_copy));

    add_recordings_verify_command(*command, context);
}

}  // namespace sekisho::cli
