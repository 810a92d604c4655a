// A rule's paths against a server whose links lead elsewhere, in both orders of SYMLINK.
#include <gmock/gmock.h>

#include "talk.h"

namespace sekisho::sftp::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kHome = "/home/alice";

class PathsTest : public ::testing::Test {
protected:
    PathsTest() {
        m_talk.greet(kHome);
        m_talk.links = {{"/srv/data/out", "/root"}, {"/srv/data/deep/up", "../../../etc/shadow"},
            {"/srv/data/in", "/srv/data/deep"}, {"/srv/data/loose", "/etc/not-there-yet"}, {"/home/alice/data", "/srv/data"},
            {"/srv/data/a", "b"}, {"/srv/data/b", "a"}};
        m_talk.missing = {{"/etc/none", true}, {"/srv/data/none", true}};
    }

    /// What reached the server of this request, after all questions were answered; nothing: the client got an answer instead.
    std::vector<Seen> after(const std::string& request) {
        m_talk.told();
        EXPECT_TRUE(m_talk.client(request));
        auto seen = m_talk.serve();
        m_told = m_talk.told();
        EXPECT_EQ(seen.empty(), m_told.size() == 1);
        if (!seen.empty() && !m_talk.server(packet(101, u32(seen[0].id) + u32(0) + s("") + s("")))) ADD_FAILURE();
        m_talk.told();
        return seen;
    }
    /// The first path with which a request of this type arrives; "": it was refused.
    std::string arrives(int type, const std::string& path, const std::string& rest = {}) {
        const auto seen = after(packet(type, u32(7) + s(path) + rest));
        if (seen.empty()) {
            EXPECT_EQ(m_told.at(0).status(), 3U) << path << ": " << m_told.at(0).text();
            return {};
        }
        EXPECT_EQ(seen[0].rest.substr(4 + seen[0].path().size()), rest);
        return seen[0].path();
    }
    std::string opens(const std::string& path, std::uint32_t flags = 1) {
        return arrives(3, path, u32(flags) + kNoAttributes);
    }
    bool links(const std::string& first, const std::string& second) {
        return !after(packet(20, u32(7) + s(first) + s(second))).empty();
    }

    Talk m_talk{{"keepers", false, {"/srv/data/**", "/etc/motd"}}};
    std::vector<Seen> m_told;
};

TEST_F(PathsTest, AFileIsOpenedByItsRealNameOrNotAtAll) {
    EXPECT_EQ(opens("/srv/data/f"), "/srv/data/f");
    EXPECT_EQ(opens("../../srv//data/./x/../f"), "/srv/data/f");
    EXPECT_EQ(opens("data/f"), "/srv/data/f");
    EXPECT_EQ(opens("/srv/data/in/f"), "/srv/data/deep/f");
    EXPECT_EQ(opens("/etc/motd"), "/etc/motd");
    for (const char* path : {"/etc/passwd", "f", "", ".", "..", "/", "/srv", "/srv/data", "/srv/data/", "/srv/data/.",
             "/srv/data/..", "/srv/data/../../etc/passwd", "/srv/data/..//../etc/passwd", "/srv/database/f",
             "/srv/data/out/passwd", "/srv/data/out", "/srv/data/deep/up", "/srv/data/in/up", "/srv/data/loose",
             "/srv/data/in/../../../etc/passwd", "//etc/passwd", "/srv/data/\xff/../../../etc/passwd", "/etc/motd/../passwd",
             "/proc/self/root/etc/passwd", "/SRV/DATA/f"}) {
        EXPECT_EQ(opens(path), "") << path;
        EXPECT_EQ(opens(path, 0x1a), "") << path;
        EXPECT_THAT(m_told.at(0).text(), HasSubstr("rule \"keepers\" lets sftp reach only /srv/data/**, /etc/motd"));
    }
    EXPECT_EQ(opens("/srv/data/\xff\xfe"), "/srv/data/\xff\xfe");
}

