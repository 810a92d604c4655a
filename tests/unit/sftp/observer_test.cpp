#include "sftp/observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "tests/unit/sftp/talk.h"

namespace sekisho::sftp {
namespace {

using test::extended;
using test::packet;
using test::s;
using test::u32;

std::string u64(std::uint64_t value) {
    return u32(static_cast<std::uint32_t>(value >> 32)) + u32(static_cast<std::uint32_t>(value));
}
std::string sha(std::string_view text) { return base::hex(crypto::sha256({base::view(text)})); }
std::string status(std::uint32_t id, std::uint32_t code) { return packet(101, u32(id) + u32(code) + s("") + s("")); }
std::string handle(std::uint32_t id, std::string_view name) { return packet(102, u32(id) + s(name)); }
std::string data(std::uint32_t id, std::string_view content) { return packet(103, u32(id) + s(content)); }
std::string open(std::uint32_t id, std::string_view path, std::uint32_t flags) {
    return packet(3, u32(id) + s(path) + u32(flags) + u32(0));
}
std::string close(std::uint32_t id, std::string_view name) { return packet(4, u32(id) + s(name)); }
std::string read(std::uint32_t id, std::string_view name, std::uint64_t at, std::uint32_t count) {
    return packet(5, u32(id) + s(name) + u64(at) + u32(count));
}
std::string write(std::uint32_t id, std::string_view name, std::uint64_t at, std::string_view content) {
    return packet(6, u32(id) + s(name) + u64(at) + s(content));
}

constexpr std::uint32_t kRead = 1, kNewFile = 0x1a;

/// Both sides' words in pieces of a size.
class Pieces : public ::testing::TestWithParam<std::size_t> {
protected:
    void client(std::string_view bytes) {
        feed(bytes, [&](BytesView part) { observer.from_client(part); });
    }
    void server(std::string_view bytes) {
        feed(bytes, [&](BytesView part) { observer.from_server(part); });
    }
    void greet() {
        client(test::kInit);
        server(test::kVersionAnswer);
    }
    /// A file that is open under `name`.
    void opened(std::string_view name, std::string_view path, std::uint32_t flags) {
        client(open(900, path, flags));
        server(handle(900, name));
    }
    void closed(std::string_view name) {
        client(close(901, name));
        server(status(901, 0));
    }
    Operation only() {
        auto all = observer.take();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Operation{} : all[0];
    }

