#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "fixture.h"
#include "recording/folder.h"
#include "recording/listing.h"
#include "wire/writer.h"

namespace sekisho::recording::testing {
namespace {

using base::view;
using namespace std::chrono_literals;

TimePoint now() {
    return std::chrono::steady_clock::now();
}

struct Expected {
    std::vector<std::string> lines;                    // everything but data
    std::map<std::pair<std::uint32_t, int>, std::string> data;  // by channel and stream
};

Expected collect(Reader& reader) {
    Expected out;
    while (const auto event = reader.next()) {
        if (event->kind == Event::Kind::Data) {
            out.data[{event->channel, static_cast<int>(event->stream)}].append(base::text_view(event->bytes));
        } else {
            out.lines.push_back(to_line(*event));
        }
    }
    return out;
}

/// How many blocks of events the recording has in each codec.
std::map<int, int> codecs_in(const std::string& path) {
    const Bytes file = file_bytes(path);
    std::map<int, int> counts;
    std::size_t at = format::kFileHeader;
    while (at + format::kBlockHeader <= file.size()) {
        const auto header = format::decode(BytesView(file).subspan(at));
        if (!header) break;
        if (header->type == format::BlockType::Events) ++counts[static_cast<int>(header->codec)];
        at += format::kBlockHeader + header->stored;
    }
    EXPECT_EQ(at, file.size());
    return counts;
}

TEST(Recorder, CompressesWhatPoursQuicklyAndWhatDripsWell) {
    const TemporaryFolder folder;
    std::mt19937 random(7);
    std::string text;
    while (text.size() < 1'000'000) text += "line " + std::to_string(random() % 1000) + " of a log, from 192.0.2.1\r\n";
    for (const auto& [step, codec] : {std::pair{std::chrono::microseconds{100}, format::Codec::Lz4},
                                      std::pair{std::chrono::microseconds{50'000}, format::Codec::Zstd}}) {
        const auto recordings = make_recordings(folder.path());
        Session session(*recordings, facts_of("alice"));
        TimePoint time = now();
        for (std::size_t i = 0; i < text.size(); i += 4000) {
            session->data(1, Stream::Output, view(text).subspan(i, std::min<std::size_t>(4000, text.size() - i)), time += step);
        }
        ASSERT_TRUE(session.finish().has_value());
        auto counts = codecs_in(path_in(folder.path(), session.key));
        const int wanted = counts[static_cast<int>(codec)];
        EXPECT_GE(wanted, 15);
        EXPECT_LE(counts[1] + counts[2], wanted + 1);  // the last block is not full
        auto reader = Reader::open(path_in(folder.path(), session.key));
        ASSERT_TRUE(reader.has_value());
        EXPECT_TRUE((collect(*reader).data[{1, static_cast<int>(Stream::Output)}]) == text);
        EXPECT_TRUE(reader->problems().empty());
    }
}

TEST(Recorder, KeepsARandomSessionToTheByte) {
    const TemporaryFolder folder;
    std::mt19937 random(20261122);
    Expected expected;
    std::string key;
    {
        const auto recordings = make_recordings(folder.path());
        Session session(*recordings, facts_of("alice"));
        ASSERT_FALSE(session.open_error);
        key = session.key;
        for (std::uint32_t channel = 0; channel < 3; ++channel) {
            session->channel_opened({channel, "session", "ubuntu@web1", ""}, now());
            expected.lines.push_back("0 " + std::to_string(channel) + " session|ubuntu@web1|");
        }
        for (int i = 0; i < 3000; ++i) {
            const std::uint32_t channel = static_cast<std::uint32_t>(random() % 3);
            if (random() % 20 == 0) {
                const std::string payload(random() % 50 == 0 ? 130'000 : random() % 400, static_cast<char>('a' + random() % 26));
                session->request(channel, random() % 2 == 0, "exec", view(payload), now());
                expected.lines.push_back("");
                expected.lines.back() = "1 " + std::to_string(channel) + " ";
                // The direction is drawn inside the call above; read it back from the recording below.
                expected.lines.back() += payload;
                continue;
            }
            const auto stream = static_cast<Stream>(random() % 4);
            std::string bytes(random() % 100 == 0 ? 32'768 : random() % 200, '\0');
            for (char& c : bytes) c = static_cast<char>(random());
            session->data(channel, stream, view(bytes), now());
            expected.data[{channel, static_cast<int>(stream)}] += bytes;
        }
        session->eof(1, true, now());
        expected.lines.push_back("4 1 c");
        ASSERT_TRUE(session.finish().has_value());
        EXPECT_TRUE(session.failures.empty());
    }
    auto reader = Reader::open(path_in(folder.path(), key));
    ASSERT_TRUE(reader.has_value());
    EXPECT_EQ(reader->facts().user, "alice");
    EXPECT_EQ(reader->facts().audit_key, key);
    EXPECT_EQ(reader->facts().client, "SSH-2.0-OpenSSH_9.2p1");
    Expected got = collect(*reader);
    for (std::string& line : got.lines) {  // without direction and type
        if (line.starts_with("1 ")) line = line.substr(0, 4) + line.substr(line.find("exec ") + 5);
    }
    EXPECT_EQ(got.lines, expected.lines);
    EXPECT_EQ(got.data, expected.data);
    EXPECT_TRUE(reader->problems().empty());
    ASSERT_TRUE(reader->end().has_value());
    EXPECT_EQ(reader->end()->reason, "finished");
    EXPECT_EQ(reader->end()->ending, Ending::Complete);
    EXPECT_EQ(reader->end()->totals.channels, 3U);
    EXPECT_EQ(reader->end()->totals.targets, std::vector<std::string>{"ubuntu@web1"});
}

TEST(Recorder, GivesTimesSinceTheStart) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    auto facts = facts_of("alice");
    facts.started -= 10s;
    Session session(*recordings, facts);
    const TimePoint begin = now();
    session->data(0, Stream::Output, view("a"), begin);
    session->data(0, Stream::Output, view("b"), begin + 1500us);
    session->data(0, Stream::Output, view("late"), begin - 5s);  // time never runs backwards
    session->data(0, Stream::Output, view("c"), begin + 70min);
    ASSERT_TRUE(session.finish());
    auto reader = Reader::open(path_in(folder.path(), session.key));
    ASSERT_TRUE(reader.has_value());
    std::vector<std::chrono::microseconds> times;
    while (const auto event = reader->next()) times.push_back(event->at);
    ASSERT_EQ(times.size(), 4U);
    EXPECT_GE(times[0], 10s);
    EXPECT_LT(times[0], 15s);
    EXPECT_EQ(times[1] - times[0], 1500us);
    EXPECT_EQ(times[2], times[1]);
    EXPECT_EQ(times[3] - times[0], 70min);
}

TEST(Recorder, FileIsForItsOwnerOnlyAndFoundByItsKey) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path() + "/recordings");
    Session session(*recordings, facts_of("../../alice"));
    ASSERT_FALSE(session.open_error);
    EXPECT_TRUE(is_audit_key(session.key)) << session.key;
    EXPECT_TRUE(session.key.ends_with("_.._.._alice")) << session.key;
    struct stat status {};
    const std::string path = path_in(folder.path() + "/recordings", session.key);
    ASSERT_EQ(::stat(path.c_str(), &status), 0) << path;
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    EXPECT_EQ(path, path_of(folder.path() + "/recordings", session.key));
    ASSERT_TRUE(session.finish());
}

TEST(Recorder, NumbersSessionsOfTheSameSecond) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    const auto facts = facts_of("bob");
    Session first(*recordings, facts);
    Session second(*recordings, facts);
    Session third(*recordings, facts);
    EXPECT_EQ(second.key, first.key + "+2");
    EXPECT_EQ(third.key, first.key + "+3");
    EXPECT_TRUE(is_audit_key(third.key));
    EXPECT_EQ(Reader::open(path_in(folder.path(), third.key))->facts().audit_key, third.key);
}

TEST(Recorder, IsReadableWhileItRunsWithinASecond) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice"));
    const TimePoint begin = now();
    session->data(0, Stream::Output, view("typed"), begin);
    const std::string path = path_in(folder.path(), session.key);
    for (;;) {
        auto reader = Reader::open(path);
        if (reader->next()) break;
        ASSERT_LT(now() - begin, 2s) << "not on disk in time";  // 520 ms, and what a loaded machine adds
        std::this_thread::yield();
    }
    EXPECT_GE(now() - begin, 300ms) << "a block for every keystroke";
    EXPECT_EQ(describe(folder.path(), path)->state, State::Live);
    ASSERT_TRUE(session.finish());
    EXPECT_EQ(describe(folder.path(), path)->state, State::Complete);
}

TEST(Recorder, WithoutFinishSaysAbandoned) {
    const TemporaryFolder folder;
    std::string key;
    {
        const auto recordings = make_recordings(folder.path());
        Session session(*recordings, facts_of("alice"));
        key = session.key;
        session->data(0, Stream::Output, view("x"), now());
        session.recorder.reset();
    }
    const auto found = verify_file(path_in(folder.path(), key));
    ASSERT_TRUE(found && found->end);
    EXPECT_EQ(found->end->reason, "abandoned");
    EXPECT_EQ(found->events, 1U);
}

TEST(Recorder, EndsWhenTheRecordingsEnd) {
    const TemporaryFolder folder;
    auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice"));
    session->data(0, Stream::Output, view("x"), now());
    recordings.reset();
    session->data(0, Stream::Output, view("ignored"), now());
    EXPECT_FALSE(session.finish().has_value());
    const auto found = verify_file(path_in(folder.path(), session.key));
    ASSERT_TRUE(found && found->end);
    EXPECT_EQ(found->end->reason, "the gateway stopped");
    EXPECT_EQ(found->events, 1U);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << "the writer's lock stayed: " << entry.path();
    }
}

// --- levels ---

Bytes strings(std::initializer_list<std::string_view> texts) {
    wire::Writer writer;
    for (const auto text : texts) writer.string(text);
    return writer.take();
}

TEST(Recorder, CountsInsteadOfKeepingBelowFull) {
    for (const auto level : {model::RecordLevel::Commands, model::RecordLevel::Metadata}) {
        const TemporaryFolder folder;
        const auto recordings = make_recordings(folder.path());
        Session session(*recordings, facts_of("alice"));
        session->channel_opened({7, "session", "ubuntu@web1", "", level}, now());
        session->channel_opened({8, "session", "ubuntu@web2", "", model::RecordLevel::Full}, now());
        session->data(8, Stream::Output, view("kept-marker"), now());
        session->request(7, true, "env", strings({"TOKEN", "env-marker"}), now());
        session->request(7, true, "exec", strings({"exec-marker"}), now());
        session->request(7, true, "subsystem", strings({"sftp"}), now());
        session->request(7, true, "x11-req", wire::Writer().boolean(true).string("MIT").string("cookie-marker").u32(3).take(), now());
        for (int i = 0; i < 100; ++i) session->data(7, Stream::Input, view("input-marker"), now());
        session->data(7, Stream::Output, view("output-marker"), now());
        session->channel_closed(7, now());
        ASSERT_TRUE(session.finish());
        auto reader = Reader::open(path_in(folder.path(), session.key));
        std::string all;
        std::array<std::uint64_t, 4> counted{};
        std::array<std::uint64_t, 4> closed{};
        while (const auto event = reader->next()) {
            all += to_line(*event) + "\n";
            if (event->kind == Event::Kind::ChannelClosed) closed = event->counts;
            if (event->kind != Event::Kind::Counted) continue;
            for (std::size_t i = 0; i < 4; ++i) counted[i] += event->counts[i];
        }
        const bool commands = level == model::RecordLevel::Commands;
        EXPECT_EQ(all.find("input-marker"), std::string::npos);
        EXPECT_EQ(all.find("output-marker"), std::string::npos);
        EXPECT_EQ(all.find("cookie-marker"), std::string::npos);
        EXPECT_EQ(all.find("exec-marker") != std::string::npos, commands);
        EXPECT_EQ(all.find("env-marker") != std::string::npos, commands);
        EXPECT_NE(all.find("kept-marker"), std::string::npos);
        EXPECT_NE(all.find("TOKEN"), std::string::npos);
        EXPECT_NE(all.find("sftp"), std::string::npos);
        EXPECT_EQ(counted, (std::array<std::uint64_t, 4>{1200, 13, 0, 0}));
        EXPECT_EQ(closed, counted);
        counted[1] += std::string_view("kept-marker").size();
        EXPECT_EQ(reader->end()->totals.bytes, counted);
    }
}

TEST(Recorder, CountsReachTheDiskWhileTheChannelIsOpen) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice", model::RecordLevel::Metadata));
    const TimePoint begin = now();
    for (std::uint64_t round = 1; round <= 3; ++round) {
        session->data(0, Stream::Output, view("12345"), now());
        for (std::uint64_t sum = 0; sum < 5 * round; std::this_thread::yield()) {
            sum = 0;
            auto reader = Reader::open(path_in(folder.path(), session.key));
            while (const auto event = reader->next()) sum += event->counts[1];
            ASSERT_LT(now() - begin, 10s);
        }
    }
    EXPECT_GE(now() - begin, 2s) << "more than one count a second";
}