TEST_F(PathsTest, EveryRequestWithAPathIsJudged) {
    for (const int type : {3, 9, 11, 13, 14, 15}) {
        const std::string rest = type == 3 ? u32(1) + kNoAttributes : type == 9 || type == 14 ? kNoAttributes : "";
        EXPECT_EQ(arrives(type, "/srv/data/x/f", rest), "/srv/data/x/f") << type;
        EXPECT_EQ(arrives(type, "/etc/passwd", rest), "") << type;
        EXPECT_EQ(arrives(type, "/srv/data/out/passwd", rest), "") << type;
        EXPECT_EQ(arrives(type, "/srv/data/../secret", rest), "") << type;
        EXPECT_EQ(arrives(type, "", rest), "") << type;
    }
    for (const char* name : {"statvfs@openssh.com", "lsetstat@openssh.com"}) {
        EXPECT_EQ(after(extended(7, name, s("/srv/data/f") + u32(0))).size(), 1U);
        EXPECT_EQ(after(extended(7, name, s("/etc/passwd") + u32(0))).size(), 0U);
    }
}

TEST_F(PathsTest, TheFolderItselfIsListedAndNotChanged) {
    EXPECT_EQ(arrives(11, "/srv/data"), "/srv/data");
    EXPECT_EQ(arrives(11, "/srv/data/"), "/srv/data");
    EXPECT_EQ(arrives(17, "/srv/data"), "/srv/data");
    EXPECT_EQ(arrives(15, "/srv/data"), "");
    EXPECT_EQ(arrives(9, "/srv/data", kNoAttributes), "");
    EXPECT_TRUE(after(packet(18, u32(7) + s("/srv/data") + s("/srv/data/x"))).empty());
    // The folders above: that they are there, not what is in them.
    EXPECT_EQ(arrives(17, "/srv"), "/srv");
    EXPECT_EQ(arrives(7, "/"), "/");
    EXPECT_EQ(arrives(11, "/srv"), "");
    EXPECT_EQ(arrives(17, kHome), "");
}

TEST_F(PathsTest, WhatIsDoneToALinkIsDoneToTheLink) {
    EXPECT_EQ(arrives(13, "/srv/data/out"), "/srv/data/out");
    EXPECT_EQ(arrives(7, "/srv/data/out"), "/srv/data/out");
    EXPECT_EQ(arrives(19, "/srv/data/out"), "/srv/data/out");
    EXPECT_EQ(arrives(13, "data/in/up"), "/srv/data/deep/up");
    EXPECT_EQ(arrives(7, "/srv/data/out/"), "");  // with a slash it is what the link leads to
    EXPECT_EQ(arrives(19, "/srv/data/out/"), "");
    EXPECT_EQ(arrives(17, "/srv/data/out"), "");
    EXPECT_EQ(arrives(9, "/srv/data/out", kNoAttributes), "");
    EXPECT_EQ(arrives(13, "/srv/data/out/.."), "");
    EXPECT_EQ(arrives(13, "/srv/data/x\\..\\..\\etc"), "");
}

TEST_F(PathsTest, BothPathsOfARenameAreJudged) {
    for (const bool posix : {false, true}) {
        const auto renames = [&](const std::string& from, const std::string& to) {
            const auto seen = after(
                posix ? extended(7, "posix-rename@openssh.com", s(from) + s(to)) : packet(18, u32(7) + s(from) + s(to)));
            return !seen.empty();
        };
        EXPECT_TRUE(renames("/srv/data/f", "data/g"));
        EXPECT_FALSE(renames("/srv/data/f", "/home/alice/g"));
        EXPECT_FALSE(renames("/etc/passwd", "/srv/data/g"));
        EXPECT_FALSE(renames("/srv/data/out/passwd", "/srv/data/g"));
        EXPECT_FALSE(renames("/srv/data/f", "/srv/data/out/g"));
        EXPECT_FALSE(renames("/srv/data/f", "/srv/data/.."));
    }
}

