// What every watch does, and what read-only means. Paths: watch_paths_test.cpp.
#include <gmock/gmock.h>

#include "talk.h"

namespace sekisho::sftp::test {
namespace {

using ::testing::HasSubstr;

Limits read_only() { return {"readers", true, {}}; }
/// Limits that refuse nothing of these tests, so that only the stream is looked at.
Limits nearly_none() { return {"any", false, {}}; }

std::string open_request(
    std::uint32_t id, std::string_view path, std::uint32_t flags, std::string_view attributes = kNoAttributes) {
    return packet(3, u32(id) + s(path) + u32(flags) + std::string(attributes));
}
std::string status(std::uint32_t id, std::uint32_t code) { return packet(101, u32(id) + u32(code) + s("") + s("")); }
std::string handle(std::uint32_t id, std::string_view name) { return packet(102, u32(id) + s(name)); }

/// A talk in which "h" is open.
void open_handle(Talk& talk) {
    ASSERT_TRUE(talk.client(open_request(1, "/f", 1)));
    ASSERT_TRUE(talk.server(handle(1, "h")));
    talk.to_client.clear();
    talk.to_server.clear();
}

struct Change {
    const char* what;
    std::string request;
};
/// All that changes something, under number 7.
std::vector<Change> changes() {
    const std::string id = u32(7);
    return {{"write", packet(6, id + s("h") + u32(0) + u32(0) + s("data"))},
        {"setstat", packet(9, id + s("/f") + u32(4) + u32(0777))},
        {"fsetstat", packet(10, id + s("h") + u32(4) + u32(0777))}, {"remove", packet(13, id + s("/f"))},
        {"mkdir", packet(14, id + s("/d") + kNoAttributes)}, {"rmdir", packet(15, id + s("/d"))},
        {"rename", packet(18, id + s("/f") + s("/g"))}, {"symlink", packet(20, id + s("/f") + s("/g"))},
        {"rename", extended(7, "posix-rename@openssh.com", s("/f") + s("/g"))},
        {"hardlink", extended(7, "hardlink@openssh.com", s("/f") + s("/g"))},
        {"lsetstat", extended(7, "lsetstat@openssh.com", s("/f") + u32(4) + u32(0777))},
        {"copy-data", extended(7, "copy-data", s("h") + std::string(16, '\0') + s("h") + std::string(8, '\0'))}};
}

/// All that only looks, under number 7.
std::vector<std::string> looks() {
    const std::string id = u32(7);
    return {packet(4, id + s("h")), packet(5, id + s("h") + u32(0) + u32(0) + u32(32768)), packet(7, id + s("/f")),
        packet(8, id + s("h")), packet(11, id + s("/d")), packet(12, id + s("h")), packet(16, id + s(".")),
        packet(17, id + s("/f")), packet(19, id + s("/l")), open_request(7, "/f", 1),
        extended(7, "statvfs@openssh.com", s("/")), extended(7, "fstatvfs@openssh.com", s("h")),
        extended(7, "fsync@openssh.com", s("h")), extended(7, "limits@openssh.com", ""),
        extended(7, "expand-path@openssh.com", s("~")), extended(7, "home-directory", s("u")),
        extended(7, "users-groups-by-id@openssh.com", s(u32(0)) + s(u32(0)))};
}

TEST(ReadOnly, WhatLooksPassesAsItCame) {
    for (const std::string& look : looks()) {
        Talk talk(read_only());
        talk.greet();
        open_handle(talk);
        ASSERT_TRUE(talk.client(look));
        EXPECT_EQ(talk.to_server, look);
        ASSERT_TRUE(talk.server(status(7, 4)));
        EXPECT_EQ(talk.to_client, status(7, 4));
        EXPECT_TRUE(talk.refused.empty());
    }
}

TEST(ReadOnly, WhatChangesIsRefusedInWordsAndTheTalkGoesOn) {
    for (const Change& change : changes()) {
        Talk talk(read_only());
        talk.greet();
        open_handle(talk);
        ASSERT_TRUE(talk.client(change.request + packet(17, u32(8) + s("/f"))));
        EXPECT_EQ(talk.to_server, packet(17, u32(8) + s("/f"))) << change.what;
        const auto told = talk.told();
        ASSERT_EQ(told.size(), 1U) << change.what;
        EXPECT_EQ(told[0].id, 7U);
        EXPECT_EQ(told[0].status(), 3U);
        EXPECT_EQ(told[0].text(), "rule \"readers\" lets sftp only read");
        ASSERT_EQ(talk.refused.size(), 1U);
        EXPECT_EQ(talk.refused[0].operation, change.what);
        EXPECT_TRUE(talk.refused[0].path == "/f" || talk.refused[0].path == "/d") << talk.refused[0].path;
    }
}

TEST(ReadOnly, EveryChangeInPiecesOfEverySize) {
    std::string all, rest;
    for (const Change& change : changes()) all += change.request;
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        Talk talk(read_only(), "SSH-2.0-OpenSSH_9.2p1", piece);
        talk.greet();
        open_handle(talk);
        ASSERT_TRUE(talk.client(all));
        EXPECT_EQ(talk.to_server, "");
        EXPECT_EQ(talk.told().size(), changes().size());
        EXPECT_EQ(talk.watch.held(), 0U);
    }
}

TEST(ReadOnly, FilesAreOpenedForReadingAndNothingElse) {
    for (std::uint32_t bits = 0; bits < 1024; ++bits) {
        const std::uint32_t flags = bits | (bits % 7 == 0 ? 0x80000000 : 0);
        Talk talk(read_only());
        talk.greet();
        ASSERT_TRUE(talk.client(open_request(7, "/f", flags)));
        EXPECT_EQ(talk.to_server.empty(), flags != 1) << flags;
        EXPECT_EQ(talk.told().size(), flags != 1 ? 1U : 0U) << flags;
    }
}

TEST(ReadOnly, AFileIsOpenedWithoutAttributesThatSomeServersWouldSet) {
    Talk talk(read_only());
    talk.greet();
    ASSERT_TRUE(talk.client(open_request(7, "/f", 1, u32(5) + u32(0) + u32(0) + u32(0777))));
    EXPECT_EQ(talk.to_server, open_request(7, "/f", 1));
}

TEST(ReadOnly, TheDataOfARefusedWriteIsDroppedAsItComes) {
    Talk talk(read_only(), "", 1000);
    talk.greet();
    open_handle(talk);
    const std::string data(200 * 1024, 'x');
    const std::string request = packet(6, u32(7) + s("h") + u32(0) + u32(0) + s(data));
    ASSERT_TRUE(talk.client(std::string_view(request).substr(0, 100 * 1024)));
    EXPECT_EQ(talk.told().size(), 1U);  // answered when its head was there
    EXPECT_EQ(talk.watch.held(), 0U);
    ASSERT_TRUE(talk.client(std::string_view(request).substr(100 * 1024)));
    ASSERT_TRUE(talk.client(packet(17, u32(8) + s("/f"))));
    EXPECT_EQ(talk.to_server, packet(17, u32(8) + s("/f")));
}

TEST(Watch, AWriteThatIsPermittedPassesByteForByteInPiecesOfEverySize) {
    std::string data;
    for (int i = 0; i < 300; ++i) data += static_cast<char>(i * 7);
    const std::string request = packet(6, u32(7) + s("h") + u32(0) + u32(0) + s(data)) + packet(4, u32(8) + s("h"));
    for (std::size_t piece = 1; piece <= request.size(); ++piece) {
        Talk talk(nearly_none(), "", piece);
        talk.greet();
        open_handle(talk);
        ASSERT_TRUE(talk.client(request));
        EXPECT_EQ(talk.to_server, request);
        const std::string answers = packet(103, u32(7) + s(data)) + status(8, 0);
        ASSERT_TRUE(talk.server(answers));
        EXPECT_EQ(talk.to_client, answers);
    }
}

TEST(Watch, WhatCannotBeUnderstoodIsAnsweredAndNotPassedOn) {
    const std::string id = u32(7);
    const std::string broken[] = {packet(3, id + s("/f")), packet(3, id + u32(100) + "/f"), packet(13, id),
        packet(18, id + s("/f")), packet(18, id + s("/f") + u32(0xffffffff)),
        packet(4, id + u32(300) + std::string(300, 'h')), packet(6, id), packet(6, id + u32(0xfffffff0) + "h"),
        packet(6, id + s("h")), packet(6, id + u32(300) + std::string(400, 'h')), extended(7, "copy-data", s("h") + "123"),
        extended(7, "statvfs@openssh.com", u32(9))};
    for (const std::string& request : broken) {
        Talk talk(nearly_none());
        talk.greet();
        open_handle(talk);
        ASSERT_TRUE(talk.client(request + packet(17, u32(8) + s("/f"))));
        EXPECT_EQ(talk.to_server, packet(17, u32(8) + s("/f")));
        const auto told = talk.told();
        ASSERT_EQ(told.size(), 1U);
        EXPECT_EQ(told[0].status(), 5U);
        EXPECT_EQ(told[0].id, 7U);
    }
}

TEST(Watch, ARequestThatIsTooLongIsAnsweredAndDroppedAsItComes) {
    Talk talk(nearly_none());
    talk.greet();
    const std::string request = packet(9, u32(7) + s("/f") + std::string(kRequest, 'x')),
                      next = packet(17, u32(8) + s("/f"));
    ASSERT_TRUE(talk.client(request.substr(0, 100)));
    EXPECT_EQ(talk.told().at(0).status(), 5U);
    ASSERT_TRUE(talk.client(request.substr(100) + next));
    EXPECT_EQ(talk.to_server, next);
    EXPECT_FALSE(Talk(nearly_none()).client(u32(kRequest + 1) + "\1"));
}

TEST(Watch, PathsUnderWayAreCountedInBytes) {
    Talk talk(nearly_none());
    talk.greet();
    const std::string path(4000, 'p');
    std::string many;
    for (std::uint32_t i = 0; i < 200; ++i) many += open_request(10 + i, path, 1);
    ASSERT_TRUE(talk.client(many));
    const std::size_t first = packets(talk.to_server).size();
    EXPECT_EQ(first, Watch::kMostPathsKept / path.size() + 1);
    for (std::uint32_t i = 0; i < first; ++i) ASSERT_TRUE(talk.server(status(10 + i, 2)));
    EXPECT_EQ(packets(talk.to_server).size(), 200 - first);
}

TEST(Watch, WhatIsNotKnownIsNotPassedOn) {
    const std::string id = u32(7);
    for (const std::string& request : {packet(21, id + s("/f") + s("/g")), packet(22, id), packet(99, id), packet(255, id),
             packet(101, id), packet(2, id), packet(0, id), packet(200, id), extended(7, "", ""),
             extended(7, "md5-hash@x", s("/f")), extended(7, "posix-rename@openssh.co", s("/f") + s("/g")),
             extended(7, "POSIX-RENAME@openssh.com", s("/f") + s("/g")),
             extended(7, std::string_view("statvfs@openssh.com\0", 20), s("/f"))}) {
        Talk talk(nearly_none());
        talk.greet();
        ASSERT_TRUE(talk.client(request));
        EXPECT_EQ(talk.to_server, "");
        const auto told = talk.told();
        ASSERT_EQ(told.size(), 1U);
        EXPECT_EQ(told[0].status(), 8U);
        EXPECT_EQ(talk.refused.size(), 1U);
    }
}

TEST(Watch, ByteZeroInAPathIsRefused) {
    Talk talk(nearly_none());
    talk.greet();
    ASSERT_TRUE(talk.client(packet(17, u32(7) + s(std::string_view("/srv\0/x", 7)))));
    ASSERT_TRUE(talk.client(packet(18, u32(8) + s("/a") + s(std::string_view("\0", 1)))));
    ASSERT_TRUE(talk.client(packet(17, u32(9) + s(std::string(Watch::kMostPath + 1, 'x')))));
    EXPECT_EQ(talk.to_server, "");
    for (const Seen& one : talk.told()) EXPECT_EQ(one.status(), 3U);
    EXPECT_EQ(talk.refused.size(), 3U);
}

TEST(Watch, TheChannelEndsInWords) {
    const struct {
        std::string client, words;
    } mistakes[] = {{packet(17, u32(1) + s("/")), "before it said which version"}, {packet(1, u32(2)), "speaks version 2"},
        {kInit.substr(0, 4) + '\x11', "before it said"}, {u32(0), "too short"}, {u32(4) + "\1\0\0\0", "too short"},
        {u32(0xffffffff), "4294967295 bytes"}, {u32(kPacket + 1), "are not taken"}};
    for (const auto& mistake : mistakes) {
        Talk talk(nearly_none());
        const auto done = talk.client(mistake.client);
        ASSERT_FALSE(done);
        EXPECT_THAT(done.error().text, HasSubstr(mistake.words));
        EXPECT_EQ(talk.to_server, "");
    }
    Talk twice(nearly_none());
    twice.greet();
    const auto done = twice.client(kInit);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().text, HasSubstr("twice"));
    Talk large(nearly_none());
    large.greet();
    EXPECT_FALSE(large.client(u32(kPacket + 1)));
}