// --- failures ---

TEST(Recorder, SaysSoWhenItsLastEventsDidNotFit) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice"));
    const std::string path = path_in(folder.path(), session.key);
    std::mt19937 random(1);
    std::string noise(3'000, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    {
        const FileSizeLimit limit(file_bytes(path).size() + 1'000);
        session->data(0, Stream::Output, view(noise), now());
        EXPECT_FALSE(session.finish("ended").has_value());
    }
    ASSERT_TRUE(session.loop.run_until([&] { return !session.failures.empty(); }));
    const auto found = verify_file(path);
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(found->intact()) << found->problems[0].text;
    ASSERT_TRUE(found->end.has_value());
    EXPECT_EQ(found->end->ending, Ending::Failed);
    EXPECT_EQ(found->end->failure, session.failures[0].detail);
}

TEST(Recorder, FailsOnceAndStaysReadableWhenTheDiskRefuses) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice"));
    std::mt19937 random(1);
    {
        const FileSizeLimit limit(300'000);
        std::string noise(10'000, '\0');
        for (int i = 0; i < 100; ++i) {
            for (char& c : noise) c = static_cast<char>(random());
            session->data(0, Stream::Output, view(noise), now());
        }
        ASSERT_TRUE(session.loop.run_until([&] { return !session.failures.empty(); }));
        EXPECT_NE(session.failures[0].detail.find("File too large"), std::string::npos) << session.failures[0].full();
    }
    session->data(0, Stream::Output, view("after"), now());
    EXPECT_FALSE(session->backlogged());
    EXPECT_FALSE(session.finish("ended").has_value());
    EXPECT_EQ(session.failures.size(), 1U);
    const auto found = verify_file(path_in(folder.path(), session.key));
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(found->intact()) << found->problems[0].text;
    ASSERT_TRUE(found->end.has_value());
    EXPECT_EQ(found->end->ending, Ending::Failed);
    EXPECT_EQ(found->end->failure, session.failures[0].detail);
    EXPECT_GE(found->blocks, 5U);
    EXPECT_EQ(describe(folder.path(), path_in(folder.path(), session.key))->state, State::Failed);
}

/// Runs in a mount namespace of its own, on a disk of `size`. False where that is not allowed here.
bool on_small_disk(const char* size, const std::function<void(const std::string& folder)>& run) {
    const TemporaryFolder folder;
    bool mounted = false;
    std::thread([&] {  // the namespace is the thread's, and of the threads that it starts
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
        if (::mount("none", folder.path().c_str(), "tmpfs", 0, (std::string("size=") + size).c_str()) != 0) return;
        mounted = true;
        run(folder.path());
        ::umount2(folder.path().c_str(), MNT_DETACH);
    }).join();
    return mounted;
}

TEST(Recorder, SurvivesAFullDisk) {
    const bool ran = on_small_disk("6m", [](const std::string& folder) {
        const auto recordings = make_recordings(folder);
        Session session(*recordings, facts_of("alice"));
        ASSERT_FALSE(session.open_error) << session.open_error->full();
        std::mt19937 random(1);
        std::string noise(50'000, '\0');
        for (int i = 0; i < 200; ++i) {
            for (char& c : noise) c = static_cast<char>(random());
            session->data(0, Stream::Output, view(noise), now());
        }
        ASSERT_TRUE(session.loop.run_until([&] { return !session.failures.empty(); }));
        EXPECT_EQ(session.failures[0].detail, "No space left on device");
        const Session refused(*recordings, facts_of("bob"));
        ASSERT_TRUE(refused.open_error.has_value());
        EXPECT_EQ(refused.open_error->detail, "the disk is full");
        EXPECT_FALSE(session.finish().has_value());
        const auto found = verify_file(path_in(folder, session.key));
        ASSERT_TRUE(found.has_value());
        EXPECT_TRUE(found->intact()) << found->problems[0].text;
        EXPECT_GT(found->blocks, 60U);
        EXPECT_EQ(session.failures.size(), 1U);
    });
    if (!ran) GTEST_SKIP() << "no mount namespace here";
}

TEST(Recorder, ClosesIdleFilesAndNoticesWhenSomebodyChangedOne) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    const std::size_t before = Descriptor::open_count();
    Session session(*recordings, facts_of("alice"));
    session->data(0, Stream::Output, view("first"), now());
    const auto idle_with = [&](std::size_t events) {  // 1 descriptor: the folder's lock
        const TimePoint begin = now();
        for (;; std::this_thread::yield()) {
            if (now() - begin > 30s) return false;
            // Read before counted: a file that is not open yet, either, has not got the event.
            auto reader = Reader::open(path_in(folder.path(), session.key));
            if (lines_of(*reader).size() != events) continue;
            reader = fail("closed");
            if (Descriptor::open_count() <= before + 1) return true;
        }
    };
    ASSERT_TRUE(idle_with(1));
    session->data(0, Stream::Output, view("second"), now());  // opens it again
    ASSERT_TRUE(idle_with(2));
    EXPECT_TRUE(session.failures.empty());
    std::ofstream(path_in(folder.path(), session.key), std::ios::app) << "forged";
    session->data(0, Stream::Output, view("third"), now());
    ASSERT_TRUE(session.loop.run_until([&] { return !session.failures.empty(); }));
    EXPECT_EQ(session.failures[0].detail, "its file was changed by somebody else");
}

TEST(Recorder, RefusesToStartWhereNothingCanBeWritten) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    {
        Session warm(*recordings, facts_of("alice"));
        ASSERT_TRUE(warm.finish());
    }
    const FileSizeLimit limit(100);
    const Session session(*recordings, facts_of("bob"));
    ASSERT_TRUE(session.open_error.has_value());
    EXPECT_EQ(session.open_error->text, "the recording cannot be started");
    for (const std::string& path : all_recordings(folder.path())) EXPECT_EQ(path.find("bob"), std::string::npos);
}