TEST_F(PathsTest, AHardLinkIsOfAFileThatMayBeReached) {
    const auto links = [&](const std::string& from, const std::string& to) {
        return !after(extended(7, "hardlink@openssh.com", s(from) + s(to))).empty();
    };
    EXPECT_TRUE(links("/srv/data/f", "/srv/data/g"));
    EXPECT_FALSE(links("/etc/passwd", "/srv/data/g"));
    EXPECT_FALSE(links("/srv/data/f", "/home/alice/g"));
    EXPECT_FALSE(links("/srv/data/out", "/srv/data/g"));  // where the last link is followed this is /root
}

TEST_F(PathsTest, ALinkLeadsNowhereElse) {
    EXPECT_TRUE(links("/srv/data/f", "/srv/data/new"));  // OpenSSH: where it leads, and the link
    EXPECT_TRUE(links("f", "/srv/data/new"));
    EXPECT_TRUE(links("deep/none/x", "/srv/data/new"));
    EXPECT_TRUE(links("../data/f", "/srv/data/deep/new"));  // /srv/data/data/f
    EXPECT_FALSE(links("/etc/passwd", "/srv/data/new"));
    EXPECT_FALSE(links("../../etc/passwd", "/srv/data/new"));
    EXPECT_FALSE(links("/srv/data/out/passwd", "/srv/data/new"));
    EXPECT_FALSE(links("in/../../../etc/passwd", "/srv/data/new"));
    EXPECT_FALSE(links("/etc/none/x", "/srv/data/new"));  // not there yet
    EXPECT_FALSE(links("/srv/data/f", "/home/alice/new"));
    EXPECT_FALSE(links("/srv/data/f", "/srv/data/out/new"));
    EXPECT_FALSE(links("/srv", "/srv/data/new"));
    EXPECT_FALSE(links("/srv/data/new", "/etc/x"));
}

TEST(PathsElsewhere, WhereTheOrderOfSymlinkIsNotKnownBothMustBePermitted) {
    Talk talk({"keepers", false, {"/srv/data/**"}}, "SSH-2.0-AnotherServer_1");
    talk.greet(kHome);
    const auto links = [&](const std::string& first, const std::string& second) {
        EXPECT_TRUE(talk.client(packet(20, u32(7) + s(first) + s(second))));
        const auto seen = talk.serve();
        if (!seen.empty()) {
            EXPECT_EQ(seen[0].rest, s(first) + s(second));  // as it was written
            EXPECT_TRUE(talk.server(packet(101, u32(7) + u32(0) + s("") + s(""))));
        }
        talk.told();
        return !seen.empty();
    };
    EXPECT_TRUE(links("/srv/data/f", "/srv/data/new"));
    EXPECT_FALSE(links("/srv/data/f", "/etc/passwd"));
    EXPECT_FALSE(links("/etc/passwd", "/srv/data/f"));
    EXPECT_FALSE(links("f", "/srv/data/new"));
}

