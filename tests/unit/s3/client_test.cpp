// The client against a server of the test that answers as it is told: paging, many at once, and every way to be let down.
#include "s3/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>

namespace sekisho::s3 {
namespace {

using namespace std::chrono_literals;

/// HTTP of one request at a time and connection; each answer is made by a function. "" hangs up instead.
class TestServer {
public:
    using Answer = std::function<std::string(const std::string& head)>;

    explicit TestServer(Answer answer) : m_answer(std::move(answer)) {
        m_listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(m_listener, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(m_listener, 64), 0);
        ::getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &size);
        m_port = ntohs(address.sin_port);
        m_acceptor = std::thread([this] { accept_all(); });
    }
    ~TestServer() {
        ::shutdown(m_listener, SHUT_RDWR);
        m_acceptor.join();
        {
            const std::lock_guard lock(m_mutex);
            for (const int fd : m_open) ::shutdown(fd, SHUT_RDWR);
        }
        for (auto& thread : m_threads) thread.join();
        ::close(m_listener);
    }
    std::string url() const { return fmt::format("http://127.0.0.1:{}", m_port); }
    std::size_t connections() const { return m_connections; }

private:
    void accept_all() {
        while (true) {
            const int fd = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            ++m_connections;
            const std::lock_guard lock(m_mutex);
            m_open.insert(fd);
            m_threads.emplace_back([this, fd] { serve(fd); });
        }
    }
    void serve(int fd) {
        std::string text;
        char block[4096];
        for (ssize_t n = 0; (n = ::read(fd, block, sizeof block)) > 0;) {
            text.append(block, static_cast<std::size_t>(n));
            const std::size_t end = text.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            const std::string answer = m_answer(text.substr(0, end));
            text.erase(0, end + 4);
            if (answer.empty() || ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
            if (answer.find("Connection: close") != std::string::npos) break;
        }
        const std::lock_guard lock(m_mutex);
        m_open.erase(fd);
        ::close(fd);
    }

    Answer m_answer;
    int m_listener = -1;
    std::uint16_t m_port = 0;
    std::mutex m_mutex;
    std::set<int> m_open;
    std::thread m_acceptor;
    std::vector<std::thread> m_threads;
    std::atomic<std::size_t> m_connections = 0;
};

std::string ok(const std::string& body, const char* status = "200 OK") {
    return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}

std::string page(const std::vector<std::string>& keys, const std::string& next = "") {
    std::string xml = fmt::format("<ListBucketResult><IsTruncated>{}</IsTruncated>", next.empty() ? "false" : "true");
    if (!next.empty()) xml += "<NextContinuationToken>" + next + "</NextContinuationToken>";
    for (const auto& key : keys) xml += "<Contents><Key>" + key + "</Key><ETag>\"1\"</ETag><Size>5</Size></Contents>";
    return ok(xml + "</ListBucketResult>");
}

Client client_of(const std::string& endpoint, unsigned attempts = 4) {
    TransferSettings settings;
    settings.plain = true;
    settings.direct = true;
    settings.attempts = attempts;
    settings.first_pause = 1ms;
    settings.connect_timeout = 5s;
    settings.total_timeout = 10s;
    const auto place = find_place("s3://bucket/keys/", "us-east-1", endpoint);
    EXPECT_TRUE(place) << place.error().full();
    return {*place, settings,
        CredentialSource(
            []() -> Result<std::string> { return "aws_access_key_id=ID\naws_secret_access_key=hidden"; }, ::getenv)};
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
