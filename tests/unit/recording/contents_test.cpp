#include <nlohmann/json.hpp>

#include "crypto/hash.h"
#include "fixture.h"
#include "recording/content_cut.h"
#include "recording/file_event.h"
#include "recording/file_listing.h"

namespace sekisho::recording::testing {
namespace {

using base::view;
using nlohmann::json;

TimePoint contents_now() { return std::chrono::steady_clock::now(); }
std::string sha(std::string_view text) { return base::hex(crypto::sha256({view(text)})); }

TEST(ContentCut, KeepsTheFirstOfEachStreamAndHashesAll) {
    ContentCut cut(5);
    EXPECT_EQ(base::text_view(cut.keep(Stream::Output, view("abc"))), "abc");
    EXPECT_EQ(base::text_view(cut.keep(Stream::Output, view("defg"))), "de");
    EXPECT_TRUE(cut.keep(Stream::Output, view("h")).empty());
    EXPECT_EQ(base::text_view(cut.keep(Stream::Input, view("12345"))), "12345");
    EXPECT_EQ(base::text_view(cut.keep(Stream::Notice, view("longer than that"))), "longer than that");
    const auto digests = cut.digests();
    ASSERT_EQ(digests.size(), 1U) << "of the input nothing is missing";
    EXPECT_EQ(json::parse(digests[0]), (json{{"stream", "output"}, {"bytes", 8}, {"kept", 5}, {"sha256", sha("abcdefgh")}}));
    EXPECT_TRUE(cut.digests().empty());
}

TEST(ContentCut, InARecordingNothingIsCountedTwice) {
    const TemporaryFolder folder;
    const auto recordings = make_recordings(folder.path());
    Session session(*recordings, facts_of("alice"));
    session->channel_opened({1, "session", "ubuntu@web1", "", model::RecordLevel::Full, false, false, {4}}, contents_now());
    session->channel_opened({2, "session", "ubuntu@web1", "", model::RecordLevel::Full, false, false, {0}}, contents_now());
    session->data(1, Stream::Output, view("0123456789"), contents_now());
    session->eof(1, false, contents_now());
    session->channel_closed(1, contents_now());
    session->data(2, Stream::Input, view("still open at the end"), contents_now());
    ASSERT_TRUE(session.finish());
    auto reader = Reader::open(path_in(folder.path(), session.key));
    std::vector<std::string> order;
    std::string digests;
    while (const auto event = reader->next()) {
        if (event->kind == Event::Kind::Data) order.push_back("data " + std::string(base::text_view(event->bytes)));
        if (event->kind == Event::Kind::Counted)
            order.push_back("counted " + std::to_string(event->counts[0]) + " " + std::to_string(event->counts[1]));
        if (event->kind == Event::Kind::Eof) order.emplace_back("eof");
        if (event->kind == Event::Kind::ContentDigest) digests += std::string(base::text_view(event->bytes));
    }
    EXPECT_EQ(order, (std::vector<std::string>{"data 0123", "counted 0 6", "eof", "counted 21 0"}));
    EXPECT_NE(digests.find(sha("0123456789")), std::string::npos);
    EXPECT_NE(digests.find(sha("still open at the end")), std::string::npos);
    EXPECT_TRUE(verify_file(path_in(folder.path(), session.key))->intact());
}

sftp::Operation operation(std::string path) {
    sftp::Operation one;
    one.operation = "write";
    one.path = std::move(path);
    one.bytes_written = 7;
    one.sha256 = sha("content");
    one.result = "ok";
    return one;
}

TEST(FileEvents, AreReadAsTheyWereWritten) {
    for (const auto level : {model::RecordLevel::Full, model::RecordLevel::Commands, model::RecordLevel::Metadata}) {
        const TemporaryFolder folder;
        const auto recordings = make_recordings(folder.path());
        Session session(*recordings, facts_of("alice"));
        session->channel_opened({3, "session", "ubuntu@web1", "", level}, contents_now());
        session->file_operation(3, encode_file_event(operation("/srv/日本"), "sftp"), contents_now());
        session->file_operation(3, std::string(kFileEventMost + 1, 'x'), contents_now());
        session->channel_closed(3, contents_now());
        ASSERT_TRUE(session.finish());
        auto reader = Reader::open(path_in(folder.path(), session.key));
        FileEvents events(*reader, std::nullopt);
        const auto one = events.next();
        ASSERT_EQ(one.has_value(), level != model::RecordLevel::Metadata);
        EXPECT_FALSE(events.next());
        if (!one) continue;
        EXPECT_EQ(one->path, "/srv/日本");
        EXPECT_EQ(one->target, "ubuntu@web1");
        EXPECT_EQ(one->bytes_written, 7U);
        EXPECT_EQ(one->sha256, sha("content"));
        const json whole = json::parse(full_json(*one, reader->facts()));
        EXPECT_EQ(whole["user"], "alice");
        EXPECT_EQ(whole["channel"], 3);
    }
}

TEST(FileEvents, NamesAreBytesAndEventsAreBounded) {
    const json odd = json::parse(encode_file_event(operation("/a\xff\x01"), "sftp"));
    EXPECT_EQ(odd["path"], "/a\xef\xbf\xbd\x01");
    EXPECT_EQ(odd["path_hex"], "2f61ff01");
    for (const char c : {'\xff', '\x01', '"', 'a'}) {
        sftp::Operation longest = operation(std::string(4096, c));
        longest.other_path = longest.path;
        EXPECT_LE(encode_file_event(longest, "sftp").size(), kFileEventMost);
    }
}

}  // namespace
}  // namespace sekisho::recording::testing
