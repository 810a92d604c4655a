// Loops, streams, dialer, listener, timer and worker pool over real loopback sockets and threads; runs under TSan.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <semaphore>

#include "net/dialer.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timer.h"
#include "net/worker_pool.h"
#include "tests/unit/net/on_loop.h"

namespace sekisho::net {
namespace {

using namespace std::chrono_literals;

/// Sends back what it reads, one whole 8-byte record at a time, so that tails are kept between reads.
class Echo final : public StreamHandler {
public:
    Echo(Loop& loop, int fd) : m_stream(make_socket_stream(loop, fd)) { m_stream->start(*this); }
    std::size_t stream_read(MutableBytes bytes) override {
        const std::size_t whole = bytes.size() / 8 * 8;
        m_pending.insert(m_pending.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole));
        flush();
        return whole;
    }
    void stream_writable() override { flush(); }
    void stream_ended() override {
        m_ended = true;
        flush();
    }
    void stream_broken(const Error&) override { m_pending.clear(); }
    std::size_t stream_room() override { return 1000; }

private:
    void flush() {
        const auto sent = m_stream->send(m_pending);
        if (!sent) return;
        m_pending.erase(m_pending.begin(), m_pending.begin() + static_cast<std::ptrdiff_t>(*sent));
        if (m_pending.size() > 4096) {
            m_stream->pause();
        } else {
            m_stream->resume();
        }
        if (m_ended && m_pending.empty()) m_stream->end_sending();
    }
    std::unique_ptr<Stream> m_stream;
    base::Bytes m_pending;
    bool m_ended = false;
};

/// Sends `total` bytes of a known pattern, half-closes, and collects the answer until its end.
class Asker final : public StreamHandler {
public:
    Asker(Loop& loop, int fd, std::size_t total, std::promise<bool>& done)
        : m_stream(make_socket_stream(loop, fd)), m_total(total), m_done(done) {
        m_stream->start(*this);
        stream_writable();
    }
    void stream_writable() override {
        while (m_sent < m_total) {
            base::Bytes chunk(std::min<std::size_t>(65536, m_total - m_sent));
            for (std::size_t i = 0; i < chunk.size(); ++i) chunk[i] = pattern(m_sent + i);
            const auto sent = m_stream->send(chunk);
            ASSERT_TRUE(sent.has_value());
            m_sent += *sent;
            if (*sent < chunk.size()) return;
        }
        m_stream->end_sending();
    }
    std::size_t stream_read(MutableBytes bytes) override {
        for (const std::byte one : bytes) m_right = m_right && one == pattern(m_received++);
        return bytes.size();
    }
    void stream_ended() override { m_done.set_value(m_right && m_received == m_total); }
    void stream_broken(const Error&) override { m_done.set_value(false); }

private:
    static std::byte pattern(std::size_t i) { return static_cast<std::byte>((i * 131 + i / 251) & 0xff); }
    std::unique_ptr<Stream> m_stream;
    std::size_t m_total, m_sent = 0, m_received = 0;
    bool m_right = true;
    std::promise<bool>& m_done;
};

/// Keeps what it reads and tells of each read.
class Reader final : public StreamHandler {
public:
    Reader(Loop& loop, int fd) : stream(make_socket_stream(loop, fd)) { stream->start(*this); }
    std::size_t stream_read(MutableBytes bytes) override {
        reads.push_back(bytes.size());
        told.release();
        return bytes.size();
    }
    void stream_writable() override {}
    void stream_ended() override {
        ended = true;
        told.release();
    }
    void stream_broken(const Error&) override {}

    std::unique_ptr<Stream> stream;
    std::vector<std::size_t> reads;
    bool ended = false;
    std::counting_semaphore<> told{0};
};

class Awaiting : public ::testing::Test {
protected:
    Awaiting() {
        m_loop.start();
        const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        EXPECT_TRUE(::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0 && ::getsockname(listener, generic, &size) == 0);
        peer = ::socket(AF_INET, SOCK_STREAM, 0);
        EXPECT_EQ(::connect(peer, generic, size), 0);
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        ::close(listener);
        on(m_loop, [&] { reader = std::make_unique<Reader>(m_loop, fd); });
    }
    ~Awaiting() override {
        on(m_loop, [&] { reader.reset(); });
        ::close(peer);
    }
    void say(std::size_t bytes) {
        const base::Bytes text(bytes);
        EXPECT_EQ(::send(peer, text.data(), bytes, MSG_NOSIGNAL), static_cast<ssize_t>(bytes));
    }
    void await(std::size_t bytes) {
        on(m_loop, [&] { reader->stream->wait_for(bytes); });
    }
    /// A round of the loop in which it would see what is there.
    std::vector<std::size_t> reads() {
        std::vector<std::size_t> found;
        for (int round = 0; round < 3; ++round) on(m_loop, [&] { found = reader->reads; });
        return found;
    }

