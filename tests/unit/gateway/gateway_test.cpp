// The gateway whole, in one process: real loops, sockets, engines and store, a client and a target made of the same engine.
// Runs under TSan and ASan. Interop with other implementations is tests/interop.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "gateway/loop_home.h"
#include "tests/unit/gateway/peers.h"

namespace sekisho::gateway {
namespace {

using namespace std::chrono_literals;
using test::FakeKeyholder;
using test::FakeTarget;
using test::TestClient;

/// Keeps recordings in memory, and fails when it is told to.
class FakeRecordings final : public recording::Recordings {
public:
    struct Kept {
        std::mutex mutex;
        std::string client, server, notices, requests, finished;
        int channels = 0, closed = 0;
        std::function<void(Error)> break_it;  // on the loop
        recording::Executor executor;
        bool backlogged = false;
        std::function<void()> drained;
    };

    class Recorder final : public recording::Recorder {
    public:
        explicit Recorder(std::shared_ptr<Kept> kept) : m_kept(std::move(kept)) {}
        void channel_opened(const recording::ChannelFacts&, TimePoint) override {
            with([](Kept& k) { ++k.channels; });
        }
        void request(std::uint32_t, bool, std::string_view type, BytesView, TimePoint) override {
            with([&](Kept& k) { k.requests += std::string(type) + " "; });
        }
        void data(std::uint32_t, recording::Stream stream, BytesView bytes, TimePoint) override {
            with([&](Kept& k) {
                auto& text = stream == recording::Stream::Input    ? k.client
                             : stream == recording::Stream::Notice ? k.notices
                                                                   : k.server;
                text += base::text_view(bytes);
            });
        }
        void file_operation(std::uint32_t, std::string_view, TimePoint) override {}
        void eof(std::uint32_t, bool, TimePoint) override {}
        void channel_closed(std::uint32_t, TimePoint) override {
            with([](Kept& k) { ++k.closed; });
        }
        bool backlogged() const override {
            const std::lock_guard lock(m_kept->mutex);
            return m_kept->backlogged;
        }
        void finish(std::string_view reason, TimePoint, Finished done) override {
            with([&](Kept& k) { k.finished = reason; });
            m_kept->executor([done] { done({}, std::nullopt); });
        }

    private:
        template <class Work>
        void with(Work work) {
            const std::lock_guard lock(m_kept->mutex);
            work(*m_kept);
        }
        std::shared_ptr<Kept> m_kept;
    };

    void open(recording::SessionFacts facts, bool reserve, recording::Executor executor,
        recording::RecorderCallbacks callbacks, std::function<void(Result<Opened>)> done) override {
        if (full || (reserve && nearly_full)) return executor([done] { done(fail("the disk is full")); });
        auto kept = std::make_shared<Kept>();
        kept->executor = executor;
        kept->break_it = callbacks.on_failure;
        kept->drained = callbacks.on_drained;
        {
            const std::lock_guard lock(mutex);
            all.push_back(kept);
        }
        executor([done, kept, key = "key-of-" + facts.user] { done(Opened{std::make_unique<Recorder>(kept), key}); });
    }

    std::shared_ptr<Kept> last() {
        const std::lock_guard lock(mutex);
        return all.back();
    }

