#include "sftp/scp.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace sekisho::sftp {
namespace {

using namespace std::string_literals;

std::string sha_of(std::string_view text) { return base::hex(crypto::sha256({base::view(text)})); }

struct ScpTalk {
    explicit ScpTalk(std::string_view command)
        : observer(*scp_command(command)), to_target(scp_command(command)->to_target) {}
    void sender(std::string_view bytes) { give(bytes, to_target); }
    void receiver(std::string_view bytes) { give(bytes, !to_target); }
    void give(std::string_view bytes, bool client) {
        for (const char c : bytes) {
            const std::string one(1, c);
            client ? observer.from_client(base::view(one)) : observer.from_server(base::view(one));
        }
    }
    std::vector<std::string> told() {
        std::vector<std::string> all;
        for (const Operation& one : observer.take()) {
            all.push_back(one.operation + " " + one.path + (one.other_path.empty() ? "" : " or " + one.other_path) + " " +
                          std::to_string(one.bytes_read + one.bytes_written) + " " + one.result);
            hashes.push_back(one.sha256);
        }
        return all;
    }
    ScpObserver observer;
    bool to_target;
    std::vector<std::string> hashes;
};

using Told = std::vector<std::string>;

TEST(ScpCommand, IsReadAsAShellWould) {
    EXPECT_FALSE(scp_command("scp"));
    EXPECT_FALSE(scp_command("scp -t"));
    EXPECT_FALSE(scp_command("scp a b"));
    EXPECT_FALSE(scp_command("rsync --server -t x"));
    EXPECT_FALSE(scp_command(""));
    const auto many = scp_command("/usr/bin/scp -v -r -pf -- 'a b' c\\ d \"e f\" -g");
    ASSERT_TRUE(many);
    EXPECT_FALSE(many->to_target);
    EXPECT_TRUE(many->whole_folders);
    EXPECT_EQ(many->paths, (Told{"a b", "c d", "e f", "-g"}));
    EXPECT_TRUE(scp_command("scp -d -t /x")->folder);
}

TEST(ScpObserver, FilesToTheTarget) {
    ScpTalk talk("scp -d -t /dir");
    talk.receiver("\0"s);
    talk.sender("T1 0 1 0\n");
    talk.receiver("\0"s);
    talk.sender("C0644 5 one\n");
    talk.receiver("\0"s);
    talk.sender("hello\0"s);
    talk.receiver("\0"s);
    talk.sender("C0644 0 empty\n");
    talk.receiver("\0"s);
    talk.sender("\0"s);
    talk.receiver("\0"s);
    talk.sender("C0644 7 refused\n");
    talk.receiver("\1scp: no\n");
    talk.sender("C0644 2 next\n");
    talk.receiver("\0"s);
    talk.sender("ab");
    talk.observer.ended();
    EXPECT_EQ(talk.told(),
        (Told{"write /dir/one 5 ok", "write /dir/empty 0 ok", "write /dir/refused 0 scp: no", "write /dir/next 2 cut"}));
    EXPECT_EQ(talk.hashes, (Told{sha_of("hello"), sha_of(""), "", ""}));
}

TEST(ScpObserver, OneNameMayBeTheFileOrItsFolder) {
    ScpTalk talk("scp -t /x");
    talk.receiver("\0"s);
    talk.sender("C0644 1 y\n");
    talk.receiver("\0"s);
    talk.sender("a\0"s);
    talk.receiver("\0"s);
    EXPECT_EQ(talk.told(), (Told{"write /x or /x/y 1 ok"}));
    ScpTalk folder("scp -r -t /x/");
    folder.receiver("\0"s);
    folder.sender("D0755 0 y\n");
    folder.receiver("\0"s);
    folder.sender("C0644 1 z\n");
    folder.receiver("\0"s);
    folder.sender("a\1could not read\n");
    folder.receiver("\0"s);
    folder.sender("E\n");
    folder.receiver("\0"s);
    EXPECT_EQ(folder.told(), (Told{"mkdir /x/y 0 ok", "write /x/y/z 1 failure"}));
}

TEST(ScpObserver, FilesFromTheTarget) {
    ScpTalk talk("scp -r -f /a/b* c");
    talk.receiver("\0"s);
    talk.sender("C0644 3 bcd\n");
    talk.receiver("\0"s);
    talk.sender("123\0"s);
    talk.receiver("\0"s);
    talk.sender("\1scp: c2: No such file\n");
    talk.sender("D0755 0 c\n");
    talk.receiver("\0"s);
    talk.sender("C0644 1 x\n");
    talk.receiver("\0"s);
    talk.sender("1\0"s);
    talk.receiver("\0"s);
    talk.sender("E\n");
    talk.receiver("\0"s);
    EXPECT_EQ(talk.told(), (Told{"read /a/bcd 3 ok", "read  0 failure", "list c 0 ok", "read c/x 1 ok"}));
}

/// PuTTY's receiver answers before it has read the sender's last word on a file.
TEST(ScpObserver, AReceiverMayAnswerEarly) {
    ScpTalk talk("scp -f /a /b /c");
    talk.receiver("\0"s);
    talk.sender("C0644 0 a\n");
    talk.receiver("\0\0"s);
    EXPECT_TRUE(talk.told().empty());
    talk.sender("\0C0644 2 b\n"s);
    talk.receiver("\0"s);
    talk.sender("12");
    talk.receiver("\1disk full\n");
    talk.sender("\0"s);
    talk.sender("C0644 2 c\n");
    talk.receiver("\0"s);
    talk.sender("1");
    talk.receiver("\0"s);
    EXPECT_EQ(talk.told(), (Told{"read /a 0 ok", "read /b 2 disk full", "read /c 1 cut", "unreadable  0 an answer to nothing"}));
}

/// What is sent before its answer means what the answer makes of it.
TEST(ScpObserver, DataThatWasRefusedIsReadAsWhatItIsThen) {
    ScpTalk talk("scp -d -t /dir");
    talk.receiver("\0"s);
    talk.sender("C0644 12 small\nC0644 1 big\n");
    talk.receiver("\1no\n");
    talk.receiver("\0"s);
    talk.sender("x\0"s);
    talk.receiver("\0"s);
    EXPECT_EQ(talk.told(), (Told{"write /dir/small 0 no", "write /dir/big 1 ok"}));
    EXPECT_EQ(talk.hashes[1], sha_of("x"));
}

TEST(ScpObserver, WhatIsNoScpEndsItsReading) {
    for (const std::string_view wrong :
        {"hello\n", "C0644 5 a/b\n", "C0644 5 ..\n", "C0644 x y\n", "C0644\n", "D0755 0 \n", "\n"}) {
        ScpTalk talk("scp -t /x");
        talk.receiver("\0"s);
        talk.sender(wrong);
        const auto told = talk.observer.take();
        ASSERT_EQ(told.size(), 1U) << wrong;
        EXPECT_EQ(told[0].operation, "unreadable") << wrong;
    }
}

TEST(ScpObserver, WhatWaitsForAnAnswerIsBounded) {
    ScpTalk talk("scp -t /x");
    const std::string much(ScpObserver::kMostHeld + 1, 'x');
    talk.observer.from_client(base::view(much));
    const auto told = talk.observer.take();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].operation, "unreadable");
    ScpTalk line("scp -t /x");
    line.receiver("\0"s);
    line.observer.from_client(base::view("C" + std::string(ScpObserver::kMostLine + 1, 'x')));
    EXPECT_EQ(line.observer.take().size(), 1U);
}

}  // namespace
}  // namespace sekisho::sftp
