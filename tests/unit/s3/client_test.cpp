// The client against a server of the test that answers as it is told: paging, many at once, and every way to be let down.
#include "s3/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "tests/unit/s3/test_server.h"

namespace sekisho::s3 {
namespace {

using namespace std::chrono_literals;
using namespace testing;

std::string page(const std::vector<std::string>& keys, const std::string& next = "") {
    std::string xml = fmt::format("<ListBucketResult><IsTruncated>{}</IsTruncated>", next.empty() ? "false" : "true");
    if (!next.empty()) xml += "<NextContinuationToken>" + next + "</NextContinuationToken>";
    for (const auto& key : keys) xml += "<Contents><Key>" + key + "</Key><ETag>\"1\"</ETag><Size>5</Size></Contents>";
    return ok(xml + "</ListBucketResult>");
}

std::vector<std::string> keys_of(const std::vector<Object>& objects) {
    std::vector<std::string> keys;
    for (const auto& object : objects) keys.push_back(object.key);
    return keys;
}

TEST(ClientTest, ListsPageByPage) {
    std::vector<std::string> asked;
    TestServer server([&](const std::string& head) {
        asked.push_back(head.substr(0, head.find("\r\n")));
        return head.find("continuation-token=t%2F2") == std::string::npos ? page({"keys/a.pub"}, "t/2")
                                                                          : page({"keys/b.pub"});
    });
    auto client = client_of(server.url());
    const auto listed = client.list(10);
    ASSERT_TRUE(listed) << listed.error().full();
    EXPECT_EQ(keys_of(*listed), (std::vector<std::string>{"keys/a.pub", "keys/b.pub"}));
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0], "GET /bucket/?encoding-type=url&list-type=2&max-keys=1000&prefix=keys%2F HTTP/1.1");
    EXPECT_EQ(server.connections(), 1U) << "the connection is used again";
}

TEST(ClientTest, HalfAListingIsNone) {
    for (const char* second : {"cut", "status", "hang up", "same", "refused"}) {
        TestServer server([&](const std::string& head) -> std::string {
            if (head.find("continuation-token") == std::string::npos) return page({"keys/a.pub"}, "t");
            const std::string_view how = second;
            std::string whole = page({"keys/b.pub"});
            if (how == "cut") return whole.substr(0, whole.size() - 30) + "Connection: close";
            if (how == "status") return ok("", "503 Slow Down");
            if (how == "same") return page({"keys/b.pub"}, "t");
            if (how == "refused") return ok("<Error><Code>AccessDenied</Code><X>hidden</X></Error>", "403 Forbidden");
            return "";
        });
        auto client = client_of(server.url(), 2);
        const auto listed = client.list(10);
        ASSERT_FALSE(listed) << second;
        EXPECT_EQ(listed.error().full().find("hidden"), std::string::npos);
    }
}

TEST(ClientTest, MoreThanTheMostIsAnError) {
    TestServer server([&](const std::string&) { return page({"keys/a", "keys/b", "keys/c"}); });
    auto client = client_of(server.url());
    EXPECT_TRUE(client.list(3));
    EXPECT_FALSE(client.list(2));
}

TEST(ClientTest, GetsManyAtOnceOverFewConnections) {
    TestServer server([&](const std::string& head) {
        const std::string key = head.substr(4, head.find(" HTTP") - 4);
        return key.ends_with("7") ? ok("<Error><Code>NoSuchKey</Code></Error>", "404 Not Found") : ok("content of " + key);
    });
    auto client = client_of(server.url());
    std::vector<std::string> keys;
    for (int i = 0; i < 200; ++i) keys.push_back(fmt::format("keys/{}", i));
    std::map<std::size_t, Result<std::string>> got;
    const auto done = client.get(keys, 100, [&](std::size_t i, Result<std::string> content) {
        EXPECT_TRUE(got.emplace(i, std::move(content)).second) << "twice";
    });
    ASSERT_TRUE(done) << done.error().full();
    ASSERT_EQ(got.size(), keys.size());
    for (const auto& [i, content] : got) {
        if (keys[i].ends_with("7"))
            EXPECT_EQ(content.error().detail, "status 404, NoSuchKey");
        else
            EXPECT_EQ(content.value(), "content of /bucket/" + keys[i]);
    }
    EXPECT_LE(server.connections(), 16U);
}

TEST(ClientTest, TriesAgainWhileTheServerIsOutOfBreath) {
    std::mutex mutex;
    std::map<std::string, int> asked;
    std::set<std::string> signatures;
    TestServer server([&](const std::string& head) -> std::string {
        const std::lock_guard lock(mutex);
        const std::string key = head.substr(4, head.find(" HTTP") - 4);
        switch (asked[key]++) {
            case 0: return ok("", "503 Slow Down");
            case 1: return "";
            case 2: return ok("", "500 Internal Server Error");
            default: return ok("content");
        }
    });
    auto client = client_of(server.url());
    std::size_t good = 0;
    const auto done =
        client.get({"a", "b", "c"}, 100, [&](std::size_t, const Result<std::string>& content) { good += content ? 1 : 0; });
    ASSERT_TRUE(done) << done.error().full();
    EXPECT_EQ(good, 3U);
    for (const auto& [key, count] : asked) EXPECT_EQ(count, 4) << key;
}