    std::atomic<bool> full = false, nearly_full = false;
    std::mutex mutex;
    std::vector<std::shared_ptr<Kept>> all;
};

class GatewayTest : public ::testing::Test {
protected:
    GatewayTest() : m_client_ticker(m_client_loop) {
        model::Access access;
        access.users.push_back({.name = "alice", .keys = {m_alice.public_key().line()}});
        access.users.push_back({.name = "late", .keys = {"expiry-time=\"20200101\" " + m_late.public_key().line()}});
        model::Target target{.name = "web1", .address = m_target.address(), .logins = {"ubuntu"}};
        target.host_keys = {m_target.host_key()};
        access.targets.push_back(target);
        target.name = "moved";
        target.host_keys = {m_alice.public_key().line()};
        access.targets.push_back(target);
        model::Rule rule{.name = "work", .users = {"alice"}, .targets = {"*"}};
        rule.allow = {model::Capability::Exec, model::Capability::LocalForward, model::Capability::RemoteForward,
            model::Capability::Agent, model::Capability::X11};
        rule.forward = {"127.0.0.1:*"};
        access.rules.push_back(rule);
        rule.name = "dial";
        rule.targets.clear();
        access.rules.push_back(rule);
        m_access = access;

        m_store = std::move(*store::open_store(":memory:", ""));
        m_worker = std::make_unique<StoreWorker>(*m_store);
        m_pool = std::make_unique<net::WorkerPool>(2);
        m_services = std::make_unique<Services>(model::Config{}, *m_pool, *m_worker, m_recordings);
        for (const auto& key : m_keyholder.public_parts().host_keys)
            m_services->host_keys.push_back({key.blob, key.algorithms});
        m_services->access.store(make_snapshot(m_access));
        for (int i = 0; i < 2; ++i) {
            m_homes.push_back(std::make_unique<LoopHome>(*m_services));
            link(*m_homes.back());
        }
        m_listener = std::move(*net::Listener::open(m_homes[0]->loop(), "127.0.0.1", 0));
        m_listener->start(
            [this, next = 0u](int fd, net::Endpoint peer) mutable { m_homes[next++ % 2]->adopt(fd, std::move(peer)); });
        for (auto& home : m_homes) home->loop().start();
        m_client_loop.start();
    }

    ~GatewayTest() override {
        m_clients.clear();
        wait_until([this] { return m_services->live.count() == 0; });
        m_client_loop.stop();
        m_client_loop.join();
        for (auto& home : m_homes) home->loop().stop();
        for (auto& home : m_homes) home->loop().join();
        m_listener.reset();
        m_pool.reset();
        m_worker.reset();
        m_homes.clear();
    }

    void link(LoopHome& home) {
        home.loop().post([&home, fd = m_keyholder.link()] { home.keys().adopt(fd); });
    }

    void without_keyholder() {
        m_keyholder.hang_up();
        wait_until([this] {
            int linked = 0;
            for (auto& home : m_homes) test::on(home->loop(), [&] { linked += home->keys().linked(); });
            return linked == 0;
        });
    }

    template <class Condition>
    static void wait_until(Condition condition) {
        for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(5ms);
        EXPECT_TRUE(condition());
    }

    TestClient& client(const std::string& user, const keys::PrivateKey& key) {
        m_clients.push_back(
            std::make_unique<TestClient>(m_client_loop, m_client_ticker, m_listener->local().port, user, key));
        return *m_clients.back();
    }

    std::vector<model::AuditRecord> audit(const std::string& kind) {
        std::promise<std::vector<model::AuditRecord>> records;
        m_worker->submit(
            [&](store::Store& store) -> Result<void> {
                records.set_value(*store.audit_records({.kind = kind}));
                return {};
            },
            [](const Result<void>&) {});
        return records.get_future().get();
    }

    keys::PrivateKey m_alice = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    keys::PrivateKey m_late = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    FakeTarget m_target;
    FakeKeyholder m_keyholder;
    FakeRecordings m_recordings;
    model::Access m_access;
    std::unique_ptr<store::Store> m_store;
    std::unique_ptr<StoreWorker> m_worker;
    std::unique_ptr<net::WorkerPool> m_pool;
    std::unique_ptr<Services> m_services;
    std::vector<std::unique_ptr<LoopHome>> m_homes;
    std::unique_ptr<net::Listener> m_listener;
    net::Loop m_client_loop;
    HopTicker m_client_ticker;
    std::vector<std::unique_ptr<TestClient>> m_clients;
};

TEST_F(GatewayTest, EchoGoesThroughIsRecordedAndSharesOneTargetHop) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    std::string input(3'000'000, 'x');
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<char>('a' + i % 23);
    const int first = alice.exec("echo", input), second = alice.exec("fail");
    const auto echoed = alice.wait(first), failed = alice.wait(second);
    EXPECT_EQ(echoed.output, input);
    EXPECT_EQ(echoed.status, 0);
    EXPECT_EQ(failed.errors, "it failed\n");
    EXPECT_EQ(failed.status, 7);
    EXPECT_EQ(m_target.connections, 1);
    EXPECT_EQ(m_target.sign_ins, 1);