    Loop m_loop;
    int peer = -1;
    std::unique_ptr<Reader> reader;
};

TEST_F(Awaiting, FewBytesComeWithTheNext) {
    await(17);
    say(16);
    EXPECT_TRUE(reads().empty());
    say(52);
    reader->told.acquire();
    EXPECT_EQ(reads(), (std::vector<std::size_t>{68}));
    await(1);
    say(3);
    reader->told.acquire();
    EXPECT_EQ(reads(), (std::vector<std::size_t>{68, 3}));
}

TEST_F(Awaiting, WhatIsThereAlreadyIsReadAtOnce) {
    on(m_loop, [&] {
        say(16);
        reader->stream->wait_for(17);
    });
    reader->told.acquire();
    EXPECT_EQ(reads(), (std::vector<std::size_t>{16}));
}

TEST_F(Awaiting, FewerBytesAwaitedAreTheOnesThatCame) {
    await(100);
    say(16);
    EXPECT_TRUE(reads().empty());
    await(1);
    reader->told.acquire();
    EXPECT_EQ(reads(), (std::vector<std::size_t>{16}));
}

TEST_F(Awaiting, TheEndIsToldOf) {
    await(100);
    say(5);
    ::shutdown(peer, SHUT_WR);
    reader->told.acquire();
    reader->told.acquire();
    EXPECT_EQ(reads(), (std::vector<std::size_t>{5}));
    EXPECT_TRUE(reader->ended);
}

TEST_F(Awaiting, BytesThatAreNotReadAreAcknowledged) {
    // With Nagle's algorithm on, as it is, the second piece leaves when the first was acknowledged: at once, or after 40 ms and more.
    std::vector<std::chrono::steady_clock::duration> times;
    for (int round = 0; round < 5; ++round) {
        await(17);
        const auto begin = std::chrono::steady_clock::now();
        say(16);
        say(16);
        reader->told.acquire();
        times.push_back(std::chrono::steady_clock::now() - begin);
    }
    EXPECT_LT(*std::ranges::min_element(times), 20ms);
}

TEST_F(Awaiting, WhatIsSentLastArrivesBeforeTheEnd) {
    const base::Bytes goodbye(68);
    on(m_loop, [&] {
        EXPECT_EQ(reader->stream->send_last(goodbye), goodbye.size());
        reader->stream.reset();
    });
    base::Bytes got(100);
    EXPECT_EQ(::recv(peer, got.data(), got.size(), MSG_WAITALL), static_cast<ssize_t>(goodbye.size()));
    EXPECT_EQ(::recv(peer, got.data(), got.size(), 0), 0);
}

TEST(Patience, ManyStrangersWaitForEachOtherAndNobodyWaitsForThem) {
    // A piece of patient work waits (in real time) until the echo of a byte, sent before, is back: it can only come back if the loop serves
    // the socket between two pieces.
    Loop loop;
    loop.start();
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    std::unique_ptr<Echo> echo;
    std::promise<void> ready;
    loop.post([&] {
        echo = std::make_unique<Echo>(loop, ends[1]);
        ready.set_value();
    });
    ready.get_future().wait();

    constexpr int kPieces = 200;
    int done = 0, echoed = 0;
    std::promise<void> over;
    const auto count_echoes = [&] {
        std::array<std::byte, 4096> buffer{};
        const ssize_t n = ::recv(ends[0], buffer.data(), buffer.size(), 0);
        if (n > 0) echoed += static_cast<int>(n / 8);
    };
    std::vector<int> seen;
    loop.post([&] {
        for (int i = 0; i < kPieces; ++i) {
            loop.patiently([&] {
                count_echoes();
                seen.push_back(echoed);
                const std::array<std::byte, 8> record{};
                EXPECT_EQ(::send(ends[0], record.data(), record.size(), 0), 8);
                if (++done == kPieces) over.set_value();
            });
        }
        EXPECT_LE(done, 1);  // at most the first at once, the others in turns of their own
    });
    over.get_future().wait();
    std::promise<void> gone;
    loop.post([&] {
        echo.reset();
        gone.set_value();
    });
    gone.get_future().wait();
    loop.stop();
    loop.join();
    ::close(ends[0]);
    ASSERT_EQ(seen.size(), static_cast<std::size_t>(kPieces));
    // The echo of one piece's record is there when the next but one begins.
    for (int i = 2; i < kPieces; ++i) EXPECT_GE(seen[static_cast<std::size_t>(i)], i - 1) << "piece " << i;
}

TEST(Patience, RunsInOrderAndAtOnceWhenNothingElseDid) {
    Loop loop;
    loop.start();
    std::promise<std::vector<int>> result;
    std::vector<int> order;
    loop.post_patiently([&] { order.push_back(1); });
    loop.post_patiently([&] {
        loop.patiently([&] {
            order.push_back(3);
            result.set_value(order);
        });
        order.push_back(2);
    });
    EXPECT_EQ(result.get_future().get(), (std::vector<int>{1, 2, 3}));
    loop.stop();
    loop.join();
}

TEST(Net, DialedStreamIsEchoedAcrossTwoLoopsWithHalfClose) {
    Loop server, client;
    WorkerPool pool(1);
    auto listener = Listener::open(server, "127.0.0.1", 0);
    ASSERT_TRUE(listener.has_value()) << listener.error().full();
    std::vector<std::unique_ptr<Echo>> echoes;
    (*listener)->start([&](int fd, const Endpoint& peer) {
        EXPECT_EQ(peer.address, "127.0.0.1");
        echoes.push_back(std::make_unique<Echo>(server, fd));
    });
    const std::uint16_t port = (*listener)->local().port;
    server.start();
    client.start();

    Dialer dialer(pool);
    std::promise<bool> done;
    std::unique_ptr<Dial> dial;
    std::unique_ptr<Asker> asker;
    on(client, [&] {
        dial = dialer.dial(client, "localhost", port, 5s, [&](Result<Dialed> dialed) {
            if (!dialed) return done.set_value(false);
            EXPECT_EQ(dialed->peer.port, port);
            asker = std::make_unique<Asker>(client, dialed->fd, 3'000'000, done);
        });
    });
    auto answer = done.get_future();
    ASSERT_EQ(answer.wait_for(20s), std::future_status::ready);
    EXPECT_TRUE(answer.get());
    on(client, [&] { asker.reset(); });
    on(server, [&] {
        (*listener)->stop();
        echoes.clear();
    });
}

TEST(Net, DialFailsWithTheReasonAndADroppedDialStaysSilent) {
    Loop loop;
    WorkerPool pool(1);
    Dialer dialer(pool);
    // A port that was free a moment ago: bound, then closed.
    std::uint16_t port = 0;
    {
        auto listener = Listener::open(loop, "127.0.0.1", 0);
        ASSERT_TRUE(listener.has_value());
        port = (*listener)->local().port;
    }
    loop.start();
    std::promise<std::string> text;
    std::unique_ptr<Dial> kept, dropped;
    on(loop, [&] {
        kept = dialer.dial(loop, "127.0.0.1", port, 5s, [&](Result<Dialed> dialed) { text.set_value(dialed.error().text); });
        dropped = dialer.dial(
            loop, "127.0.0.1", port, 5s, [&](const Result<Dialed>&) { FAIL() << "called after it was dropped"; });
        dropped.reset();
    });
    const std::string reason = text.get_future().get();
    EXPECT_NE(reason.find("Connection refused"), std::string::npos) << reason;
    on(loop, [&] { kept.reset(); });
}

TEST(Net, ADialedNameHasOnlyTheAddressesThatItsJudgeLetsThrough) {
    Loop loop;
    WorkerPool pool(1);
    Dialer dialer(pool);
    auto listener = Listener::open(loop, "127.0.0.1", 0);
    ASSERT_TRUE(listener.has_value());
    const std::uint16_t port = (*listener)->local().port;
    loop.start();
    std::promise<std::string> refused, permitted;
    std::vector<std::unique_ptr<Dial>> dials;
    on(loop, [&] {
        const auto said = [](std::promise<std::string>& text) {
            return [&text](Result<Dialed> dialed) {
                text.set_value(dialed ? dialed->peer.address : dialed.error().text);
                if (dialed) ::close(dialed->fd);
            };
        };
        dials.push_back(dialer.dial(loop, "localhost", port, 5s, said(refused),
            [](const Endpoint& place) -> Result<void> { return fail("not " + place.address); }));
        dials.push_back(dialer.dial(loop, "localhost", port, 5s, said(permitted), [](const Endpoint& place) -> Result<void> {
            if (place.address != "127.0.0.1") return fail("only 127.0.0.1");
            return {};
        }));
    });
    const std::string text = refused.get_future().get();
    EXPECT_TRUE(text == "not 127.0.0.1" || text == "not ::1") << text;
    EXPECT_EQ(permitted.get_future().get(), "127.0.0.1");
    on(loop, [&] {
        dials.clear();
        (*listener)->stop();
    });
}

TEST(Net, DialGivesUpInTime) {
    Loop loop;
    WorkerPool pool(1);
    Dialer dialer(pool);
    // A full backlog of an unaccepting listener answers nobody.
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::listen(fd, 0), 0);
    const std::uint16_t port = local_of(fd).port;
    loop.start();
    std::vector<std::unique_ptr<Dial>> dials;
    std::promise<std::string> text;
    std::atomic<bool> told = false;
    on(loop, [&] {
        for (int i = 0; i < 4; ++i) {
            dials.push_back(dialer.dial(loop, "127.0.0.1", port, 300ms, [&](const Result<Dialed>& dialed) {
                if (dialed) ::close(dialed->fd);
                if (!dialed && !told.exchange(true)) text.set_value(dialed.error().text);
            }));
        }
    });
    auto future = text.get_future();
    ASSERT_EQ(future.wait_for(10s), std::future_status::ready);
    EXPECT_NE(future.get().find("time allowed"), std::string::npos);
    on(loop, [&] { dials.clear(); });
    ::close(fd);
}