    Observer observer;

private:
    void feed(std::string_view bytes, const std::function<void(BytesView)>& give) {
        while (!bytes.empty()) {
            const std::string part(bytes.substr(0, GetParam()));  // of its own, so that a read beyond it is seen
            bytes.remove_prefix(part.size());
            give(base::view(part));
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Sizes, Pieces, ::testing::Values(1, 7, 100'000));

TEST_P(Pieces, AFileThatIsWrittenInFullHasItsHash) {
    greet();
    opened("h", "/a", kNewFile);
    client(write(1, "h", 0, "hello ") + write(2, "h", 6, "world"));
    server(status(1, 0) + status(2, 0));
    EXPECT_FALSE(observer.has_news());
    closed("h");
    const Operation one = only();
    EXPECT_EQ(one.operation, "write");
    EXPECT_EQ(one.path, "/a");
    EXPECT_EQ(one.bytes_written, 11U);
    EXPECT_EQ(one.sha256, sha("hello world"));
    EXPECT_EQ(one.result, "ok");
}

TEST_P(Pieces, RequestsAndAnswersMayComeInAnyOrder) {
    greet();
    opened("h", "/a", kNewFile);
    client(write(1, "h", 6, "world") + write(2, "h", 0, "hello ") + close(3, "h"));
    server(status(3, 0) + status(2, 0));
    EXPECT_FALSE(observer.has_news()) << "a write is under way";
    server(status(1, 0));
    EXPECT_EQ(only().sha256, sha("hello world"));

    opened("r", "/b", kRead);
    client(read(1, "r", 0, 4) + read(2, "r", 4, 4) + read(3, "r", 8, 4) + read(4, "r", 12, 4));
    server(data(3, "ijkl") + data(2, "efgh") + status(4, 1) + data(1, "abcd"));
    closed("r");
    const Operation one = only();
    EXPECT_EQ(one.operation, "read");
    EXPECT_EQ(one.bytes_read, 12U);
    EXPECT_EQ(one.sha256, sha("abcdefghijkl"));
}

TEST_P(Pieces, WhatIsNotTheWholeFileHasNoHash) {
    greet();
    const auto writes = [&](std::uint32_t flags, const std::vector<std::string>& requests, const std::string& answers = {}) {
        opened("h", "/a", flags);
        for (const std::string& one : requests) client(one);
        for (std::uint32_t id = 1; answers.empty() && id <= requests.size(); ++id) server(status(id, 0));
        server(answers);
        closed("h");
        return only();
    };
    EXPECT_EQ(writes(kNewFile, {write(1, "h", 0, "ab")}).sha256, sha("ab"));
    EXPECT_EQ(writes(2, {write(1, "h", 0, "ab")}).sha256, "") << "what stood there before is not known";
    EXPECT_EQ(writes(kNewFile, {write(1, "h", 1, "ab")}).sha256, "") << "a hole";
    EXPECT_EQ(writes(kNewFile, {write(1, "h", 0, "ab"), write(2, "h", 1, "c")}).sha256, "") << "written twice";
    EXPECT_EQ(writes(kNewFile, {write(1, "h", 4, "cd"), write(2, "h", 4, "ef"), write(3, "h", 0, "abcd")}).sha256, "");
    const Operation failed = writes(kNewFile, {write(1, "h", 0, "ab"), write(2, "h", 2, "cd")}, status(1, 0) + status(2, 4));
    EXPECT_EQ(failed.sha256, "");
    EXPECT_EQ(failed.bytes_written, 2U);
    EXPECT_EQ(failed.result, "failure");

    const auto reads = [&](const std::string& requests, const std::string& answers) {
        opened("h", "/a", kRead);
        client(requests);
        server(answers);
        closed("h");
        return only().sha256;
    };
    EXPECT_EQ(reads(read(1, "h", 0, 4), data(1, "abcd")), "") << "there may be more";
    EXPECT_EQ(reads(read(1, "h", 0, 4) + read(2, "h", 4, 4), data(1, "abcd") + status(2, 1)), sha("abcd"));
    EXPECT_EQ(reads(read(1, "h", 0, 4), data(1, "abc")), sha("abc")) << "less than was asked for";
    EXPECT_EQ(reads(read(1, "h", 0, 4) + read(2, "h", 3, 4), data(1, "abc") + data(2, "defg")), "")
        << "it was less, and there was more";
    EXPECT_EQ(reads(read(1, "h", 2, 4) + read(2, "h", 6, 4), data(1, "cdef") + status(2, 1)), "")
        << "not from the beginning";
    EXPECT_EQ(
        reads(packet(8, u32(7) + s("h")) + read(1, "h", 0, 4), packet(105, u32(7) + u32(1) + u64(4)) + data(1, "abcd")),
        sha("abcd"))
        << "FSTAT had told how long it is";
}

TEST_P(Pieces, OperationsWithTheirAnswers) {
    greet();
    observer.server_is("SSH-2.0-OpenSSH_9.2");
    client(packet(16, u32(1) + s(".")));
    server(packet(104, u32(1) + u32(1) + s("/srv/u") + s("") + u32(0)));
    client(packet(13, u32(2) + s("gone")) + packet(14, u32(3) + s("/d") + u32(0)) + packet(15, u32(4) + s("/d")) +
           packet(18, u32(5) + s("/a") + s("/b")) + extended(6, "posix-rename@openssh.com", s("/c") + s("e")) +
           packet(20, u32(7) + s("../target") + s("/link")) + extended(8, "hardlink@openssh.com", s("/old") + s("/new")) +
           packet(9, u32(9) + s("/f") + u32(1 | 4) + u64(3) + u32(0644)) + packet(11, u32(10) + s("")) +
           extended(11, "what-is@this", s("x")) + packet(99, u32(12)));
    server(status(2, 2) + status(3, 0) + status(4, 4) + status(5, 0) + status(6, 0) + status(7, 0) + status(8, 0) +
           status(9, 3) + handle(10, "d") + status(11, 8) + status(12, 77));
    std::vector<std::string> all;
    for (const Operation& one : observer.take())
        all.push_back(one.operation + " " + one.path + " " + one.other_path + " " + one.result +
                      (one.detail.empty() ? "" : " " + one.detail));
    EXPECT_EQ(all, (std::vector<std::string>{"remove /srv/u/gone  no such file", "mkdir /d  ok", "rmdir /d  failure",
                       "rename /a /b ok", "rename /c /srv/u/e ok", "symlink /link ../target ok", "hardlink /new /old ok",
                       "setstat /f  permission denied size=3 mode=0644", "list /srv/u  ok",
                       "extension what-is@this  operation unsupported", "request 99  status 77"}));
}

TEST_P(Pieces, WhatIsCutOffIsToldAsCut) {
    greet();
    opened("h", "/a", kNewFile);
    client(write(1, "h", 0, "ab") + write(2, "h", 2, "cd") + packet(13, u32(3) + s("/gone")));
    server(status(1, 0));
    observer.ended();
    auto all = observer.take();
    ASSERT_EQ(all.size(), 2U);
    std::ranges::sort(all, {}, &Operation::operation);
    EXPECT_EQ(all[0].operation, "remove");
    EXPECT_EQ(all[0].result, "cut");
    EXPECT_EQ(all[1].bytes_written, 2U);
    EXPECT_EQ(all[1].result, "cut");
    EXPECT_EQ(all[1].sha256, "");
    observer.ended();
    EXPECT_FALSE(observer.has_news());
}

TEST_P(Pieces, WhatIsNoSftpIsSaidOnce) {
    client("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    server("HTTP/1.1 400 Bad Request\r\n");
    EXPECT_EQ(only().operation, "unreadable");
}

TEST_P(Pieces, ANumberThatIsUsedTwiceIsNotFollowed) {
    greet();
    client(packet(13, u32(1) + s("/a")) + packet(13, u32(1) + s("/b")));
    EXPECT_EQ(only().path, "/b");
    server(status(1, 0) + status(1, 4));
    const Operation one = only();
    EXPECT_EQ(one.path, "/a");
    EXPECT_EQ(one.result, "ok");
}

TEST(Observer, MoreThanItFollowsIsToldAtOnce) {
    Observer observer;
    std::string requests;
    for (std::uint32_t id = 0; id < Observer::kMostUnderWay + 2; ++id) requests += packet(13, u32(id) + s("/x"));
    observer.from_client(base::view(requests));
    const auto all = observer.take();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].result, "not followed");

    Observer opener;
    for (std::uint32_t id = 0; id < Observer::kMostFiles + 1; ++id) {
        opener.from_client(base::view(open(id, "/x", kNewFile)));
        opener.from_server(base::view(handle(id, "h" + std::to_string(id))));
    }
    EXPECT_EQ(opener.take().size(), 1U);
    opener.from_client(base::view(write(1, "h1024", 0, "abc")));
    opener.from_server(base::view(status(1, 0)));
    opener.ended();
    const auto rest = opener.take();
    ASSERT_EQ(rest.size(), Observer::kMostFiles + 1);
    EXPECT_EQ(rest.back().result, "not followed");
    EXPECT_EQ(rest.back().bytes_written, 3U);
    opener.from_client(base::view(write(2, "h1024", 3, "def")));
    opener.ended();
    EXPECT_FALSE(opener.has_news());
}

TEST(FileHash, ItsWindowIsBounded) {
    HashWindow window;
    {
        FileHash hash(window);
        const Bytes block(1024 * 1024);
        for (std::uint64_t i = 1; i <= 3; ++i) hash.add(i * block.size(), block);
        EXPECT_GT(window.used, 3 * block.size());
        EXPECT_FALSE(hash.spoiled());
        FileHash other(window);
        other.add(1, block);
        EXPECT_TRUE(other.spoiled());
        hash.add(0, block);
        EXPECT_EQ(window.used, 0U);
        EXPECT_EQ(hash.end(), 4 * block.size());
        EXPECT_EQ(hash.finish(), base::hex(crypto::sha256({Bytes(4 * 1024 * 1024)})));
    }
    {
        FileHash hash(window);
        for (std::uint64_t i = 1; i < 100'000; ++i) hash.add(i * 2, base::view("x"));
        EXPECT_TRUE(hash.spoiled()) << "pieces cost more than their bytes";
    }
    EXPECT_EQ(window.used, 0U);
}

}  // namespace
}  // namespace sekisho::sftp
