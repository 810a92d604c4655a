// sessions watch: a live session as its user sees it. First what the recording has of its screen, where it can be read, then what the
// gateway tells. What a target sends drives this terminal as it drives the user's: whatever the terminal answers is thrown away.
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/bytes.h"
#include "cli/gateway_call.h"
#include "cli/recordings.h"
#include "cli/sessions.h"
#include "recording/replay.h"
#include "web/api.h"

namespace sekisho::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostBefore = 256U << 10;  // of what was shown before: some screens
constexpr std::size_t kMostPending = 4U << 20;  // of a line of the gateway's
constexpr auto kWritten = 700ms;  // a block of the recording is on its way no longer than half a second

struct SessionsWatchOptions {
    std::string id;
    std::optional<std::uint32_t> channel;
    bool json = false;
};

/// The keyboard is silent meanwhile, and Ctrl-C leaves a usable terminal.
class WatchTerminal {
public:
    WatchTerminal() {
        if (::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &s_before) == 0) {
            s_changed = true;
            termios quiet = s_before;
            quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
            ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
        }
        struct sigaction action{};
        action.sa_handler = [](int) {
            restore();
            ::_exit(kDone);
        };
        for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
    }
    ~WatchTerminal() { restore(); }
    WatchTerminal(const WatchTerminal&) = delete;
    WatchTerminal& operator=(const WatchTerminal&) = delete;

private:
    /// Also in a signal handler: system calls only.
    static void restore() {
        if (::isatty(STDOUT_FILENO) == 1) {
            // Back to the main screen, scrolling everywhere, no mouse, plain colours, a cursor.
            constexpr std::string_view kPlain =
                "\x1b[?1049l\x1b[r\x1b[?1000;1002;1003;1006;2004l\x1b[?7h\x1b[?25h\x1b[0m\r\n";
            [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kPlain.data(), kPlain.size());
        }
        if (!s_changed) return;
        ::tcflush(STDIN_FILENO, TCIFLUSH);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &s_before);
        s_changed = false;
    }
    static inline termios s_before{};
    static inline volatile bool s_changed = false;
};

class Watch {
public:
    Watch(const Context& context, const SessionsWatchOptions& options) : m_context(context), m_options(options) {}

    /// A piece of the answer; false ends the watching.
    bool take(std::string_view piece) {
        m_pending += piece;
        std::size_t end = 0;
        while ((end = m_pending.find('\n')) != std::string::npos) {
            const std::string line = m_pending.substr(0, end);
            m_pending.erase(0, end + 1);
            if (m_options.json) {
                print_line(line);
                std::fflush(stdout);
            } else if (const auto event = JsonView::parse(line)) {
                happened(*event);
            }
        }
        return m_pending.size() < kMostPending;
    }

private:
    void happened(const JsonView& event) {
        const std::string what = event.text("event");
        const auto channel = static_cast<std::uint32_t>(event.number("channel"));
        if (what == "session") {
            const JsonView session = event.at("session");
            m_audit_key = session.text("audit_key");
            m_sealed = session.flag("sealed");
            say(fmt::format("watching {} of {} from {}; Ctrl-C ends it", session.text("id"), session.text("user"),
                session.text("source")));
        } else if (what == "channel") {
            const bool is_new = !m_channels.contains(channel);
            m_channels[channel] = fmt::format("{} {}{}", channel, event.text("target"),
                event.flag("terminal") ? fmt::format(" ({}x{})", event.number("columns"), event.number("rows")) : "");
            if (m_options.channel ? channel == *m_options.channel : !m_shown) show(channel, event.number("bytes"));
            if (is_new && m_shown && channel != *m_shown)
                say(fmt::format("another channel: {}; --channel {} shows it", m_channels[channel], channel));
        } else if (what == "output" && m_shown == channel) {
            if (const auto bytes = base::from_base64(event.text("data"))) out(base::text_view(*bytes));
        } else if (what == "skipped") {
            say(fmt::format("{} bytes were left out: they came faster than this terminal took them", event.number("bytes")));
        } else if (what == "closed") {
            m_channels.erase(channel);
            if (m_shown == channel) m_shown.reset();
        } else if (what == "end") {
            say("the session has ended: " + event.text("reason"));
        }
    }

    void show(std::uint32_t channel, std::uint64_t bytes) {
        if (m_shown == channel) return;
        m_shown = channel;
        say("channel " + m_channels[channel]);
        if (bytes > 0) before(channel, bytes);
    }

    /// The end of the first `bytes` bytes of the channel's output, from its recording.
    void before(std::uint32_t channel, std::uint64_t bytes) {
        if (m_audit_key.empty() || m_sealed)
            return say(m_sealed ? "its recording is sealed: what was on the screen before is not shown"
                                : "it is not recorded: what was on the screen before is not shown");
        std::this_thread::sleep_until(m_begun + kWritten);
        auto reader = open_recording(m_context, m_audit_key, {});
        if (!reader) return say(reader.error().text);
        recording::Replay replay(*reader, channel);
        std::string shown;
        std::uint64_t left = bytes;
        while (left > 0) {
            const auto piece = replay.next();
            if (!piece) break;
            if (piece->kind != recording::Shown::Kind::Output) continue;
            const auto text = base::text_view(piece->bytes).substr(0, left);
            left -= text.size();
            shown += text;
            if (shown.size() > 2 * kMostBefore) shown.erase(0, shown.size() - kMostBefore);
        }
        if (shown.size() > kMostBefore) shown.erase(0, shown.size() - kMostBefore);
        out(shown);
        if (left > 0) say(fmt::format("{} bytes before this are not in the recording yet", left));
    }

    static void out(std::string_view text) {
        print(text);
        std::fflush(stdout);
    }
    static void say(const std::string& text) {
        std::fflush(stdout);
        std::fputs(fmt::format("sekisho: {}\r\n", printable(text)).c_str(), stderr);
    }

    const Context& m_context;
    const SessionsWatchOptions& m_options;
    const std::chrono::steady_clock::time_point m_begun = std::chrono::steady_clock::now();
    std::string m_pending;
    std::string m_audit_key;
    bool m_sealed = false;
    std::map<std::uint32_t, std::string> m_channels;  // open ones, for people
    std::optional<std::uint32_t> m_shown;
};

int watch(const Context& context, const SessionsWatchOptions& options) {
    const WatchTerminal quiet;
    Watch watching(context, options);
    const auto done = stream_from_gateway(context, "/v1/watch/" + web::url_encoded(options.id),
        [&](std::string_view piece) { return watching.take(piece); });
    return done ? kDone : failed(done.error());
}

}  // namespace

void add_sessions_watch(CLI::App& sessions, Context& context) {
    auto options = std::make_shared<SessionsWatchOptions>();
    CLI::App* command = sessions.add_subcommand("watch", "Shows a live session as its user sees it; nothing is sent to it");
    command->add_option("ID", options->id, "Id or audit key")->required();
    command->add_option("--channel", options->channel, "This one, where the session has several");
    command->add_flag("--json", options->json, "What the gateway tells, a line of JSON each");
    command->footer(examples({"sekisho sessions ls --live", "sekisho sessions watch 4f2a9c01d3e6b785"}));
    command->callback([&context, options] { context.run = [&context, options] { return watch(context, *options); }; });
}

}  // namespace sekisho::cli