TEST(Watch, OnlyVersionThreeIsOfferedAndTaken) {
    Talk talk(nearly_none());
    ASSERT_TRUE(talk.client(packet(1, u32(6) + s("vendor-id") + s("x"))));
    EXPECT_EQ(talk.to_server, kInit);
    ASSERT_TRUE(talk.client(packet(17, u32(7) + s("/"))));
    EXPECT_EQ(talk.to_server, kInit);  // waits for the answer
    EXPECT_GT(talk.watch.held(), 0U);
    ASSERT_TRUE(talk.server(
        packet(2, u32(3) + s("posix-rename@openssh.com") + s("1") + s("check-file") + s("1") + s("copy-data") + s("1"))));
    EXPECT_EQ(talk.to_client, packet(2, u32(3) + s("posix-rename@openssh.com") + s("1") + s("copy-data") + s("1")));
    EXPECT_EQ(talk.to_server, kInit + packet(17, u32(7) + s("/")));
    for (const std::string& answer : {packet(2, u32(4)), packet(2, u32(2)), packet(2, u32(3) + u32(9)), packet(101, u32(3)),
             std::string("Welcome to the machine\n"), std::string("\0\0\0\1\2\0\0\0\3", 9)}) {
        Talk other(nearly_none());
        ASSERT_TRUE(other.client(kInit));
        EXPECT_FALSE(other.server(answer));
        EXPECT_EQ(other.to_client, "");
    }
    Talk early(nearly_none());
    EXPECT_FALSE(early.server(kVersionAnswer));
}

