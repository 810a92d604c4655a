#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>
#include <thread>

#include "fixture.h"
#include "recording/folder.h"
#include "recording/listing.h"

namespace sekisho::recording::testing {
namespace {

using base::view;
using namespace std::chrono_literals;

/// A recording of `blocks` blocks with three events each, packed by one codec and the other.
Bytes small_recording(int blocks) {
    const TemporaryFolder folder;
    const std::string path = folder.path() + "/r.skr";
    auto file = BlockFile::create(path);
    Compressor compressor;
    Facts facts{facts_of("alice"), "00"};
    facts.audit_key = "2026-11-22_05-16-00_alice";
    const std::string first = encode_facts(facts);
    EXPECT_TRUE((*file)->append(compressor, {.type = format::BlockType::Facts, .plain = view(first)}));
    End end{.reason = "finished"};
    for (int block = 0; block < blocks; ++block) {
        Bytes plain;
        for (int i = 0; i < 3; ++i) {
            plain.push_back(std::byte{17});
            format::append_varint(plain, 0);
            format::append_varint(plain, i == 0 ? 0 : 1000);
            format::append_text(plain, "block " + std::to_string(block) + " event " + std::to_string(i) + std::string(20, 'x'));
            ++end.totals.events;
        }
        EXPECT_TRUE((*file)->append(compressor, {.type = format::BlockType::Events,
                                                 .plain = plain,
                                                 .events = 3,
                                                 .time_us = static_cast<std::uint64_t>(block) * 10'000,
                                                 .pours = block % 2 == 1}));
    }
    EXPECT_TRUE((*file)->append_end(compressor, end, 1'000'000));
    return file_bytes(path);
}

std::vector<std::size_t> block_offsets(const Bytes& bytes) {
    std::vector<std::size_t> offsets;
    for (std::size_t at = format::kFileHeader; at < bytes.size();) {
        offsets.push_back(at);
        at += format::kBlockHeader + format::decode(BytesView(bytes).subspan(at))->stored;
    }
    return offsets;
}

TEST(Reader, GivesAPrefixOfAFileCutAnywhere) {
    const Bytes whole = small_recording(5);
    auto reader = reader_of(whole);
    const auto all = lines_of(*reader);
    ASSERT_EQ(all.size(), 15U);
    const auto offsets = block_offsets(whole);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        auto cut = reader_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
        if (!cut) {
            EXPECT_LT(size, format::kFileHeader);
            continue;
        }
        const auto lines = lines_of(*cut);
        std::size_t whole_blocks = 0;
        for (std::size_t i = 1; i + 1 < offsets.size(); ++i) whole_blocks += offsets[i + 1] <= size ? 1 : 0;
        ASSERT_EQ(lines.size(), whole_blocks * 3) << size;
        EXPECT_TRUE(std::equal(lines.begin(), lines.end(), all.begin()));
        EXPECT_FALSE(cut->end().has_value());
        EXPECT_TRUE(cut->problems().empty()) << size << ": " << cut->problems()[0].text;
        const bool at_border = size == format::kFileHeader || std::ranges::find(offsets, size) != offsets.end();
        EXPECT_EQ(cut->walker().partial(), !at_border) << size;
    }
}

TEST(Reader, FindsEveryFlippedBit) {
    const Bytes whole = small_recording(3);
    const auto offsets = block_offsets(whole);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const unsigned bit : {0U, 3U, 7U}) {
            Bytes flipped = whole;
            flipped[at] ^= static_cast<std::byte>(1U << bit);
            const auto found = verify(reader_of(flipped));
            if (at < 10) {
                EXPECT_FALSE(found.has_value()) << at;
                continue;
            }
            ASSERT_TRUE(found.has_value()) << at;
            // The last block has no witness behind it: damage to its magic or length may look like a cut, which is found too.
            EXPECT_TRUE(!found->intact() || !found->end) << "byte " << at << " bit " << bit;
            if (at < offsets.back() && at >= format::kFileHeader) {
                ASSERT_FALSE(found->problems.empty()) << at;
                const auto block = std::ranges::upper_bound(offsets, at) - offsets.begin() - 1;
                EXPECT_EQ(found->problems[0].offset, offsets[static_cast<std::size_t>(block)]) << at << " " << found->problems[0].text;
                EXPECT_TRUE(found->end.has_value()) << at << ": the end was not reached";
            }
        }
    }
}

