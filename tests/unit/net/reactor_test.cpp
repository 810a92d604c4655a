// The reactor's edges over real sockets: what the system tells only once must not be forgotten; runs under TSan.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <thread>

#include "net/loop.h"
#include "net/reactor.h"
#include "net/stream.h"
#include "net/timer.h"
#include "tests/unit/net/on_loop.h"

namespace sekisho::net {
namespace {

using namespace std::chrono_literals;

/// Reads at most `room` bytes at a time and says when the end has come.
struct Reading final : StreamHandler {
    explicit Reading(std::size_t most) : room(most) {}
    std::size_t stream_read(MutableBytes bytes) override {
        count += bytes.size();
        if (hold && stream) stream->pause();
        if (hold) held.set_value();
        hold = false;
        return bytes.size();
    }
    void stream_writable() override {}
    void stream_ended() override { ended.set_value(count); }
    void stream_broken(const Error&) override { ended.set_value(0); }
    std::size_t stream_room() override { return room; }

    const std::size_t room;
    std::size_t count = 0;
    bool hold = false;
    std::promise<void> held;
    std::promise<std::size_t> ended;
    std::unique_ptr<Stream> stream;
};

struct Pair {
    Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0); }
    std::array<int, 2> ends{};
};

std::size_t wait(std::promise<std::size_t>& promise) {
    auto future = promise.get_future();
    return future.wait_for(10s) == std::future_status::ready ? future.get() : std::size_t(-1);
}

TEST(Reactor, BytesAndTheEndThatCameTogetherAreBothRead) {
    // One event tells of both: a short read must not be taken for all there is. With and without patience, and in small pieces.
    for (const std::size_t room : {std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{4096}}) {
        for (const bool patient : {false, true}) {
            Pair pair;
            const std::array<std::byte, 100> bytes{};
            ASSERT_EQ(::send(pair.ends[1], bytes.data(), bytes.size(), 0), 100);
            ::close(pair.ends[1]);
            Loop loop;
            loop.start();
            Reading reading(room);
            on(loop, [&] {
                reading.stream = make_socket_stream(loop, pair.ends[0]);
                reading.stream->be_patient(patient);
                reading.stream->start(reading);
            });
            EXPECT_EQ(wait(reading.ended), 100U) << room << (patient ? " patient" : "");
            on(loop, [&] { reading.stream.reset(); });
        }
    }
}

TEST(Reactor, WhatCameDuringAPauseIsReadAfterIt) {
    Pair pair;
    Loop loop;
    loop.start();
    Reading reading(4096);
    reading.hold = true;
    const std::array<std::byte, 10> bytes{};
    ASSERT_EQ(::send(pair.ends[1], bytes.data(), 10, 0), 10);
    on(loop, [&] {
        reading.stream = make_socket_stream(loop, pair.ends[0]);
        reading.stream->start(reading);
    });
    ASSERT_EQ(reading.held.get_future().wait_for(10s), std::future_status::ready);
    ASSERT_EQ(::send(pair.ends[1], bytes.data(), 10, 0), 10);
    ::close(pair.ends[1]);
    on(loop, [&] {});  // the loop has heard of them
    on(loop, [&] { EXPECT_EQ(reading.count, 10U); });
    on(loop, [&] { reading.stream->resume(); });
    EXPECT_EQ(wait(reading.ended), 20U);
    on(loop, [&] { reading.stream.reset(); });
}

TEST(Reactor, AStreamMayGoWhileAnotherOfTheSameRoundIsServed) {
    // Both are ready at once; whoever is served first destroys the other, which must then hear nothing.
    struct Rival final : StreamHandler {
        Rival* other = nullptr;
        std::unique_ptr<Stream> stream;
        std::promise<void>* served = nullptr;
        std::size_t stream_read(MutableBytes bytes) override {
            EXPECT_TRUE(stream);
            other->stream.reset();
            served->set_value();
            return bytes.size();
        }
        void stream_writable() override {}
        void stream_ended() override {}
        void stream_broken(const Error&) override {}
    };
    Pair first, second;
    Loop loop;
    loop.start();
    Rival a, b;
    std::promise<void> served;
    a.other = &b;
    b.other = &a;
    a.served = b.served = &served;
    on(loop, [&] {
        for (Pair* pair : {&first, &second}) ASSERT_EQ(::send(pair->ends[1], "x", 1, 0), 1);
        a.stream = make_socket_stream(loop, first.ends[0]);
        b.stream = make_socket_stream(loop, second.ends[0]);
        a.stream->start(a);
        b.stream->start(b);
    });
    ASSERT_EQ(served.get_future().wait_for(10s), std::future_status::ready);
    on(loop, [&] {});
    on(loop, [&] {
        EXPECT_NE(a.stream == nullptr, b.stream == nullptr);
        a.stream.reset();
        b.stream.reset();
    });
    ::close(first.ends[1]);
    ::close(second.ends[1]);
}

TEST(Reactor, PostedFromManyThreadsEverythingRunsAndNothingSleepsThroughIt) {
    Loop loop;
    loop.start();
    constexpr int kEach = 2000;
    std::atomic<int> ran = 0;
    std::promise<void> all;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < kEach; ++i) {
                    loop.post([&] {
                        if (++ran == 4 * kEach) all.set_value();
                    });
                }
            });
        }
    }
    EXPECT_EQ(all.get_future().wait_for(30s), std::future_status::ready) << ran;
}

TEST(Reactor, TimersRunInTheirOrderAndTheLoopSleepsUntilThen) {
    Loop loop;
    loop.start();
    std::promise<std::vector<int>> result;
    std::vector<int> order;
    std::vector<std::unique_ptr<Timer>> timers;
    const auto begin = std::chrono::steady_clock::now();
    on(loop, [&] {
        for (const int ms : {30, 10, 20}) {
            timers.push_back(std::make_unique<Timer>(loop));
            timers.back()->after(std::chrono::milliseconds(ms), [&, ms] {
                EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(ms));
                order.push_back(ms);
                if (order.size() == 3) result.set_value(order);
            });
        }
    });
    EXPECT_EQ(result.get_future().get(), (std::vector<int>{10, 20, 30}));
    on(loop, [&] { timers.clear(); });
}

TEST(Reactor, WhatIsNeverRunIsDestroyedAndMayStillCallTheLoop) {
    struct Last {
        Loop& loop;
        std::atomic<int>& gone;
        std::unique_ptr<Timer> timer;
        ~Last() {
            timer.reset();
            loop.post([] {});
            ++gone;
        }
    };
    std::atomic<int> gone = 0;
    {
        Loop loop;
        const auto make = [&] { return std::shared_ptr<Last>(new Last{loop, gone, std::make_unique<Timer>(loop)}); };
        loop.stop();
        loop.post([kept = make()] { FAIL() << "ran after stop()"; });
        auto inner = make();
        inner->timer->after(1h, [outer = make()] { FAIL(); });
        loop.keep(std::move(inner));
        loop.run();  // returns at once
    }
    EXPECT_EQ(gone, 3);
}

}  // namespace
}  // namespace sekisho::net
