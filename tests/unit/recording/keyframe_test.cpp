// Keyframes: written where much was shown, sealed like the events, and what a reader sees from one is what it sees from the start.
#include <algorithm>
#include <random>

#include "fixture.h"
#include "recording/block_file.h"
#include "recording/follower.h"
#include "recording/screens.h"
#include "wire/writer.h"

namespace sekisho::recording::testing {
namespace {

using namespace std::chrono_literals;

Bytes pty(std::uint32_t columns, std::uint32_t rows) {
    return wire::Writer()
        .string("xterm-256color")
        .u32(columns)
        .u32(rows)
        .u32(0)
        .u32(0)
        .string(std::string(200, '\0'))
        .take();
}

Bytes size(std::uint32_t columns, std::uint32_t rows) { return wire::Writer().u32(columns).u32(rows).u32(0).u32(0).take(); }

/// Something that a shell with an editor now and then would write.
std::string output(std::mt19937& dice) {
    switch (dice() % 8) {
        case 0: return "\x1b[?1049h\x1b[H\x1b[2J\x1b[1;20r~ file\x1b[" + std::to_string(1 + dice() % 20) + ";5Htext";
        case 1: return "\x1b[r\x1b[?1049l";
        case 2: return "日本語のファイル\r\n";
        case 3: return "\x1b[1;34mdirectory\x1b[0m\r\n";
        case 4: return "\x1b[" + std::to_string(dice() % 8 + 30) + "m";
        case 5: return "\x1b]0;title " + std::to_string(dice() % 100) + "\x07";
        default: return "a line of a log file, number " + std::to_string(dice()) + "\r\n";
    }
}

std::size_t count_blocks(const std::string& path, format::BlockType type, bool sealed = false) {
    auto walker = BlockWalker::open(std::move(*open_file(path)));
    std::size_t count = 0;
    while (const auto block = walker->next()) {
        if (block->header.type == type && ((block->header.flags & format::kFlagSealed) != 0) == sealed) ++count;
    }
    EXPECT_TRUE(walker->problems().empty());
    return count;
}

/// What was on the screen by playing everything from the beginning.
std::map<std::uint32_t, terminal::Screen> played(Reader& reader, std::chrono::microseconds at) {
    std::map<std::uint32_t, terminal::Screen> screens;
    reader.seek(0us);
    Replay replay(reader, std::nullopt);
    while (const auto shown = replay.next()) {
        if (shown->at > at) break;
        if (shown->kind == Shown::Kind::Resize && shown->new_terminal) {
            screens.emplace(
                shown->channel, terminal::Screen(static_cast<int>(shown->columns), static_cast<int>(shown->rows)));
        } else if (shown->kind == Shown::Kind::Resize) {
            screens.at(shown->channel).resize(static_cast<int>(shown->columns), static_cast<int>(shown->rows));
        } else if (shown->kind == Shown::Kind::Output && screens.contains(shown->channel)) {
            screens.at(shown->channel).feed(shown->bytes);
        }
    }
    return screens;
}

void expect_seeks(Reader& reader, std::chrono::microseconds end, int times) {
    std::mt19937 dice(9);
    for (int i = 0; i < times; ++i) {
        const std::chrono::microseconds at(static_cast<std::int64_t>(dice()) * end.count() / UINT32_MAX);
        Screens screens(reader, std::nullopt);
        screens.seek(at);
        const auto wanted = played(reader, at);
        for (const auto& [channel, terminal] : screens.terminals()) {
            ASSERT_TRUE(wanted.contains(channel));
            EXPECT_TRUE(terminal.screen == wanted.at(channel)) << at.count() << ": " << terminal.screen.text();
        }
        // A channel that was closed before the keyframe is not shown again.
        EXPECT_LE(screens.terminals().size(), wanted.size());
    }
}

/// Two terminals and a forward, for ten minutes of the clock that the recorder is given.
std::string record(Recordings& recordings, std::string& marker) {
    Session session(recordings, facts_of("alice"));
    std::mt19937 dice(3);
    TimePoint now = std::chrono::steady_clock::now();
    session->channel_opened({.channel = 1, .type = "session", .target = "ubuntu@web1", .destination = {}}, now);
    session->request(1, true, "pty-req", pty(80, 24), now);
    session->channel_opened({.channel = 2, .type = "direct-tcpip", .target = {}, .destination = "db:5432"}, now);
    session->channel_opened({.channel = 3, .type = "session", .target = "ubuntu@web1", .destination = {}}, now);
    session->request(3, true, "pty-req", pty(132, 43), now);
    for (int i = 0; i < 6000; ++i) {
        now += 100ms;
        std::string text;
        for (int n = 0; n < 8; ++n) text += output(dice);
        const std::size_t cut = dice() % text.size();  // pieces end anywhere
        const std::uint32_t channel = dice() % 4 == 0 ? 3 : 1;
        session->data(channel, Stream::Output, base::view(text).first(cut), now);
        session->data(channel, Stream::Output, base::view(text).subspan(cut), now + 10ms);
        const auto columns = static_cast<std::uint32_t>(70 + dice() % 60);
        const auto rows = static_cast<std::uint32_t>(20 + dice() % 30);
        if (i % 1000 == 500) session->request(1, true, "window-change", size(columns, rows), now);
        if (i % 50 == 0) session->data(2, Stream::Output, base::view(std::string(5000, '\x1b')), now);
    }
    marker = "日本語のファイル";
    session->channel_closed(3, now);
    session->channel_closed(1, now);
    EXPECT_TRUE(session.finish());
    return session.key;
}

TEST(Keyframes, ShowWhatPlayingFromTheStartShows) {
    const TemporaryFolder folder;
    std::string marker;
    std::string key;
    {
        const auto recordings = make_recordings(folder.path());
        key = record(*recordings, marker);
    }
    const std::string path = path_in(folder.path(), key);
    EXPECT_GT(count_blocks(path, format::BlockType::Keyframe), 10U);
    auto reader = Reader::open(path);
    ASSERT_TRUE(reader);
    expect_seeks(*reader, 620s, 40);
    const auto verified = verify_file(path);
    ASSERT_TRUE(verified);
    EXPECT_TRUE(verified->intact());
    // Before the first keyframe, there is none.
    EXPECT_FALSE(reader->seek_screen(0us));
    ASSERT_TRUE(reader->seek_screen(300s));
}

TEST(Keyframes, AreSealedLikeTheEvents) {
    const TemporaryFolder folder;
    const crypto::X25519Pair auditor = crypto::x25519_generate(crypto::system_random());
    std::string marker;
    std::string key;
    {
        const auto recordings = make_recordings(folder.path(), {auditor.public_value});
        key = record(*recordings, marker);
    }
    const std::string path = path_in(folder.path(), key);
    EXPECT_EQ(count_blocks(path, format::BlockType::Keyframe), 0U);
    EXPECT_GT(count_blocks(path, format::BlockType::Keyframe, true), 10U);
    const Bytes file = file_bytes(path);
    EXPECT_EQ(base::text_view(file).find(marker), std::string_view::npos);
    auto closed = Reader::open(path);
    ASSERT_TRUE(closed);
    EXPECT_FALSE(closed->seek_screen(300s));
    auto reader = Reader::open(path);
    ASSERT_TRUE(reader && reader->unseal(auditor));
    ASSERT_TRUE(reader->seek_screen(300s));
    expect_seeks(*reader, 620s, 5);
}

TEST(Keyframes, ADamagedOneIsNamedAndNotNeeded) {
    const TemporaryFolder folder;
    std::string marker;
    std::string key;
    {
        const auto recordings = make_recordings(folder.path());
        key = record(*recordings, marker);
    }
    Bytes file = file_bytes(path_in(folder.path(), key));
    std::size_t at = 16;
    while (file[at + 4] != static_cast<std::byte>(format::BlockType::Keyframe)) {
        at += format::kBlockHeader + format::decode(BytesView(file).subspan(at))->stored;
    }
    const auto time = std::chrono::microseconds(format::decode(BytesView(file).subspan(at))->time_us);
    file[at + format::kBlockHeader + 10] ^= std::byte{1};
    auto reader = reader_of(file);
    ASSERT_TRUE(reader);
    EXPECT_FALSE(reader->seek_screen(time));
    expect_seeks(*reader, time, 5);
    EXPECT_FALSE(reader->problems().empty());
    // One whose content is nonsense although its checksum is right: as if there were none.
    EXPECT_FALSE(decode_keyframe(base::view("\x05\x01\x02\xff\xff\xff")));
}

bool sanitized() {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
    return true;
#endif
    return false;
}

// Two hours in which something happens twice a second, with logs of some megabytes now and then: what stands in the file when the
// writer is woken by its timer, made here without waiting for that.
TEST(Keyframes, SeekingInTwoHoursTakesMilliseconds) {
    const TemporaryFolder folder;
    const std::string path = folder.path() + "/long.skr";
    auto created = BlockFile::create(path);
    ASSERT_TRUE(created);
    BlockFile& file = **created;
    Compressor compressor;
    Follower follower;
    std::mt19937 dice(11);
    const std::string facts = encode_facts(Facts{facts_of("alice"), "writer", {}});
    ASSERT_TRUE(file.append(compressor, {.type = format::BlockType::Facts, .plain = base::view(facts)}));
    const std::uint64_t seconds = sanitized() ? 600 : 7200;  // there the times say nothing
    const std::uint64_t end = seconds * 1'000'000;
    const auto add = [&](const Bytes& events, std::uint32_t count, std::uint64_t time_us, bool pours) {
        const BlockFile::Content content{
            .type = format::BlockType::Events, .plain = events, .events = count, .time_us = time_us, .pours = pours};
        ASSERT_TRUE(file.append(compressor, content));
        follower.follow(events, time_us, compressor.gathered());
        follower.settle(compressor.gathered());
        if (const auto keyframe = follower.keyframe_due() ? follower.make_keyframe() : std::nullopt) {
            ASSERT_TRUE(
                file.append(compressor, {.type = format::BlockType::Keyframe, .plain = *keyframe, .time_us = time_us}));
        }
    };
    const auto event = [](Bytes& out, std::uint8_t type, BytesView payload) {
        out.push_back(static_cast<std::byte>(type));
        format::append_varint(out, 1);
        format::append_varint(out, 0);
        format::append_varint(out, payload.size());
        out.insert(out.end(), payload.begin(), payload.end());
    };
    Bytes first;
    Bytes opened;
    for (const std::string_view text : {"session", "ubuntu@web1", ""}) format::append_text(opened, text);
    opened.push_back(std::byte{0});
    event(first, 1, opened);
    Bytes asked{std::byte{1}};
    format::append_text(asked, "pty-req");
    format::append_varint(asked, pty(120, 40).size());
    for (const std::byte b : pty(120, 40)) asked.push_back(b);
    event(first, 2, asked);
    add(first, 2, 1000, false);
    for (std::uint64_t time = 500'000; time < end; time += 500'000) {
        const bool log = dice() % 400 == 0;
        for (int blocks = log ? 60 : 1; blocks > 0; --blocks) {
            std::string text;
            while (text.size() < (log ? 60'000U : 120U)) text += output(dice);
            Bytes events;
            event(events, 17, base::view(text));
            add(events, 1, time, log);
        }
    }
    ASSERT_TRUE(file.append_end(compressor, End{.reason = "finished"}, end));
    std::vector<double> milliseconds;
    for (int i = 0; i < (sanitized() ? 10 : 50); ++i) {
        const auto at = std::chrono::microseconds(static_cast<std::int64_t>(dice() % seconds) * 1'000'000);
        const auto begin = std::chrono::steady_clock::now();
        auto reader = Reader::open(path);
        ASSERT_TRUE(reader);
        Screens screens(*reader, std::nullopt);
        screens.seek(at);
        milliseconds.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
        ASSERT_EQ(screens.terminals().size(), 1U);
        if (i < 3) {
            EXPECT_TRUE(screens.terminals().at(1).screen == played(*reader, at).at(1));
        }
    }
    std::ranges::sort(milliseconds);
    RecordProperty("median_ms", std::to_string(milliseconds[milliseconds.size() / 2]));
    RecordProperty("worst_ms", std::to_string(milliseconds.back()));
    std::printf("seeking in %u blocks: %.1f ms in the middle, %.1f ms at worst\n", file.blocks(),
        milliseconds[milliseconds.size() / 2], milliseconds.back());
    if (!sanitized()) {
        EXPECT_LT(milliseconds[45], 50);  // the worst few are the machine's
    }
}

}  // namespace
}  // namespace sekisho::recording::testing