TEST(Reader, ReadsOnBehindADamagedBlockAndNamesIt) {
    Bytes bytes = small_recording(5);
    const auto offsets = block_offsets(bytes);
    bytes[offsets[2] + format::kBlockHeader + 3] ^= std::byte{1};
    auto reader = reader_of(bytes);
    const auto lines = lines_of(*reader);
    ASSERT_EQ(lines.size(), 12U);
    EXPECT_NE(lines[3].find("block 2 event 0"), std::string::npos);
    ASSERT_EQ(reader->problems().size(), 1U);
    EXPECT_EQ(reader->problems()[0].block, 2U);
    EXPECT_NE(reader->problems()[0].text.find("block 2"), std::string::npos);
}

Bytes without(const Bytes& bytes, std::size_t from, std::size_t to) {
    Bytes out(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(from));
    out.insert(out.end(), bytes.begin() + static_cast<std::ptrdiff_t>(to), bytes.end());
    return out;
}

TEST(Reader, FindsMissingSwappedRepeatedAndForeignBlocks) {
    const Bytes bytes = small_recording(6);
    const auto at = block_offsets(bytes);
    const auto slice = [&](std::size_t block) { return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(at[block]),
                                                             bytes.begin() + static_cast<std::ptrdiff_t>(at[block + 1])); };
    const auto missing = verify(reader_of(without(bytes, at[2], at[4])));
    ASSERT_FALSE(missing->intact());
    EXPECT_EQ(missing->problems[0].text, "blocks 2 to 3 are missing before offset " + std::to_string(at[2]));

    Bytes swapped(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at[2]));
    for (const std::size_t block : {3U, 2U}) {
        const Bytes one = slice(block);
        swapped.insert(swapped.end(), one.begin(), one.end());
    }
    swapped.insert(swapped.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at[4]), bytes.end());
    EXPECT_FALSE(verify(reader_of(swapped))->intact());

    Bytes repeated(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at[3]));
    repeated.insert(repeated.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at[2]), bytes.end());
    EXPECT_FALSE(verify(reader_of(repeated))->intact());

    const Bytes other = small_recording(7);  // begins at another time: its facts, and so its chain, differ
    const auto other_at = block_offsets(other);
    Bytes mixed(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at[3]));
    mixed.insert(mixed.end(), other.begin() + static_cast<std::ptrdiff_t>(other_at[3]), other.end());
    EXPECT_FALSE(verify(reader_of(mixed))->intact());

    Bytes more = bytes;
    const Bytes last = slice(1);
    more.insert(more.end(), last.begin(), last.end());
    EXPECT_FALSE(verify(reader_of(more))->intact());
    EXPECT_TRUE(verify(reader_of(bytes))->intact());
}

TEST(Reader, SeeksToABlockAndChecksItThere) {
    Bytes bytes = small_recording(50);
    auto reader = reader_of(bytes);
    reader->seek(305ms);  // block n begins at n·10 ms
    auto event = reader->next();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->at, 300ms);
    EXPECT_TRUE(base::text_view(event->bytes).starts_with("block 30 event 0"));
    std::size_t left = 1;
    while (reader->next()) ++left;
    EXPECT_EQ(left, 60U);
    EXPECT_TRUE(reader->problems().empty());
    reader->seek(0ms);
    EXPECT_TRUE(base::text_view(reader->next()->bytes).starts_with("block 0 event 0"));
    reader->seek(1h);
    EXPECT_TRUE(base::text_view(reader->next()->bytes).starts_with("block 49 event 0"));
}

