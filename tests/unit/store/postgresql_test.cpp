// The store when PostgreSQL goes away and comes back: in between calls, in the middle of one, and between a COMMIT and its answer.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <mutex>
#include <regex>
#include <thread>

#include "databases.h"

namespace sekisho::store::test {
namespace {

using testing::HasSubstr;
using testing::Not;

#define SKIP_WITHOUT_POSTGRESQL() \
    if (postgresql_url().empty()) GTEST_SKIP() << "no PostgreSQL: SEKISHO_TEST_POSTGRESQL is not set"

/// TCP on loopback in front of the server's socket, cut where a test wants it.
class Line {
public:
    enum class Commit { Pass, DropIt, DropItsAnswer };

    Line() {
        const std::string url = postgresql_url();
        std::smatch found;
        std::regex_search(url, found, std::regex("host=([^&]*)&port=([0-9]+)"));
        m_server = std::regex_replace(found[1].str(), std::regex("%2F"), "/") + "/.s.PGSQL." + found[2].str();
        listen();
        m_thread = std::thread([this] { serve(); });
    }
    ~Line() {
        close_port();
        cut();
        m_over = true;
        m_thread.join();
        for (auto& one : m_pumps) one.join();
        for (const int fd : m_open) ::close(fd);
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    int port() const { return m_port; }
    void on_commit(Commit what) { m_on_commit = what; }
    /// Ends every connection.
    void cut() {
        const std::lock_guard lock(m_mutex);
        for (const int fd : m_open) ::shutdown(fd, SHUT_RDWR);
    }
    void close_port() {
        const std::lock_guard lock(m_mutex);
        if (m_listening >= 0) ::close(m_listening);
        m_listening = -1;
    }
    void open_port() { listen(); }

private:
    void listen() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(m_port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(fd, plain, size) != 0 || ::listen(fd, 10) != 0 || ::getsockname(fd, plain, &size) != 0)
            throw std::runtime_error("no port");
        const std::lock_guard lock(m_mutex);
        m_port = ntohs(address.sin_port);
        m_listening = fd;
    }

    void serve() {
        while (!m_over) {
            int client = -1;
            {
                const std::lock_guard lock(m_mutex);
                pollfd waiting{m_listening, POLLIN, 0};
                if (m_listening >= 0 && ::poll(&waiting, 1, 5) == 1) client = ::accept(m_listening, nullptr, nullptr);
            }
            if (client < 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                continue;
            }
            const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            m_server.copy(address.sun_path, sizeof address.sun_path - 1);
            ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
            const std::lock_guard lock(m_mutex);
            m_open.push_back(client);
            m_open.push_back(server);
            m_pumps.emplace_back([this, client, server] { pump(client, server); });
        }
        const std::lock_guard lock(m_mutex);
        for (const int fd : m_open) ::shutdown(fd, SHUT_RDWR);
    }

    void pump(int client, int server) {
        std::array<char, 65536> buffer{};
        bool committing = false;
        bool through = true;
        while (through) {
            pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
            if (::poll(both, 2, -1) < 0) break;
            for (int i = 0; i < 2 && through; ++i) {
                if (both[i].revents == 0) continue;
                const ssize_t size = ::read(both[i].fd, buffer.data(), buffer.size());
                through = size > 0;
                if (!through) break;
                const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
                if (i == 0 && text.find("COMMIT") != std::string_view::npos) {
                    if (m_on_commit == Commit::DropIt) through = false;
                    committing = m_on_commit == Commit::DropItsAnswer;
                }
                if (i == 1 && committing) through = false;
                if (through) through = ::send(both[1 - i].fd, buffer.data(), text.size(), MSG_NOSIGNAL) == size;
            }
        }
        // One cut is what a test asked for; the next connection is sound.
        m_on_commit = Commit::Pass;
        ::shutdown(server, SHUT_RDWR);
        ::shutdown(client, SHUT_RDWR);
    }

    std::string m_server;
    std::mutex m_mutex;
    int m_port = 0;
    int m_listening = -1;
    std::vector<int> m_open;
    std::atomic<Commit> m_on_commit = Commit::Pass;
    std::atomic<bool> m_over = false;
    std::vector<std::thread> m_pumps;
    std::thread m_thread;
};

class PostgreSqlTest : public testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_POSTGRESQL();
        m_place = std::make_unique<Place>("postgresql");
        m_store = m_place->open();
        ASSERT_TRUE(m_store);
    }

    /// Through the line.
    std::string line_url(const Line& line) const {
        return fmt::format(
            "postgresql://postgres@127.0.0.1:{}/{}?sslmode=disable&connect_timeout=2", line.port(), m_place->database());
    }
    std::unique_ptr<Store> open(const std::string& url) const {
        auto store = open_store(url, m_place->folder());
        EXPECT_TRUE(store) << store.error().full();
        return store ? std::move(*store) : nullptr;
    }
    /// As an administrator or a restart does.
    void end_connections() const {
        Psql(postgresql_url())
            .run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + m_place->database() +
                 "'");
    }
    std::string count(const std::string& table) const { return Psql(m_place->url()).run("SELECT COUNT(*) FROM " + table); }

    std::unique_ptr<Place> m_place;
    std::unique_ptr<Store> m_store;
};