TEST(Net, AHandlerThatTakesOverIsToldThatThePeerHasEnded) {
    struct Ends final : StreamHandler {
        std::promise<void> ended;
        std::size_t stream_read(MutableBytes bytes) override { return bytes.size(); }
        void stream_writable() override {}
        void stream_ended() override { ended.set_value(); }
        void stream_broken(const Error&) override {}
    } first, second;
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    Loop loop;
    loop.start();
    std::unique_ptr<Stream> stream;
    on(loop, [&] {
        stream = make_socket_stream(loop, pair[0]);
        stream->start(first);
    });
    ::close(pair[1]);
    first.ended.get_future().wait();
    on(loop, [&] { stream->start(second); });
    EXPECT_EQ(second.ended.get_future().wait_for(5s), std::future_status::ready);
    on(loop, [&] { stream.reset(); });
}

TEST(Net, TurnEndRunsOnceAfterTheTurnAndMayAskAgain) {
    struct Count final : TurnEnd {
        Loop* loop = nullptr;
        int calls = 0;
        bool in_turn = false;
        void turn_ended() override {
            EXPECT_FALSE(in_turn);
            if (++calls == 1) loop->at_turn_end(*this);
        }
    } count;
    Loop loop;
    count.loop = &loop;
    loop.start();
    on(loop, [&] {
        count.in_turn = true;
        loop.at_turn_end(count);
        loop.at_turn_end(count);
        count.in_turn = false;
    });
    on(loop, [&] { EXPECT_EQ(count.calls, 2); });
}