    m_clients.clear();
    wait_until([this] { return m_services->live.count() == 0; });
    const auto kept = m_recordings.last();
    EXPECT_EQ(kept->client, input);
    EXPECT_EQ(kept->server.size(), input.size() + failed.errors.size());
    EXPECT_EQ(kept->channels, 2);
    EXPECT_EQ(kept->closed, 2);
    EXPECT_FALSE(kept->finished.empty());
    const auto sessions = m_store->sessions({});
    ASSERT_EQ(sessions->size(), 1u);
    EXPECT_EQ(sessions->front().target, "ubuntu@web1");
    EXPECT_EQ(sessions->front().audit_key, "key-of-alice");
    EXPECT_EQ(sessions->front().bytes_in, input.size());
    EXPECT_TRUE(sessions->front().finished.has_value());
}

TEST_F(GatewayTest, WhoeverDoesNotReadStopsOnlyItsOwnChannel) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    constexpr std::size_t kMuch = 8'000'000;
    const int stalled = alice.exec("zeros " + std::to_string(kMuch), {}, false);
    const auto other = alice.wait(alice.exec("zeros " + std::to_string(kMuch)));
    EXPECT_EQ(other.output.size(), kMuch);
    EXPECT_LE(alice.received(stalled), wire::limits::kWindowMost);
    alice.read_on();
    EXPECT_EQ(alice.wait(stalled).output.size(), kMuch);
}

TEST_F(GatewayTest, ABackloggedRecordingHoldsTheSenderBackUntilItDrained) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto kept = m_recordings.last();
    {
        const std::lock_guard lock(kept->mutex);
        kept->backlogged = true;
    }
    constexpr std::size_t kMuch = 20'000'000;
    const int number = alice.exec("zeros " + std::to_string(kMuch));
    // The target may send as much as its first window, and is not granted more: a dialogue over the same hops, there and back,
    // leaves it where it is.
    wait_until([&] { return alice.received(number) == wire::limits::kWindowInitial; });
    EXPECT_EQ(alice.wait(alice.exec("echo", "there and back")).output, "there and back");
    EXPECT_EQ(alice.received(number), wire::limits::kWindowInitial);
    {
        const std::lock_guard lock(kept->mutex);
        kept->backlogged = false;
    }
    kept->executor(kept->drained);
    EXPECT_EQ(alice.wait(number).output.size(), kMuch);
}

TEST_F(GatewayTest, AKeyExchangeOfALiveSessionWaitsForTheNextKeyholder) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    EXPECT_EQ(alice.wait(alice.exec("echo", "before")).output, "before");
    without_keyholder();
    auto ends = keyholder::socket_pair(SOCK_STREAM);
    ASSERT_TRUE(ends.has_value());
    test::on(m_homes[0]->loop(), [&] { m_homes[0]->keys().adopt(ends->second.release()); });
    alice.rekey();
    const int number = alice.exec("echo", "after");
    std::byte asked{};
    ASSERT_EQ(::recv(ends->first.fd(), &asked, 1, 0), 1);  // the exchange wants its signature
    ends->first.reset();
    wait_until([this] {
        bool linked = true;
        test::on(m_homes[0]->loop(), [&] { linked = m_homes[0]->keys().linked(); });
        return !linked;
    });
    EXPECT_EQ(alice.received(number), 0u);
    for (auto& home : m_homes) link(*home);
    EXPECT_EQ(alice.wait(number).output, "after");
    EXPECT_EQ(audit("signature.failed").size(), 0u);
}