TEST(Recorder, SaysWhenTheFolderCannotBeMade) {
    const TemporaryFolder folder;
    write_file(folder.path() + "/file", view("x"));
    const auto recordings = make_recordings(folder.path() + "/file/recordings");
    const Session session(*recordings, facts_of("bob"));
    ASSERT_TRUE(session.open_error.has_value());
}

// --- backlog ---

TEST(Recorder, TellsOfABacklogAndOfItsEnd) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice"));
    const std::string block(32 * 1024, 'x');
    const TimePoint at = now();
    int rounds = 0;
    while (!session->backlogged() && rounds < 1'000'000) {
        session->data(0, Stream::Output, view(block), at);
        ++rounds;
    }
    ASSERT_TRUE(session->backlogged());
    ASSERT_TRUE(session.loop.run_until([&] { return session.drained > 0; }));
    EXPECT_FALSE(session->backlogged());
    ASSERT_TRUE(session.finish());
    const auto found = verify_file(path_in(folder.path(), session.key));
    EXPECT_TRUE(found->intact());
    EXPECT_EQ(found->end->totals.bytes[1], static_cast<std::uint64_t>(rounds) * block.size());
}

TEST(Recorder, AllTogetherHaveABoundOfMemory) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session quiet(*recordings, facts_of("quiet"));
    std::vector<std::unique_ptr<Session>> busy;
    for (int i = 0; i < 1100; ++i) busy.push_back(std::make_unique<Session>(*recordings, facts_of("busy")));
    EXPECT_FALSE(quiet->backlogged());
    const std::string much(40'000, 'x');  // a whole block's buffer each, none of them full
    const TimePoint at = now();
    for (const auto& session : busy) (*session)->data(0, Stream::Output, view(much), at);
    EXPECT_TRUE(quiet->backlogged());
    EXPECT_TRUE((*busy[0])->backlogged());
    ASSERT_TRUE(quiet.loop.run_until([&] { return quiet.drained > 0; }));
    EXPECT_FALSE(quiet->backlogged());
}