TEST_F(PathsTest, RealpathTellsOnlyOfPlacesThatMayBeReached) {
    const auto told = [&](const std::string& path, const std::string& real) {
        m_talk.told();
        EXPECT_TRUE(m_talk.client(packet(16, u32(7) + s(path))));
        EXPECT_EQ(packets(m_talk.to_server).at(0).path(), path);
        const std::string answer = real.empty() ? packet(101, u32(7) + u32(2) + s("No such file") + s(""))
                                                : packet(104, u32(7) + u32(1) + s(real) + s(real) + u32(0));
        EXPECT_TRUE(m_talk.server(answer));
        const bool passed = m_talk.to_client == answer;
        const auto seen = m_talk.told();
        EXPECT_EQ(seen.size(), 1U);
        EXPECT_EQ(seen.at(0).status() == 3U, !passed);
        return passed;
    };
    EXPECT_TRUE(told(".", kHome));
    EXPECT_TRUE(told("/srv", "/srv"));
    EXPECT_TRUE(told("/srv/data/x", "/srv/data/x"));
    EXPECT_TRUE(told("/srv/data/none/x", ""));
    EXPECT_FALSE(told("/srv/data/out", "/root"));
    EXPECT_FALSE(told("/etc/none/x", ""));
    EXPECT_FALSE(told("/srv/data/../../etc/none/x", ""));
    EXPECT_FALSE(told("x", "relative"));
    EXPECT_FALSE(told("x", "/srv/data/../../etc"));
    EXPECT_EQ(m_talk.refused.size(), 5U);
    ASSERT_TRUE(m_talk.client(extended(7, "expand-path@openssh.com", s("~root/x"))));
    ASSERT_TRUE(m_talk.server(packet(104, u32(7) + u32(1) + s("/root/x") + s("") + u32(0))));
    EXPECT_EQ(m_talk.told().at(0).status(), 3U);
    ASSERT_TRUE(m_talk.client(extended(7, "home-directory", s("u"))));
    ASSERT_TRUE(m_talk.server(packet(104, u32(7) + u32(1) + s(kHome) + s("") + u32(0))));
    EXPECT_EQ(m_talk.told().at(0).type, 104);
}

TEST_F(PathsTest, AnotherErrorOfTheServerIsTheClientsAnswerWhereItMayAsk) {
    ASSERT_TRUE(after(packet(17, u32(7) + s("/srv/data/none/x"))).empty());
    EXPECT_EQ(m_told.at(0).status(), 2U);
    EXPECT_EQ(m_told.at(0).text(), "No such file");
    ASSERT_TRUE(after(packet(17, u32(7) + s("/etc/none/x"))).empty());
    EXPECT_EQ(m_told.at(0).status(), 3U);
    EXPECT_EQ(m_talk.refused.size(), 1U);
}

TEST_F(PathsTest, WhereRealpathKnowsOnlyWhatIsThereNewFilesAreMadeAnew) {
    ASSERT_TRUE(m_talk.client(packet(3, u32(7) + s("/srv/data/new") + u32(0x1a) + kNoAttributes)));
    const auto asked = packets(m_talk.to_server);
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0].path(), "/srv/data/new");
    EXPECT_EQ(asked[1].path(), "/srv/data/");
    ASSERT_TRUE(m_talk.server(packet(101, u32(asked[0].id) + u32(2) + s("") + s(""))));
    EXPECT_EQ(m_talk.to_server, "");
    ASSERT_TRUE(m_talk.server(packet(104, u32(asked[1].id) + u32(1) + s("/srv/data") + s("") + u32(0))));
    EXPECT_EQ(m_talk.to_server, packet(3, u32(7) + s("/srv/data/new") + u32(0x3a) + kNoAttributes));
}

TEST_F(PathsTest, RequestsKeepTheirOrderWhileTheServerIsAsked) {
    const std::string open = packet(3, u32(7) + s("/srv/data/f") + u32(1) + kNoAttributes),
                      later = extended(8, "limits@openssh.com", "");
    ASSERT_TRUE(m_talk.client(open + later));
    EXPECT_EQ(m_talk.watch.held(), later.size());
    EXPECT_EQ(m_talk.to_server.find("limits"), std::string::npos);
    const auto seen = m_talk.serve();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].type, 3);
    EXPECT_EQ(seen[1].type, 200);
    EXPECT_EQ(m_talk.watch.held(), 0U);
    EXPECT_EQ(m_talk.to_client, "");
}