TEST_F(GatewayTest, WithoutAKeyholderLiveSessionsGoOnAndNewOnesAreRefusedWithAText) {
    auto& live = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(live.signed_in());
    EXPECT_EQ(live.wait(live.exec("echo", "before")).output, "before");
    without_keyholder();
    EXPECT_EQ(live.wait(live.exec("echo", "meanwhile")).output, "meanwhile");
    auto& refused = client("ubuntu@web1", m_alice);
    EXPECT_NE(refused.ended().find(KeyLink::kCannotSign), std::string::npos) << refused.ended();
    const auto records = audit("signature.failed");
    ASSERT_EQ(records.size(), 1u);
    EXPECT_NE(records[0].reason.find("there is no keyholder"), std::string::npos) << records[0].reason;

    for (auto& home : m_homes) link(*home);
    auto& again = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(again.signed_in());
    EXPECT_EQ(again.wait(again.exec("echo", "after")).output, "after");
}

TEST_F(GatewayTest, ACertificateThatCannotBeHadIsSaidInTheSession) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    without_keyholder();
    const auto outcome = alice.wait(alice.exec("echo", "x"));
    EXPECT_NE((outcome.errors + outcome.refusal).find("There is no certificate for web1: the gateway cannot sign just now"),
        std::string::npos)
        << outcome.errors << outcome.refusal;
    EXPECT_EQ(m_target.sign_ins, 0);
    EXPECT_EQ(audit("target.refused").size(), 1u);
}

TEST_F(GatewayTest, EveryCertificateAndRefusalIsInTheAudit) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    EXPECT_EQ(alice.wait(alice.exec("echo", "x")).status, 0);
    const auto signed_ones = audit("certificate.signed");
    ASSERT_EQ(signed_ones.size(), 1u);
    EXPECT_EQ(signed_ones[0].subject, "ubuntu@web1");
    EXPECT_EQ(signed_ones[0].user, "alice");

    std::promise<std::string> refusal;
    m_homes[0]->loop().post([&] {
        keyholder::CertificateWish wish;
        wish.key = base::to_bytes(m_late.public_key().blob());
        m_homes[0]->keys().certify(
            wish, [&](Result<Bytes> blob) { refusal.set_value(blob ? "signed" : blob.error().text); });
    });
    EXPECT_EQ(refusal.get_future().get(), "a user certificate without a principal");
    const auto refused = audit("keyholder.refused");
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].subject, "user certificate");
    EXPECT_EQ(refused[0].outcome, "refused");
}

TEST_F(GatewayTest, WhatAKeyholderDoesNotSayIsNotBelieved) {
    for (const Bytes& said : {Bytes(64, std::byte{0xff}), wire::Writer().string("nonsense").take(),
             keyholder::encode(keyholder::Reply{0, Bytes(1)}),
             wire::Writer().string(wire::Writer().u64(1).byte(7).take()).take()}) {
        auto ends = keyholder::socket_pair(SOCK_STREAM);
        ASSERT_TRUE(ends.has_value());
        test::on(m_homes[0]->loop(), [&] { m_homes[0]->keys().adopt(ends->second.release()); });
        ASSERT_EQ(::send(ends->first.fd(), said.data(), said.size(), MSG_NOSIGNAL), static_cast<ssize_t>(said.size()));
        std::promise<bool> failed;
        m_homes[0]->loop().post([&] {
            m_homes[0]->keys().sign_exchange(
                0, "ssh-ed25519", Bytes(32), [&](const Result<Bytes>& signature) { failed.set_value(!signature); });
        });
        ends->first.reset();
        EXPECT_TRUE(failed.get_future().get());
    }
}