TEST(Reader, BeginsAnewAlsoWhereManyBlocksBeginAtOnce) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice"));
    const TimePoint at = std::chrono::steady_clock::now() - 1h;  // clamped: all at time 0
    for (int i = 0; i < 100; ++i) session->data(0, Stream::Output, view(std::string(9000, static_cast<char>('a' + i % 26))), at);
    ASSERT_TRUE(session.finish());
    auto reader = Reader::open(path_in(folder.path(), session.key));
    const auto first = lines_of(*reader);
    reader->seek(0ms);
    EXPECT_EQ(lines_of(*reader), first);
    EXPECT_GT(reader->end()->blocks, 10U);
}

TEST(Reader, ChecksumIsSha256OfPreviousHeaderAndPayload) {
    // Computed by sha256sum over the bytes as the format's document says.
    const TemporaryFolder folder;
    const Bytes bytes = small_recording(1);
    const auto at = block_offsets(bytes);
    const auto raw = [&](std::size_t from, std::size_t size) {
        return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(from + size));
    };
    Bytes hashed = raw(at[0] + 32, 32);
    for (const Bytes& part : {raw(at[1], 32), raw(at[1] + 64, at[2] - at[1] - 64)}) {
        hashed.insert(hashed.end(), part.begin(), part.end());
    }
    write_file(folder.path() + "/hashed", hashed);
    FILE* pipe = ::popen(("sha256sum < " + folder.path() + "/hashed").c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    char text[65] = {};
    ASSERT_EQ(std::fread(text, 1, 64, pipe), 64U);
    ::pclose(pipe);
    EXPECT_EQ(base::hex(raw(at[1] + 32, 32)), text);
}

TEST(Reader, RefusesWhatIsNoRecording) {
    EXPECT_FALSE(reader_of(base::to_bytes("SSH-2.0-OpenSSH_9.2p1\r\nsomething else")).has_value());
    EXPECT_FALSE(reader_of({}).has_value());
    EXPECT_FALSE(Reader::open("/nonexistent").has_value());
    Bytes later = small_recording(1);
    later[9] = std::byte{2};
    EXPECT_EQ(reader_of(later).error().text, "the recording has a format that this version does not know");
}

TEST(Reader, SurvivesRandomDamage) {
    const Bytes whole = small_recording(8);
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        Bytes bytes = whole;
        for (unsigned i = 0, n = 1 + random() % 4; i < n; ++i) {
            switch (random() % 4) {
                case 0: bytes[random() % bytes.size()] = static_cast<std::byte>(random()); break;
                case 1: bytes.resize(1 + random() % bytes.size()); break;
                case 2: {
                    const std::size_t from = random() % bytes.size();
                    bytes = without(bytes, from, from + random() % (bytes.size() - from + 1));
                    break;
                }
                default: {
                    const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size()));
                    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size()), part.begin(), part.end());
                }
            }
            if (bytes.empty()) bytes.push_back(std::byte{0});
        }
        const auto found = verify(reader_of(bytes));
        if (found && bytes != whole) {
            EXPECT_TRUE(!found->intact() || !found->end) << round;
        }
    }
}

// --- a gateway that is killed ---

/// Runs in a process that ends by SIGKILL in mid-session; gives the audit key.
std::string killed_session(const std::string& folder) {
    int pipe_ends[2];
    EXPECT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto recordings = make_recordings(folder);
        Session session(*recordings, facts_of("alice"));
        session->channel_opened({0, "session", "ubuntu@web1", ""}, std::chrono::steady_clock::now());
        session->data(0, Stream::Output, view("on disk"), std::chrono::steady_clock::now());
        while (!Reader::open(path_in(folder, session.key))->next()) std::this_thread::yield();
        session->data(0, Stream::Output, view("lost"), std::chrono::steady_clock::now());
        if (::write(pipe_ends[1], session.key.data(), session.key.size()) < 0) ::_exit(1);
        ::raise(SIGKILL);
    }
    ::close(pipe_ends[1]);
    char key[128] = {};
    const ssize_t n = ::read(pipe_ends[0], key, sizeof key);
    ::close(pipe_ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    return {key, static_cast<std::size_t>(n > 0 ? n : 0)};
}