TEST(Watch, ANumberThatIsUnderWayWaitsForItsAnswer) {
    Talk talk(nearly_none());
    talk.greet();
    const std::string first = open_request(7, "/a", 1), second = packet(17, u32(7) + s("/b")),
                      third = packet(17, u32(8) + s("/c"));
    ASSERT_TRUE(talk.client(first + second + third));
    EXPECT_EQ(talk.to_server, first);
    EXPECT_EQ(talk.watch.held(), second.size() + third.size());
    ASSERT_TRUE(talk.server(handle(7, "h")));
    EXPECT_EQ(talk.to_server, first + second + third);
    EXPECT_EQ(talk.watch.held(), 0U);
}

TEST(Watch, OurAnswerStandsBetweenTwoOfTheServer) {
    const std::string data = packet(103, u32(7) + s(std::string(1000, 'd')));
    for (std::size_t split = 0; split <= data.size(); ++split) {
        Talk talk(read_only());
        talk.greet();
        open_handle(talk);
        ASSERT_TRUE(talk.client(packet(5, u32(7) + s("h") + u32(0) + u32(0) + u32(1000))));
        ASSERT_TRUE(talk.server(data.substr(0, split)));
        ASSERT_TRUE(talk.client(packet(13, u32(8) + s("/f"))));
        ASSERT_TRUE(talk.server(data.substr(split) + status(9, 0)));
        const auto told = talk.told();
        ASSERT_EQ(told.size(), 3U);
        EXPECT_EQ(talk.to_client, "");
        for (const Seen& one : told) EXPECT_EQ(one.type, one.id == 7 ? 103 : 101);
    }
}