TEST_F(GatewayTest, AnEnvironmentIsBoundedInCountAndBytesAndTheSessionGoesOn) {
    namespace limits = wire::limits;
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto variable = [](std::size_t size) {
        return TestClient::Request{"env", wire::Writer().string("N").string(std::string(size - 9, 'v')).take()};
    };
    const auto many =
        alice.wait(alice.exec_with(std::vector<TestClient::Request>(limits::kEnvironmentCount + 1, variable(20)), "fail"));
    EXPECT_EQ(many.granted, limits::kEnvironmentCount + 1);  // and the command
    EXPECT_EQ(many.denied, 1U);
    EXPECT_EQ(many.status, 7);
    const auto large =
        alice.wait(alice.exec_with(std::vector<TestClient::Request>(5, variable(limits::kEnvironmentBytes / 4)), "fail"));
    EXPECT_EQ(large.granted, 5U);
    EXPECT_EQ(large.denied, 1U);
    EXPECT_EQ(large.status, 7);
}

TEST_F(GatewayTest, ChannelsThatATargetOpensAreBoundedByKind) {
    namespace limits = wire::limits;
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto opens = [&](const TestClient::Request& before, const std::string& type, std::size_t count) {
        const auto asked = before.type.empty() ? std::vector<TestClient::Request>{} : std::vector{before};
        return alice.wait(alice.exec_with(asked, fmt::format("open {} {}", count, type))).output;
    };
    EXPECT_EQ(opens({}, "auth-agent@openssh.com", 1), "0 open, 1 refused") << "nobody asked for an agent";
    EXPECT_EQ(opens({"auth-agent-req@openssh.com", {}}, "auth-agent@openssh.com", limits::kAgentChannels + 2),
        fmt::format("{} open, 2 refused", limits::kAgentChannels));
    const Bytes display = wire::Writer().boolean(false).string("MIT-MAGIC-COOKIE-1").string("00").u32(0).take();
    EXPECT_EQ(opens({}, "x11", 1), "0 open, 1 refused") << "nobody asked for a display";
    EXPECT_EQ(opens({"x11-req", display}, "x11", limits::kX11Channels + 2),
        fmt::format("{} open, 2 refused", limits::kX11Channels));
    EXPECT_EQ(opens({}, "forwarded-tcpip", 1), "0 open, 1 refused") << "nobody asked for a forward";
    ASSERT_TRUE(alice.ask("tcpip-forward", wire::Writer().string("127.0.0.1").u32(8000).take()));
    EXPECT_EQ(opens({}, "forwarded-tcpip", limits::kForwardedChannels + 2),
        fmt::format("{} open, 2 refused", limits::kForwardedChannels));
}

TEST_F(GatewayTest, RemoteForwardsOfOneClientAreBounded) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto listen = [&](std::uint32_t port) {
        return alice.ask("tcpip-forward", wire::Writer().string("127.0.0.1").u32(port).take());
    };
    for (std::uint32_t i = 0; i < wire::limits::kRemoteForwards; ++i) ASSERT_TRUE(listen(8000 + i)) << i;
    EXPECT_FALSE(listen(9000));
    EXPECT_TRUE(alice.ask("cancel-tcpip-forward", wire::Writer().string("127.0.0.1").u32(8000).take()));
    EXPECT_TRUE(listen(9000));
    EXPECT_FALSE(listen(9001));
}

/// A connection to a port of loopback; -1: nobody listens there.
int connected_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0) return fd;
    ::close(fd);
    return -1;
}