TEST(BlockFile, KeepsTheBlocksOfABatchThatTheDiskStillTook) {
    const TemporaryFolder folder;
    const std::string path = folder.path() + "/r.skr";
    auto file = BlockFile::create(path);
    Compressor compressor;
    Facts facts{facts_of("alice"), "00"};
    facts.audit_key = "2026-11-22_05-16-00_alice";
    const std::string first = encode_facts(facts);
    ASSERT_TRUE((*file)->append(compressor, {.type = format::BlockType::Facts, .plain = view(first)}));
    std::mt19937 random(1);
    Bytes plain{std::byte{17}};
    format::append_varint(plain, 0);
    format::append_varint(plain, 0);
    format::append_varint(plain, 1000);
    for (int i = 0; i < 1000; ++i) plain.push_back(static_cast<std::byte>(random()));
    const BlockFile::Content block{.type = format::BlockType::Events, .plain = plain, .events = 1};
    const std::size_t before = file_bytes(path).size();
    {
        const FileSizeLimit limit(before + plain.size() * 5 / 2);
        for (int i = 0; i < 4; ++i) ASSERT_TRUE((*file)->stage(compressor, block));
        EXPECT_EQ(file_bytes(path).size(), before);
        EXPECT_FALSE((*file)->write_staged(compressor));
        EXPECT_EQ((*file)->blocks(), 3U);
    }
    // The chain goes on behind what is there.
    ASSERT_TRUE((*file)->append(compressor, block));
    End end{.reason = "finished"};
    end.totals.events = 3;
    ASSERT_TRUE((*file)->append_end(compressor, end, 1'000'000));
    const auto found = verify_file(path);
    ASSERT_TRUE(found.has_value());
    EXPECT_TRUE(found->intact()) << found->problems[0].text;
    auto reader = reader_of(file_bytes(path));
    EXPECT_EQ(lines_of(*reader).size(), 3U);
}

TEST(MarkCut, MarksWhatAKilledGatewayLeft) {
    const TemporaryFolder folder;
    const std::string key = killed_session(folder.path());
    const std::string path = path_in(folder.path(), key);
    EXPECT_EQ(describe(folder.path(), path)->state, State::Cut);
    {  // and a block that it was writing
        const Bytes bytes = file_bytes(path);
        Bytes longer = bytes;
        const auto first = std::ranges::search(bytes, view("SKBL")).begin();
        longer.insert(longer.end(), first, first + 70);
        write_file(path, longer);
    }
    const auto recordings = make_recordings(folder.path());  // the next gateway, with a live recording
    Session live(*recordings, facts_of("bob"));
    const auto marked = mark_cut(folder.path());
    ASSERT_EQ(marked.size(), 1U);
    EXPECT_EQ(marked[0].audit_key, key);
    EXPECT_EQ(marked[0].written.size, file_bytes(path).size());
    EXPECT_TRUE(mark_cut(folder.path()).empty());
    const auto found = verify_file(path);
    ASSERT_TRUE(found && found->end);
    EXPECT_TRUE(found->intact()) << found->problems[0].text;
    EXPECT_EQ(found->end->ending, Ending::Cut);
    EXPECT_EQ(found->events, 2U);
    const auto entry = describe(folder.path(), path);
    EXPECT_EQ(entry->state, State::Cut);
    EXPECT_FALSE(has_end(path_in(folder.path(), live.key)));
    EXPECT_EQ(describe(folder.path(), path_in(folder.path(), live.key))->state, State::Live);
    live->data(0, Stream::Output, view("goes on"), std::chrono::steady_clock::now());
    EXPECT_TRUE(live.finish());
}

TEST(MarkCut, LeavesADamagedRecordingAsItIs) {
    const TemporaryFolder folder;
    const std::string path = path_in(folder.path(), killed_session(folder.path()));
    Bytes bytes = file_bytes(path);
    bytes[bytes.size() - 2] ^= std::byte{1};
    write_file(path, bytes);
    EXPECT_TRUE(mark_cut(folder.path()).empty());
    EXPECT_EQ(file_bytes(path), bytes);
    EXPECT_EQ(describe(folder.path(), path)->state, State::Damaged);
}

}  // namespace
}  // namespace sekisho::recording::testing