// --- many at once (the test that TSan is for) ---

TEST(Recorder, ManyThreadsRecordAtOnce) {
    const TemporaryFolder folder;
    std::vector<std::string> keys;
    std::mutex mutex;
    {
        const auto recordings = make_recordings(folder.path());
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                std::mt19937 random(static_cast<unsigned>(t));
                for (int s = 0; s < 8; ++s) {
                    Session a(*recordings, facts_of("user" + std::to_string(t)));
                    Session b(*recordings, facts_of("user" + std::to_string(t), model::RecordLevel::Metadata));
                    for (int i = 0; i < 300; ++i) {
                        const std::string text(random() % 3000, 'x');
                        a->data(1, Stream::Output, view(text), now());
                        b->data(1, Stream::Input, view(text), now());
                        a->backlogged();
                    }
                    a->channel_closed(1, now());
                    if (s % 2 == 0) {
                        EXPECT_TRUE(a.finish());
                    }
                    EXPECT_TRUE(b.finish());
                    const std::lock_guard lock(mutex);
                    keys.push_back(a.key);
                    keys.push_back(b.key);
                }
            });
        }
        for (auto& thread : threads) thread.join();
    }
    ASSERT_EQ(keys.size(), 64U);
    for (const std::string& key : keys) {
        const auto found = verify_file(path_in(folder.path(), key));
        ASSERT_TRUE(found.has_value()) << key;
        EXPECT_TRUE(found->intact()) << found->problems[0].text;
        EXPECT_TRUE(found->end.has_value());
    }
    EXPECT_EQ(all_recordings(folder.path()).size(), 64U);
}

TEST(AuditKey, HasTheFormOfTheOriginal) {
    const WallTime when = base::from_unix_milliseconds(1488532599000);
    const std::string key = audit_key(when, "sshuser");
    EXPECT_EQ(key.substr(19), "_sshuser");
    EXPECT_TRUE(is_audit_key(key));
    for (const char* wrong : {"", "2017-03-03_17-16-39_", "2017-03-03_17-16-39_a/b", "2017-03-03_17-16-39_a+", "../../../etc/passwd",
                              "2017-03-03_17-16-39_a+b", "2017-03-03 17-16-39_a"}) {
        EXPECT_FALSE(is_audit_key(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace sekisho::recording::testing