TEST_F(GatewayTest, PortsOfTheGatewayAndTheirConnectionsAreBounded) {
    using namespace wire::limits;
    auto& alice = client("alice", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto listen = [&](std::uint32_t port) {
        return alice.ask("tcpip-forward", wire::Writer().string("127.0.0.1").u32(port).take());
    };
    std::uint16_t port = 0;
    {
        net::Loop unused;
        port = (*net::Listener::open(unused, "127.0.0.1", 0))->local().port;
    }
    ASSERT_TRUE(listen(port));
    for (std::size_t i = 1; i < kGatewayPorts; ++i) ASSERT_TRUE(listen(0)) << i;
    EXPECT_FALSE(listen(0));

    std::vector<int> riders;
    for (std::size_t i = 0; i <= kPortConnections; ++i) riders.push_back(connected_to(port));
    ASSERT_GE(*std::ranges::min_element(riders), 0);
    char byte = 0;
    EXPECT_EQ(::recv(riders.back(), &byte, 1, 0), 0) << "one too many is hung up on";
    riders.pop_back();
    for (const int rider : riders) EXPECT_EQ(::recv(rider, &byte, 1, MSG_DONTWAIT), -1) << "the others are not";
    for (const int rider : riders) ::close(rider);
    EXPECT_TRUE(alice.ask("cancel-tcpip-forward", wire::Writer().string("127.0.0.1").u32(port).take()));
    EXPECT_EQ(connected_to(port), -1);
    EXPECT_TRUE(listen(0));
    EXPECT_EQ(audit("forward.end").size(), 1U);
}

TEST_F(GatewayTest, RefusalsNameTheReasonAndReachNoTarget) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto forward = alice.wait(
        alice.open("direct-tcpip", wire::Writer().string("10.9.8.7").u32(80).string("127.0.0.1").u32(1).take(), ""));
    EXPECT_NE(forward.refusal.find("10.9.8.7:80"), std::string::npos) << forward.refusal;
    EXPECT_FALSE(alice.wait(alice.open("x11", {}, "")).refusal.empty());

    auto& other = client("root@web1", m_alice);
    ASSERT_TRUE(other.signed_in());
    const auto exec = other.wait(other.exec("echo", "x"));
    EXPECT_EQ(exec.status, 1);
    EXPECT_NE(exec.errors.find("root"), std::string::npos) << exec.errors;
    EXPECT_EQ(m_target.connections, 0);
    EXPECT_EQ(audit("access.refused").size(), 3u);
}

TEST_F(GatewayTest, WrongExpiredAndRootSignInsEndWithTextAndAudit) {
    const auto stranger = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    auto& unknown = client("ubuntu@web1", stranger);
    EXPECT_FALSE(unknown.signed_in());
    EXPECT_NE(unknown.banner().find(stranger.public_key().fingerprint()), std::string::npos);
    auto& late = client("ubuntu@web1", m_late);
    EXPECT_FALSE(late.signed_in());
    EXPECT_NE(late.banner().find("expired"), std::string::npos) << late.banner();
    auto& root = client("root", m_alice);
    EXPECT_FALSE(root.signed_in());
    EXPECT_NE(root.ended().find("root"), std::string::npos);
    wait_until([this] { return audit("auth.refused").size() == 3; });
    EXPECT_TRUE(m_services->live.list().empty());
    EXPECT_EQ(m_target.connections, 0);
}