TEST_F(PostgreSqlTest, AGatewayCutsItsOwnSessionsOnly) {
    const Folder elsewhere;
    auto other = m_place->open_in(elsewhere.path());
    ASSERT_TRUE(m_store->session_started(session("a1", "alice", 1)));
    ASSERT_TRUE(other->session_started(session("b2", "bob", 2)));
    const WallTime now = base::from_unix_milliseconds(1795324999000);
    other = m_place->open_in(elsewhere.path());
    const auto cut = other->close_dangling_sessions(now);
    ASSERT_TRUE(cut) << cut.error().full();
    ASSERT_EQ(cut->size(), 1U);
    EXPECT_EQ(cut->front().id, "b2");
    EXPECT_FALSE(m_store->session("a1")->value().finished);
    EXPECT_EQ(other->session("b2")->value().result, "cut");
}

TEST_F(PostgreSqlTest, AConnectionThatEndedBetweenCallsIsNotNoticed) {
    ASSERT_TRUE(m_store->audit({.kind = "before"}));
    ASSERT_TRUE(m_store->session_started(session("a1", "alice", 1)));
    for (int round = 0; round < 3; ++round) {
        end_connections();
        const auto kept = round == 1 ? m_store->session_started(session("b2", "bob", 2)) : m_store->audit({.kind = "after"});
        EXPECT_TRUE(kept) << kept.error().full();
        EXPECT_TRUE(m_store->reachable());
    }
    EXPECT_EQ(count("audit"), "3");
    EXPECT_EQ(count("sessions"), "2");
}

TEST_F(PostgreSqlTest, AConnectionThatEndsWithinATransactionTakesItBack) {
    Error inner;
    const auto done = m_store->together([&]() -> Result<void> {
        if (auto kept = m_store->audit({.kind = "gone"}); !kept) return kept;
        end_connections();
        const auto failed = m_store->session_started(session("a1", "alice", 1));
        inner = failed ? Error{} : failed.error();
        return failed;
    });
    ASSERT_FALSE(done);
    EXPECT_THAT(inner.text, HasSubstr("was lost"));
    EXPECT_THAT(inner.text, HasSubstr("PostgreSQL database " + m_place->database()));
    EXPECT_FALSE(m_store->reachable());
    ASSERT_TRUE(m_store->audit({.kind = "next"}));
    EXPECT_TRUE(m_store->reachable());
    EXPECT_EQ(count("audit"), "1");
    EXPECT_EQ(count("sessions"), "0");
}

TEST_F(PostgreSqlTest, WithoutAServerEveryCallSaysSoUntilItIsBack) {
    Line line;
    auto store = open(line_url(line));
    line.close_port();
    line.cut();
    for (int i = 0; i < 3; ++i) {
        const auto kept = store->audit({.kind = "gone"});
        ASSERT_FALSE(kept);
        EXPECT_THAT(kept.error().text,
            HasSubstr(fmt::format("PostgreSQL database {} at 127.0.0.1:{}", m_place->database(), line.port())));
        EXPECT_FALSE(store->access());
        EXPECT_FALSE(store->access_version());
        EXPECT_FALSE(store->reachable());
    }
    EXPECT_FALSE(open_store(line_url(line), m_place->folder()));
    line.open_port();
    EXPECT_TRUE(store->access());
    EXPECT_TRUE(store->audit({.kind = "kept"}));
    EXPECT_TRUE(store->reachable());
    EXPECT_EQ(count("audit"), "1");
}