TEST(ClientTest, AServerThatIsGoneEndsAllOfIt) {
    std::string url;
    {
        TestServer server([](const std::string&) { return std::string(); });
        url = server.url();
    }
    auto client = client_of(url, 2);
    std::size_t told = 0;
    const auto done =
        client.get(std::vector<std::string>(1000, "x"), 100, [&](std::size_t, const Result<std::string>&) { ++told; });
    EXPECT_FALSE(done);
    EXPECT_EQ(told, 0U);
    EXPECT_FALSE(client.list(10));
}

TEST(ClientTest, AnAnswerThatIsTooLongIsNotRead) {
    TestServer server([](const std::string&) { return ok(std::string(101, 'x')); });
    auto client = client_of(server.url());
    EXPECT_FALSE(client.get({"a"}, 100, [](std::size_t, const Result<std::string>&) { FAIL(); }));
    EXPECT_TRUE(client.get({"a"}, 101, [](std::size_t, const Result<std::string>& content) { EXPECT_TRUE(content); }));
}

TEST(ClientTest, ABodyIsCarriedAndSigned) {
    std::string seen;
    TestServer server([&](const std::string& head) {
        seen = head;
        return ok("");
    });
    auto client = client_of(server.url());
    int status = 0;
    const auto done = client.perform(
        1,
        [](std::size_t) {
            return Request{
                .method = "PUT", .key = "a b", .headers = {{"x-amz-server-side-encryption", "AES256"}}, .body = ""};
        },
        [&](std::size_t, const HttpResponse& response) { status = response.status; });
    ASSERT_TRUE(done) << done.error().full();
    EXPECT_EQ(status, 200);
    EXPECT_TRUE(seen.starts_with("PUT /bucket/a%20b HTTP/1.1\r\n")) << seen;
    EXPECT_NE(seen.find("x-amz-server-side-encryption,Signature="), std::string::npos) << seen;
    EXPECT_EQ(seen.find("Expect:"), std::string::npos) << seen;
}

TEST(ClientTest, StopEndsWhatRunsAndWhatFollows) {
    std::promise<void> reached, leave;
    TestServer server([&, left = leave.get_future().share()](const std::string&) {
        reached.set_value();
        left.wait();
        return std::string();
    });
    auto client = client_of(server.url());
    auto listed = std::async(std::launch::async, [&] { return client.list(10); });
    reached.get_future().wait();
    client.stop();
    EXPECT_FALSE(listed.get());
    EXPECT_FALSE(client.list(10));
    leave.set_value();
}

TEST(CredentialsTest, OfTheInstancesRoleUntilShortlyBeforeTheyExpire) {
    const WallTime now = std::chrono::system_clock::from_time_t(1'800'000'000);
    std::atomic<int> made = 0;
    TestServer server([&](const std::string& head) -> std::string {
        if (head.starts_with("PUT /latest/api/token") &&
            head.find("x-aws-ec2-metadata-token-ttl-seconds: ") != std::string::npos)
            return ok("TOKEN");
        if (head.find("x-aws-ec2-metadata-token: TOKEN") == std::string::npos) return ok("", "401 Unauthorized");
        if (head.starts_with("GET /latest/meta-data/iam/security-credentials/ ")) return ok("gate role\n");
        if (!head.starts_with("GET /latest/meta-data/iam/security-credentials/gate%20role ")) return ok("", "404 Not Found");
        return ok(fmt::format(R"({{"AccessKeyId":"ID{}","SecretAccessKey":"S","Token":"T","Expiration":"{}"}})", ++made,
            base::rfc3339(now + 1h)));
    });
    const std::string url = server.url();
    CredentialSource source({}, [&](const char* name) {
        return std::string_view(name) == "AWS_EC2_METADATA_SERVICE_ENDPOINT" ? url.c_str() : nullptr;
    });
    const auto first = source.current(now);
    ASSERT_TRUE(first) << first.error().full();
    EXPECT_EQ((*first)->access_key, "ID1");
    EXPECT_EQ((*first)->session_token, "T");
    EXPECT_EQ((*source.current(now + 54min))->access_key, "ID1");
    EXPECT_EQ((*source.current(now + 56min))->access_key, "ID2");
    source.forget();
    EXPECT_EQ((*source.current(now))->access_key, "ID3");
}

}  // namespace
}  // namespace sekisho::s3