TEST_F(GatewayTest, AChangedHostKeyIsExplainedBeforeAnythingIsSent) {
    auto& alice = client("ubuntu@moved", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto outcome = alice.wait(alice.exec("echo", "secret"));
    EXPECT_EQ(outcome.status, 255);
    EXPECT_NE(outcome.errors.find("offered: ED25519 SHA256:"), std::string::npos) << outcome.errors;
    EXPECT_EQ(m_target.sign_ins, 0);
    EXPECT_EQ(audit("target.refused").size(), 1u);
}

TEST_F(GatewayTest, ALostTargetIsATextAndTheNextSessionConnectsAnew) {
    auto& alice = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto dropped = alice.wait(alice.exec("drop"));
    EXPECT_EQ(dropped.status, 255);
    EXPECT_NE(dropped.errors.find("going away"), std::string::npos) << dropped.errors;
    EXPECT_EQ(alice.wait(alice.exec("echo", "again")).output, "again");
    EXPECT_EQ(m_target.connections, 2);
}

TEST_F(GatewayTest, AForwardDialledByTheGatewayHalfClosesBothWays) {
    // The fake target's own greeting serves as a destination that speaks first.
    auto& alice = client("alice", m_alice);
    ASSERT_TRUE(alice.signed_in());
    const auto port = static_cast<std::uint32_t>(std::stoul(m_target.address().substr(m_target.address().rfind(':') + 1)));
    const auto payload = wire::Writer().string("127.0.0.1").u32(port).string("127.0.0.1").u32(1).take();
    const auto outcome = alice.wait(alice.open("direct-tcpip", payload, "not an SSH client\r\n\r\n"));
    EXPECT_TRUE(outcome.output.starts_with("SSH-2.0-")) << outcome.refusal;
    const auto refused = alice.wait(
        alice.open("direct-tcpip", wire::Writer().string("127.0.0.1").u32(1).string("127.0.0.1").u32(1).take(), ""));
    EXPECT_NE(refused.refusal.find("refused"), std::string::npos) << refused.refusal;
}

TEST_F(GatewayTest, OnFailureRefuseEndAndAlarm) {
    m_recordings.nearly_full = true;
    auto& refused = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(refused.signed_in());
    const auto outcome = refused.wait(refused.exec("echo", "x"));
    EXPECT_EQ(outcome.status, 255);
    EXPECT_NE(outcome.errors.find("disk is full"), std::string::npos) << outcome.errors;
    EXPECT_EQ(m_target.connections, 0);

    for (auto& rule : m_access.rules) rule.on_failure = model::OnFailure::End;
    m_services->access.store(make_snapshot(m_access));
    auto& ended = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(ended.signed_in());
    EXPECT_EQ(ended.wait(ended.exec("echo", "begins without reserve")).output, "begins without reserve");
    const auto kept = m_recordings.last();
    kept->executor([kept] { kept->break_it(Error{"no space left on device", ""}); });
    EXPECT_NE(ended.ended().find("recording cannot be written"), std::string::npos);

    for (auto& rule : m_access.rules) rule.on_failure = model::OnFailure::Alarm;
    m_services->access.store(make_snapshot(m_access));
    m_recordings.full = true;
    auto& alarmed = client("ubuntu@web1", m_alice);
    ASSERT_TRUE(alarmed.signed_in());
    EXPECT_EQ(alarmed.wait(alarmed.exec("echo", "goes on")).output, "goes on");
    wait_until([this] { return audit("recording.failed").size() == 3; });
}

TEST_F(GatewayTest, ManySessionsOnTwoLoopsThenGoodbye) {
    constexpr int kClients = 24;
    for (int i = 0; i < kClients; ++i) client("ubuntu@web1", m_alice);
    std::vector<int> numbers;
    for (auto& one : m_clients) {
        ASSERT_TRUE(one->signed_in());
        numbers.push_back(one->exec("echo", std::string(200'000, 'y')));
    }
    for (std::size_t i = 0; i < m_clients.size(); ++i) EXPECT_EQ(m_clients[i]->wait(numbers[i]).output.size(), 200'000u);
    EXPECT_EQ(m_services->live.list().size(), static_cast<std::size_t>(kClients));
    const auto one = m_services->live.list().front();
    EXPECT_TRUE(m_services->live.end(one.id, "ended by an administrator"));
    wait_until([this] { return m_services->live.count() == kClients - 1; });
    for (auto& home : m_homes) home->say_goodbye("The gateway is going down.");
    int told = 0;
    for (auto& each : m_clients) told += each->ended().find("going down") != std::string::npos ? 1 : 0;
    EXPECT_EQ(told, kClients - 1);
}

}  // namespace
}  // namespace sekisho::gateway