TEST_F(PathsTest, AClientThatGuessesTheNumberOfAQuestionWaits) {
    const std::string open = packet(3, u32(7) + s("/etc/passwd") + u32(1) + kNoAttributes);
    ASSERT_TRUE(m_talk.client(open));
    const std::uint32_t ours = packets(m_talk.to_server).at(0).id;
    // A link that reads "/srv/data/f" would otherwise answer for us.
    ASSERT_TRUE(m_talk.client(packet(19, u32(ours) + s("/srv/data/liar"))));
    EXPECT_EQ(m_talk.to_server, "");
    ASSERT_TRUE(m_talk.server(packet(104, u32(ours) + u32(1) + s("/etc/passwd") + s("") + u32(0))));
    const auto told = m_talk.told();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].status(), 3U);
    // And one whose number is taken by the client is not used.
    m_talk.to_server.clear();
    Talk other({"keepers", false, {"/srv/data/**"}});
    other.greet(kHome);
    ASSERT_TRUE(other.client(extended(ours, "limits@openssh.com", "") + extended(ours + 1, "limits@openssh.com", "")));
    other.to_server.clear();
    ASSERT_TRUE(other.client(packet(17, u32(7) + s("/srv/data/f"))));
    EXPECT_GT(packets(other.to_server).at(0).id, ours + 1);
}

TEST_F(PathsTest, AnAnswerThatIsNoPathPermitsNothing) {
    for (const std::string& answer : {s("relative"), s(""), s("/srv/data/../../etc/passwd"), s("/srv/data/./f"),
             s("/srv//data/f"), s(std::string_view("/srv/data/f\0", 12))}) {
        m_talk.told();
        ASSERT_TRUE(m_talk.client(packet(3, u32(7) + s("/srv/data/f") + u32(1) + kNoAttributes)));
        const std::uint32_t ours = packets(m_talk.to_server).at(0).id;
        ASSERT_TRUE(m_talk.server(packet(104, u32(ours) + u32(1) + answer + s("") + u32(0))));
        EXPECT_EQ(m_talk.to_server, "");
        EXPECT_EQ(m_talk.told().size(), 1U);
    }
    for (const std::string& answer : {packet(104, u32(0) + u32(0)), packet(103, u32(0) + s("/srv/data/f")),
             packet(101, u32(0) + u32(0)), packet(102, u32(0) + s("/srv/data/f"))}) {
        ASSERT_TRUE(m_talk.client(packet(3, u32(7) + s("/srv/data/f") + u32(1) + kNoAttributes)));
        const std::uint32_t ours = packets(m_talk.to_server).at(0).id;
        ASSERT_TRUE(m_talk.server(answer.substr(0, 5) + u32(ours) + answer.substr(9)));
        EXPECT_EQ(m_talk.to_server, "");
        EXPECT_EQ(m_talk.told().size(), 1U);
    }
}

TEST(PathsElsewhere, AServerThatDoesNotSayWhereItBeginsIsNotUsed) {
    Talk talk({"keepers", false, {"/srv/data/**"}});
    ASSERT_TRUE(talk.client(kInit));
    ASSERT_TRUE(talk.server(kVersionAnswer));
    packets(talk.to_server);
    const auto done = talk.server(packet(101, u32(0x73656b69) + u32(4) + s("no") + s("")));
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().text, HasSubstr("in which folder it begins"));
}

TEST_F(PathsTest, InPiecesOfEverySizeTheSame) {
    const std::string requests = packet(3, u32(7) + s("data/f") + u32(1) + kNoAttributes) +
                                 packet(13, u32(8) + s("/etc/passwd")) +
                                 packet(18, u32(9) + s("/srv/data/a/../f") + s("/srv/data/g"));
    for (std::size_t piece = 1; piece <= requests.size(); ++piece) {
        Talk talk({"keepers", false, {"/srv/data/**"}}, "SSH-2.0-OpenSSH_9.2p1", piece);
        talk.greet(kHome);
        talk.links = m_talk.links;
        talk.links.erase("/srv/data/a");
        ASSERT_TRUE(talk.client(requests));
        const auto seen = talk.serve();
        ASSERT_EQ(seen.size(), 2U);
        EXPECT_EQ(seen[0].path(), "/srv/data/f");
        EXPECT_EQ(seen[1].rest, s("/srv/data/f") + s("/srv/data/g"));
        ASSERT_EQ(talk.told().size(), 1U);
    }
}

}  // namespace
}  // namespace sekisho::sftp::test