/// A host that answers nothing: the first call waits for connect_timeout, those behind it fail with the same words.
TEST_F(PostgreSqlTest, AServerThatSaysNothingIsWaitedForOnce) {
    Line line;
    auto store = open(line_url(line));
    line.close_port();
    line.cut();
    // Takes connections, and that is all.
    const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(silent, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(line.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(silent, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(silent, 10), 0);
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i) {
        const auto kept = store->audit({.kind = "gone"});
        ASSERT_FALSE(kept);
        EXPECT_THAT(kept.error().full(), HasSubstr("timeout expired"));
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    ::close(silent);
    EXPECT_GE(took, std::chrono::milliseconds(1500));
    EXPECT_LT(took, std::chrono::seconds(6));
}

TEST_F(PostgreSqlTest, ACommitWhoseAnswerIsLostCountsWhenItWasDone) {
    Line line;
    auto store = open(line_url(line));
    line.on_commit(Line::Commit::DropItsAnswer);
    const auto kept = store->session_started(session("a1", "alice", 1));
    EXPECT_TRUE(kept) << kept.error().full();
    EXPECT_EQ(count("sessions"), "1");
}

TEST_F(PostgreSqlTest, ACommitThatNeverArrivedIsAnError) {
    Line line;
    auto store = open(line_url(line));
    line.on_commit(Line::Commit::DropIt);
    const auto kept = store->session_started(session("a1", "alice", 1));
    ASSERT_FALSE(kept);
    EXPECT_THAT(kept.error().text, HasSubstr("was lost"));
    EXPECT_THAT(kept.error().text, Not(HasSubstr("not known")));
    EXPECT_TRUE(store->session_started(session("a1", "alice", 1)));
    EXPECT_EQ(count("sessions"), "1");
}

TEST_F(PostgreSqlTest, ACommitThatNobodyCanBeAskedAboutIsSaidToBeUnknown) {
    Line line;
    auto store = open(line_url(line));
    line.on_commit(Line::Commit::DropItsAnswer);
    line.close_port();
    const auto kept = store->session_started(session("a1", "alice", 1));
    ASSERT_FALSE(kept);
    EXPECT_THAT(kept.error().text, HasSubstr("whether it was done is not known"));
    EXPECT_FALSE(store->reachable());
}

class PasswordTest : public PostgreSqlTest {
protected:
    void SetUp() override {
        PostgreSqlTest::SetUp();
        if (IsSkipped()) return;
        m_role = m_place->database();
        Psql(postgresql_url()).run(fmt::format("CREATE ROLE {} LOGIN PASSWORD 'a hidden one'", m_role));
        for (const char* what : {"SCHEMA public", "ALL TABLES IN SCHEMA public", "ALL SEQUENCES IN SCHEMA public"})
            Psql(m_place->url()).run(fmt::format("GRANT ALL ON {} TO {}", what, m_role));
        std::smatch port;
        const std::string url = postgresql_url();
        std::regex_search(url, port, std::regex("port=([0-9]+)"));
        m_port = port[1].str();
    }
    void TearDown() override {
        if (m_role.empty()) return;
        m_store.reset();
        m_place.reset();
        Psql(postgresql_url()).run("DROP ROLE " + m_role);
    }
    std::string url(const std::string& password, const std::string& options = {}) const {
        return fmt::format("postgresql://{}{}@127.0.0.1:{}/{}{}", m_role, password, m_port, m_role, options);
    }
    Result<std::unique_ptr<Store>> open_with(const std::string& password, const std::string& options = {}) const {
        return open_store(url(password, options), m_place->folder());
    }

    std::string m_role, m_port;
};

TEST_F(PasswordTest, ARefusedPasswordIsNotRepeated) {
    EXPECT_TRUE(open_with(":a%20hidden%20one"));
    const auto refused = open_with(":another%20hidden%20one");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().full(), HasSubstr("password authentication failed"));
    EXPECT_THAT(refused.error().full(), Not(HasSubstr("hidden")));
}

TEST_F(PasswordTest, TheFileOfPasswords) {
    const std::string path = m_place->folder() + "/it's mine";
    const std::string option = "?passfile=" + m_place->folder() + "/it%27s%20mine";
    const auto missing = open_with("", option);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().full(), HasSubstr("passfile " + path + " cannot be read"));
    std::ofstream(path) << "*:*:*:" << m_role << ":a hidden one\n";
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    const auto open_to_others = open_with("", option);
    ASSERT_FALSE(open_to_others);
    EXPECT_THAT(open_to_others.error().full(), HasSubstr("chmod 600 " + path));
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    const auto opened = open_with("", option);
    EXPECT_TRUE(opened) << opened.error().full();
}

TEST_F(PostgreSqlTest, ADatabaseOfAnotherEncodingIsRefused) {
    const std::string name = m_place->database() + "_ascii";
    Psql admin(postgresql_url());
    admin.run("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
    const auto store = open_store(postgresql_url(name), m_place->folder());
    admin.run("DROP DATABASE " + name + " WITH (FORCE)");
    ASSERT_FALSE(store);
    EXPECT_THAT(store.error().full(), HasSubstr("ENCODING 'UTF8'"));
}

TEST_F(PostgreSqlTest, TheGatewaysNumberStays) {
    std::string first, again;
    std::ifstream(m_place->folder() + "/gateway.id") >> first;
    EXPECT_TRUE(std::regex_match(first, std::regex("[0-9a-f]{16}"))) << first;
    m_place->open();
    std::ifstream(m_place->folder() + "/gateway.id") >> again;
    EXPECT_EQ(again, first);
    std::ofstream(m_place->folder() + "/gateway.id") << "nonsense\n";
    const auto store = open_store(m_place->url(), m_place->folder());
    ASSERT_FALSE(store);
    EXPECT_THAT(store.error().text, HasSubstr("remove it"));
}

}  // namespace
}  // namespace sekisho::store::test
