// What a stream signs, what it holds for certain, and what a file keeps.
#include "notify/stream.h"

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::notify {
namespace {

using namespace std::chrono_literals;

TEST(WebhookTest, SignsWithEachSecret) {
    std::vector<Secret> secrets;
    secrets.emplace_back(base::view("first"));
    secrets.emplace_back(base::view("second"));
    // printf '1796050799.{"a":1}' | openssl dgst -sha256 -hmac first (second)
    EXPECT_EQ(webhook_signature(1796050799, "{\"a\":1}", secrets),
        "t=1796050799,v1=562935fea40a33755f81a82f968aefa009be6d10a8635e1a68cbdd8f445df225"
        ",v1=afea21b8406fce2dc60a3ac4ac5e97af7404f985ef8ed231ac0385d6996ca803");
}

TEST(DoubtsTest, WhatIsOldHasArrived) {
    Doubts doubts;
    const TimePoint now{};
    EXPECT_EQ(doubts.certain(7), 7U);
    doubts.told(8, now);
    doubts.told(11, now + 2s);
    EXPECT_EQ(doubts.certain(12), 7U);
    doubts.settle(now + 5s, 5s);
    EXPECT_EQ(doubts.certain(12), 10U);
    doubts.settle(now + 7s, 5s);
    EXPECT_EQ(doubts.certain(12), 12U);
}

TEST(FileStreamTest, AppendsWholeLines) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sekisho-test-XXXXXX").string();
    const std::string folder = ::mkdtemp(pattern.data());
    const std::string path = folder + "/audit.jsonl";
    const auto stream =
        file_stream(path, [](const model::AuditRecord& record) { return std::to_string(record.sequence) + "\n"; });
    std::vector<model::AuditRecord> records(2);
    records[0].sequence = 1;
    records[1].sequence = 2;
    const auto text = [&] {
        std::ifstream file(path);
        return std::string{std::istreambuf_iterator<char>(file), {}};
    };
    ASSERT_TRUE(stream->tell(records));
    EXPECT_EQ(text(), "1\n2\n");
    EXPECT_EQ(*stream->certain(5), 5U);
    // Moved away, and a crash in the middle of a line.
    std::filesystem::rename(path, path + ".1");
    ASSERT_TRUE(stream->tell(std::span(records).first(1)));
    EXPECT_EQ(text(), "1\n");
    std::ofstream(path, std::ios::app) << "ha";
    ASSERT_TRUE(stream->tell(std::span(records).last(1)));
    EXPECT_EQ(text(), "1\nha\n2\n");
    // No file of ours: a link, a folder.
    std::filesystem::remove(path);
    std::filesystem::create_symlink("/etc/passwd", path);
    EXPECT_FALSE(stream->tell(records));
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    EXPECT_FALSE(stream->tell(records));
    std::filesystem::remove_all(folder);
}

TEST(StreamTest, NobodyThereIsAnErrorAtOnce) {
    const std::atomic<bool> stop = false;
    const Form form = [](const model::AuditRecord&) { return std::string("x"); };
    const std::vector<model::AuditRecord> records(1);
    EXPECT_FALSE(local_stream("/nowhere/socket", false, form, stop)->tell(records));
    EXPECT_FALSE(local_stream("/nowhere/socket", true, form, stop)->tell(records));
    EXPECT_FALSE(local_stream(std::string(200, 'x'), true, form, stop)->tell(records));
    EXPECT_FALSE(tcp_stream({"127.0.0.1:1", false, {}, nullptr, nullptr}, form, stop)->tell(records));
    EXPECT_FALSE(tcp_stream({"127.0.0.1:1", true, "no certificate", nullptr, nullptr}, form, stop)->tell(records));
}

}  // namespace
}  // namespace sekisho::notify