TEST(Watch, WhoDoesNotReadIsNotServed) {
    Talk talk(read_only());
    talk.greet();
    const std::string request = packet(13, u32(7) + s("/f"));
    std::string many;
    for (int i = 0; i < 20000; ++i) many += request;
    ASSERT_TRUE(talk.client(many));
    const std::size_t first = talk.to_client.size();
    EXPECT_LE(first, Watch::kMostBacklog + 200);
    EXPECT_GT(talk.watch.held(), 0U);
    talk.reads(Watch::kMostBacklog + 1);
    EXPECT_EQ(talk.to_client.size(), first);
    while (talk.watch.held() > 0) talk.reads(0);
    EXPECT_EQ(talk.told().size(), 20000U);
}

TEST(Watch, RequestsUnderWayAreCountedAndTheNextOnesWait) {
    Talk talk(nearly_none());
    talk.greet();
    open_handle(talk);
    std::string many;
    for (std::uint32_t i = 0; i < Watch::kMostUnderWay + 500; ++i) many += packet(17, u32(10 + i) + s("/f"));
    ASSERT_TRUE(talk.client(many));
    EXPECT_EQ(packets(talk.to_server).size(), Watch::kMostUnderWay);
    EXPECT_GT(talk.watch.held(), 0U);
    for (std::uint32_t i = 0; i < 500; ++i) ASSERT_TRUE(talk.server(status(10 + i, 2)));
    EXPECT_EQ(packets(talk.to_server).size(), 500U);
    EXPECT_EQ(talk.watch.held(), 0U);
}