TEST(Net, TimerFiresUnlessCancelledOrReplaced) {
    Loop loop;
    loop.start();
    std::promise<int> fired;
    std::unique_ptr<Timer> timer, cancelled;
    on(loop, [&] {
        timer = std::make_unique<Timer>(loop);
        cancelled = std::make_unique<Timer>(loop);
        cancelled->after(1ms, [&] { fired.set_value(1); });
        timer->after(1ms, [&] { fired.set_value(2); });
        timer->after(30ms, [&] { fired.set_value(3); });
        cancelled.reset();
    });
    EXPECT_EQ(fired.get_future().get(), 3);
    on(loop, [&] { timer.reset(); });
}

TEST(Net, WorkerPoolAnswersOnTheLoopAndFinishesItsQueue) {
    Loop loop;
    loop.start();
    std::thread::id loop_thread;
    on(loop, [&] { loop_thread = std::this_thread::get_id(); });
    std::atomic<int> ran = 0;
    std::promise<bool> right;
    {
        WorkerPool pool(3);
        for (int i = 0; i < 100; ++i) pool.submit([&] { ++ran; });
        pool.run(
            loop, [] { return std::make_unique<int>(7); },
            [&](std::unique_ptr<int> value) { right.set_value(*value == 7 && std::this_thread::get_id() == loop_thread); });
    }
    EXPECT_EQ(ran.load(), 100);
    EXPECT_TRUE(right.get_future().get());
}

}  // namespace
}  // namespace sekisho::net
