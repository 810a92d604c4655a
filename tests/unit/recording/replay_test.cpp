#include <nlohmann/json.hpp>

#include "fixture.h"
#include "recording/export.h"
#include "wire/writer.h"

namespace sekisho::recording::testing {
namespace {

using base::view;
using namespace std::chrono_literals;

Bytes plain_pty(std::uint32_t columns, std::uint32_t rows) {
    return wire::Writer().string("xterm-256color").u32(columns).u32(rows).u32(0).u32(0).string("").take();
}

/// A shell with a terminal on channel 0, an exec without one on channel 1, a forward on channel 2.
struct Recorded {
    Recorded() {
        const auto recordings = make_recordings(folder.path());
        Session session(*recordings, facts_of("alice"));
        const TimePoint begin = std::chrono::steady_clock::now();
        session->channel_opened({0, "session", "ubuntu@web1", ""}, begin);
        session->request(0, true, "pty-req", plain_pty(100, 30), begin);
        session->request(0, true, "shell", {}, begin);
        session->data(0, Stream::Notice, view("AUDIT KEY\r\n"), begin);
        session->data(0, Stream::Output, view("$ \xe9\x96"), begin + 100ms);  // 関所, split inside its first character
        session->data(0, Stream::Output, view("\xa2\xe6\x89\x80"), begin + 200ms);
        session->data(0, Stream::Input, view("\x04"), begin + 10s);
        session->request(0, true, "window-change", wire::Writer().u32(120).u32(40).u32(0).u32(0).take(), begin + 11s);
        session->data(0, Stream::Output, view("\xff bye\r\n"), begin + 12s);
        session->channel_opened({1, "session", "ubuntu@web1", ""}, begin + 12s);
        session->request(1, true, "exec", wire::Writer().string("make").take(), begin + 12s);
        session->data(1, Stream::Notice, view("notice\n"), begin + 12s);
        session->data(1, Stream::Output, view("out\n"), begin + 12s);
        session->data(1, Stream::Stderr, view("err\n"), begin + 12s);
        session->channel_opened({2, "direct-tcpip", "", "db:5432"}, begin + 12s);
        session->data(2, Stream::Output, view("forwarded"), begin + 12s);
        session->request(0, false, "exit-status", wire::Writer().u32(7).take(), begin + 13s);
        EXPECT_TRUE(session.finish());
        path = path_in(folder.path(), session.key);
        key = session.key;
    }
    TemporaryFolder folder;
    std::string path;
    std::string key;
};

std::string output(const std::string& path, std::optional<std::uint32_t> channel, bool to_stderr) {
    auto reader = Reader::open(path);
    Replay replay(*reader, channel);
    std::string out;
    while (const auto shown = replay.next()) {
        if (shown->kind == Shown::Kind::Output && shown->to_stderr == to_stderr) out += base::text_view(shown->bytes);
    }
    return out;
}

TEST(Replay, GivesWhatTheClientWroteToStdoutAndStderr) {
    const Recorded recorded;
    EXPECT_EQ(output(recorded.path, 0, false), "AUDIT KEY\r\n$ \xe9\x96\xa2\xe6\x89\x80\xff bye\r\n");
    EXPECT_EQ(output(recorded.path, 0, true), "");
    EXPECT_EQ(output(recorded.path, 1, false), "out\n");
    EXPECT_EQ(output(recorded.path, 1, true), "notice\nerr\n");
    EXPECT_EQ(output(recorded.path, 2, false), "forwarded");
    EXPECT_EQ(output(recorded.path, {}, false), "AUDIT KEY\r\n$ \xe9\x96\xa2\xe6\x89\x80\xff bye\r\nout\n");
}

TEST(Replay, FindsTheFirstScreen) {
    const Recorded recorded;
    auto reader = Reader::open(recorded.path);
    const Screen screen = first_screen(*reader, {});
    EXPECT_EQ(screen.terminal, "xterm-256color");
    EXPECT_EQ(screen.columns, 100U);
    EXPECT_EQ(screen.rows, 30U);
    EXPECT_EQ(reader->next()->name, "session");  // at the beginning again
    EXPECT_EQ(first_screen(*reader, 1).columns, 80U);
}

TEST(Pace, CapsPausesAndDividesBySpeed) {
    Pace pace(2, 2s);
    EXPECT_EQ(pace.wait(1h), 0s);  // nobody waits for the first output
    EXPECT_EQ(pace.wait(1h + 1s), 500ms);
    EXPECT_EQ(pace.wait(3h), 1s);
    Pace at_once(0, 2s);
    at_once.wait(0s);
    EXPECT_EQ(at_once.wait(5s), 0s);
}

std::string run(const std::string& command) {
    FILE* pipe = ::popen(command.c_str(), "r");
    std::string out;
    char buffer[4096];
    while (pipe != nullptr) {
        const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe);
        if (n == 0) break;
        out.append(buffer, n);
    }
    if (pipe != nullptr) ::pclose(pipe);
    return out;
}

bool installed(const std::string& tool) {
    return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

TEST(Export, ScriptreplayPlaysTheTypescript) {
    if (!installed("scriptreplay")) GTEST_SKIP() << "scriptreplay is not installed";
    const Recorded recorded;
    auto reader = Reader::open(recorded.path);
    std::string data;
    std::string timing;
    ASSERT_TRUE(export_script(*reader, {.channel = 0}, [&](auto text) { data += text; return true; },
                              [&](auto text) { timing += text; return true; }));
    EXPECT_TRUE(data.starts_with("Script started on 20")) << data;
    const std::string stem = recorded.folder.path() + "/x";
    write_file(stem + ".data", view(data));
    write_file(stem + ".time", view(timing));
    const std::string played = run("scriptreplay --divisor 1000 --timing " + stem + ".time " + stem + ".data 2>&1");
    EXPECT_EQ(played, output(recorded.path, 0, false) + "\n");  // scriptreplay ends its output with a newline of its own
    double total = 0;
    double delay = 0;
    int bytes = 0;
    std::istringstream lines(timing);
    while (lines >> delay >> bytes) total += delay;
    EXPECT_NEAR(total, 12.0, 1.0);
}

std::vector<nlohmann::json> cast_lines(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
}

TEST(Export, AsciicastV2JoinsCharactersAndKeepsSizes) {
    const Recorded recorded;
    auto reader = Reader::open(recorded.path);
    std::string cast;
    ASSERT_TRUE(export_asciicast(*reader, Asciicast::V2, {.channel = 0, .input = true}, [&](auto text) { cast += text; return true; }));
    const auto lines = cast_lines(cast);
    EXPECT_EQ(lines[0]["version"], 2);
    EXPECT_EQ(lines[0]["width"], 100);
    EXPECT_EQ(lines[0]["height"], 30);
    EXPECT_EQ(lines[0]["env"]["TERM"], "xterm-256color");
    std::string all;
    double last = 0;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        EXPECT_GE(lines[i][0].get<double>(), last);
        last = lines[i][0].get<double>();
        all += lines[i][1].get<std::string>() + ":" + lines[i][2].get<std::string>() + "|";
    }
    EXPECT_EQ(all, "o:AUDIT KEY\r\n|o:$ |o:\xe9\x96\xa2\xe6\x89\x80|i:\x04|r:120x40|o:\xef\xbf\xbd bye\r\n|");
    EXPECT_NEAR(last, 12.0, 1.0);
}

TEST(Export, AsciicastV3CountsFromTheEventBefore) {
    const Recorded recorded;
    auto reader = Reader::open(recorded.path);
    std::string cast;
    ASSERT_TRUE(export_asciicast(*reader, Asciicast::V3, {.channel = 0}, [&](auto text) { cast += text; return true; }));
    const auto lines = cast_lines(cast);
    EXPECT_EQ(lines[0]["version"], 3);
    EXPECT_EQ(lines[0]["term"], nlohmann::json({{"cols", 100}, {"rows", 30}, {"type", "xterm-256color"}}));
    double total = 0;
    for (std::size_t i = 1; i < lines.size(); ++i) total += lines[i][0].get<double>();
    EXPECT_NEAR(total, 13.0, 1.0);
    EXPECT_DOUBLE_EQ(lines[2][0].get<double>(), 0.1);
    EXPECT_EQ(lines.back()[1], "x");
    EXPECT_EQ(lines.back()[2], "7");
}

TEST(Export, AsciinemaPlaysTheCast) {
    if (!installed("asciinema") || !installed("script")) GTEST_SKIP() << "asciinema or script is not installed";
    const Recorded recorded;
    auto reader = Reader::open(recorded.path);
    std::string cast;
    ASSERT_TRUE(export_asciicast(*reader, Asciicast::V2, {.channel = 0}, [&](auto text) { cast += text; return true; }));
    const std::string path = recorded.folder.path() + "/x.cast";
    write_file(path, view(cast));
    // asciinema wants a terminal: script(1) gives it one.
    const std::string played = run("LC_ALL=C.UTF-8 script -qec 'asciinema cat " + path + "' /dev/null </dev/null 2>&1");
    EXPECT_NE(played.find("$ \xe9\x96\xa2\xe6\x89\x80\xef\xbf\xbd bye"), std::string::npos) << played;
    EXPECT_EQ(played.find("Traceback"), std::string::npos) << played;
}

TEST(Export, SaysWhenTheOutputCannotBeWritten) {
    const Recorded recorded;
    auto reader = Reader::open(recorded.path);
    EXPECT_FALSE(export_asciicast(*reader, Asciicast::V2, {}, [](auto) { return false; }));
    EXPECT_FALSE(export_script(*reader, {}, [](auto) { return true; }, [](auto) { return false; }));
}

TEST(Utf8Joiner, ReplacesAsPythonDoesWhereverItIsSplit) {
    // Expected: python3 -c "print(bytes.fromhex('…').decode('utf-8','replace').encode().hex())"
    const std::pair<const char*, const char*> cases[] = {
        {"e996a2", "e996a2"},
        {"f09f9880", "f09f9880"},
        {"c0af", "efbfbdefbfbd"},
        {"eda080", "efbfbdefbfbdefbfbd"},
        {"e99641", "efbfbd41"},
        {"f0808080", "efbfbdefbfbdefbfbdefbfbd"},
        {"f4908080", "efbfbdefbfbdefbfbdefbfbd"},
        {"f09f98", "efbfbd"},
        {"41ff42c3", "41efbfbd42efbfbd"},
        {"e996e996a2", "efbfbde996a2"},
    };
    for (const auto& [in, expected] : cases) {
        const Bytes bytes = *base::from_hex(in);
        for (std::size_t split = 0; split <= bytes.size(); ++split) {
            Utf8Joiner joiner;
            std::string out = joiner.add(BytesView(bytes).first(split));
            out += joiner.add(BytesView(bytes).subspan(split));
            out += joiner.finish();
            EXPECT_EQ(base::hex(view(out)), expected) << in << " split at " << split;
        }
    }
}

}  // namespace
}  // namespace sekisho::recording::testing