TEST(Watch, OnlyHandlesThatWereGivenHereAreTaken) {
    Talk talk(nearly_none());
    talk.greet();
    open_handle(talk);
    const std::string with = packet(5, u32(7) + s("h") + std::string(12, '\0'));
    ASSERT_TRUE(talk.client(
        packet(5, u32(6) + s("g") + std::string(12, '\0')) + packet(6, u32(6) + s("") + std::string(12, '\0')) + with));
    EXPECT_EQ(talk.to_server, with);
    EXPECT_EQ(talk.told().size(), 2U);
    ASSERT_TRUE(talk.server(status(7, 1)));
    ASSERT_TRUE(talk.client(packet(4, u32(8) + s("h")) + with));  // closed: gone
    EXPECT_EQ(talk.to_server, with + packet(4, u32(8) + s("h")));
}

TEST(Watch, OpenFilesAreCounted) {
    Talk talk(nearly_none());
    talk.greet();
    for (std::uint32_t i = 0; i < Watch::kMostHandles; ++i) {
        ASSERT_TRUE(talk.client(open_request(7, "/f", 1)));
        ASSERT_TRUE(talk.server(handle(7, "h" + std::to_string(i))));
    }
    talk.told();
    ASSERT_TRUE(talk.client(open_request(7, "/f", 1)));
    const auto told = talk.told();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].status(), 4U);
    ASSERT_TRUE(talk.client(packet(4, u32(7) + s("h5"))));
    ASSERT_TRUE(talk.server(status(7, 0)));
    talk.to_server.clear();
    ASSERT_TRUE(talk.client(open_request(7, "/f", 1)));
    EXPECT_EQ(talk.to_server, open_request(7, "/f", 1));
    ASSERT_TRUE(talk.server(status(7, 2)));  // one that fails is not open
    ASSERT_TRUE(talk.client(open_request(7, "/f", 1)));
    EXPECT_EQ(packets(talk.to_server).size(), 2U);
}

TEST(Watch, AnswersOfAnySizePassWithoutBeingKept) {
    Talk talk(nearly_none());
    talk.greet();
    open_handle(talk);
    ASSERT_TRUE(talk.client(packet(5, u32(7) + s("h") + std::string(12, '\0'))));
    const std::string data = packet(103, u32(7) + s(std::string(4 << 20, 'd')));
    ASSERT_TRUE(talk.server(data));
    EXPECT_EQ(talk.to_client, data);
    EXPECT_FALSE(talk.server(u32(32 << 20) + std::string(5, 'x')));
    Talk other(nearly_none());
    other.greet();
    ASSERT_TRUE(other.client(open_request(7, "/f", 1)));
    EXPECT_FALSE(other.server(packet(102, u32(7) + s(std::string(Watch::kMostAnswer, 'h')))));
}

}  // namespace
}  // namespace sekisho::sftp::test
