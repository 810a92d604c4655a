// The connection layer alone, fed with payloads that no honest peer sends. Each test is one of the mistakes that others made.
#include "ssh/channels.h"

#include <gtest/gtest.h>

#include "wire/writer.h"

namespace sekisho::ssh {
namespace {

class ChannelsTest : public ::testing::Test {
protected:
    Core m_core{Config{}, TimePoint{}};
    Channels m_channels{m_core};

    Result<void> receive(Bytes payload) {
        m_last = std::move(payload);  // views in events point into it
        return m_channels.receive(m_last);
    }
    /// A session channel opened by the peer and accepted; the peer's number is 7.
    ChannelId accepted(std::uint32_t window = 1000, std::uint32_t most_packet = 100) {
        EXPECT_TRUE(receive(encode(ChannelOpenMessage{"session", 7, window, most_packet, {}})).has_value());
        ChannelId id{};
        while (const auto event = m_core.events.pop()) {
            m_channels.told(*event);
            if (const auto* asked = std::get_if<ChannelOpenRequested>(&*event)) id = asked->channel;
        }
        EXPECT_TRUE(m_channels.submit(AcceptChannel{id, {}}).has_value());
        return id;
    }
    static Bytes data(ChannelId id, std::size_t size) {
        return wire::Writer().byte(94).u32(id.value).string(std::string(size, 'x')).take();
    }
    static Bytes extended(ChannelId id, std::uint32_t code, std::size_t size) {
        return wire::Writer().byte(95).u32(id.value).u32(code).string(std::string(size, 'x')).take();
    }
    std::size_t unsent() { return m_core.writer.output().size(); }

    Bytes m_last;
};

TEST_F(ChannelsTest, DataBeyondTheWindowIsAnError) {
    const ChannelId id = accepted();
    ASSERT_TRUE(receive(data(id, wire::limits::kWindowInitial)).has_value());
    EXPECT_FALSE(receive(data(id, 1)).has_value());
}

TEST_F(ChannelsTest, NoWindowIsGrantedBeforeTheOwnerConsumed) {
    const ChannelId id = accepted();
    const std::size_t before = unsent();
    ASSERT_TRUE(receive(data(id, wire::limits::kWindowInitial)).has_value());
    EXPECT_EQ(unsent(), before);
    ASSERT_TRUE(m_channels.submit(Credit{id, wire::limits::kWindowInitial}).has_value());
    EXPECT_GT(unsent(), before);
    EXPECT_TRUE(receive(data(id, 1)).has_value());
}

TEST_F(ChannelsTest, TheWindowGrowsWithAPeerThatUsesItAndAnOwnerThatKeepsUp) {
    const ChannelId id = accepted();
    const auto left = [&] { return m_channels.find(id)->receive.left(); };
    // In packets of 32 KiB, each credited before the next: what a relay does whose other end is as fast.
    std::uint64_t moved = 0;
    while (left() < wire::limits::kWindowMost - 64 * 1024 && moved < 64 * 1024 * 1024) {
        ASSERT_TRUE(receive(data(id, 32 * 1024)).has_value());
        ASSERT_TRUE(m_channels.submit(Credit{id, 32 * 1024}).has_value());
        moved += 32 * 1024;
    }
    EXPECT_LE(moved, 8U * 1024 * 1024);
    // It stops there.
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(receive(data(id, 32 * 1024)).has_value());
        ASSERT_TRUE(m_channels.submit(Credit{id, 32 * 1024}).has_value());
        ASSERT_LE(left(), wire::limits::kWindowMost);
    }
}

TEST_F(ChannelsTest, TheWindowStaysSmallForAnOwnerThatLags) {
    const ChannelId id = accepted();
    ASSERT_TRUE(receive(data(id, wire::limits::kWindowInitial)).has_value());
    // Half of the window is always on its way: the other end is what limits, and more in flight would only fill memory.
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(m_channels.submit(Credit{id, 32 * 1024}).has_value());
        ASSERT_LE(m_channels.find(id)->receive.left(), 32U * 1024);
        ASSERT_TRUE(receive(data(id, 32 * 1024)).has_value());
    }
}

TEST_F(ChannelsTest, DiscardedExtendedDataIsCreditedBack) {
    const ChannelId id = accepted();
    // An unknown stream is dropped; the peer must be able to go on for ever.
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(receive(extended(id, 99, 32 * 1024)).has_value()) << i;
    EXPECT_TRUE(m_core.events.empty());
}

TEST_F(ChannelsTest, WindowOverflowIsAnError) {
    const ChannelId id = accepted(UINT32_MAX - 10);
    EXPECT_TRUE(receive(encode(ChannelWindowAdjust{id.value, 10})).has_value());
    EXPECT_FALSE(receive(encode(ChannelWindowAdjust{id.value, 1})).has_value());
}

TEST_F(ChannelsTest, MessagesForUnknownOrUndecidedChannelsAreErrors) {
    EXPECT_FALSE(receive(data(ChannelId{0}, 1)).has_value());
    ASSERT_TRUE(receive(encode(ChannelOpenMessage{"session", 7, 1000, 100, {}})).has_value());
    EXPECT_FALSE(receive(data(ChannelId{0}, 1)).has_value());
    EXPECT_FALSE(receive(encode(ChannelOpenConfirmation{0, 7, 1000, 100, {}})).has_value());
    EXPECT_FALSE(receive(encode_channel_only(Message::ChannelSuccess, 0)).has_value());
}

TEST_F(ChannelsTest, AnswersThatNobodyAskedForAreErrors) {
    const ChannelId id = accepted();
    EXPECT_FALSE(receive(encode_channel_only(Message::ChannelSuccess, id.value)).has_value());
}

TEST_F(ChannelsTest, CloseAndEofAreSentOnce) {
    const ChannelId id = accepted();
    ASSERT_TRUE(m_channels.submit(SendEof{id}).has_value());
    const std::size_t after_eof = unsent();
    ASSERT_TRUE(m_channels.submit(SendEof{id}).has_value());
    EXPECT_EQ(unsent(), after_eof);
    ASSERT_TRUE(m_channels.submit(CloseChannel{id}).has_value());
    const std::size_t after_close = unsent();
    EXPECT_GT(after_close, after_eof);
    ASSERT_TRUE(m_channels.submit(CloseChannel{id}).has_value());
    ASSERT_TRUE(m_channels.submit(SendEof{id}).has_value());
    ASSERT_TRUE(m_channels.submit(SendRequest{id, "exit-status", false, {}, false}).has_value());
    EXPECT_EQ(unsent(), after_close);
}

TEST_F(ChannelsTest, DataAfterEofAndASecondEofAreErrors) {
    const ChannelId id = accepted();
    ASSERT_TRUE(receive(encode_channel_only(Message::ChannelEof, id.value)).has_value());
    EXPECT_FALSE(receive(data(id, 1)).has_value());
    EXPECT_FALSE(receive(encode_channel_only(Message::ChannelEof, id.value)).has_value());
}

TEST_F(ChannelsTest, TheMostChannelsAreRefusedNotServed) {
    for (std::size_t i = 0; i < wire::limits::kChannels; ++i) {
        ASSERT_TRUE(receive(encode(ChannelOpenMessage{"session", static_cast<std::uint32_t>(i), 1000, 100, {}})).has_value());
        ASSERT_TRUE(m_core.events.pop().has_value());
    }
    ASSERT_TRUE(receive(encode(ChannelOpenMessage{"session", 9999, 1000, 100, {}})).has_value());
    EXPECT_TRUE(m_core.events.empty());
    EXPECT_FALSE(m_channels.new_channel().has_value());
}

TEST_F(ChannelsTest, UnansweredRequestsAreBounded) {
    const ChannelId id = accepted();
    for (std::size_t i = 0; i < wire::limits::kPendingReplies; ++i) {
        ASSERT_TRUE(receive(encode(ChannelRequestMessage{id.value, "env", true, {}})).has_value());
    }
    EXPECT_FALSE(receive(encode(ChannelRequestMessage{id.value, "env", true, {}})).has_value());
}

TEST_F(ChannelsTest, QueuedRequestsAreBounded) {
    const ChannelId id = accepted(0);
    Bytes blocked = base::to_bytes(std::string_view("waits for the window"));
    EXPECT_EQ(m_channels.write(id, DataStream::Main, blocked, false), 0U);
    const Bytes large(100 * 1024);
    EXPECT_TRUE(m_channels.submit(SendRequest{id, "env", false, large, false}).has_value());
    EXPECT_TRUE(m_channels.submit(SendRequest{id, "env", false, large, false}).has_value());
    EXPECT_FALSE(m_channels.submit(SendRequest{id, "env", false, large, false}).has_value());
}

TEST_F(ChannelsTest, CloseFromThePeerDropsWhatWaitsAndFreesTheNumber) {
    const ChannelId id = accepted(0);
    Bytes blocked = base::to_bytes(std::string_view("never fits"));
    m_channels.write(id, DataStream::Main, blocked, false);
    ASSERT_TRUE(receive(encode_channel_only(Message::ChannelClose, id.value)).has_value());
    ASSERT_TRUE(m_channels.submit(CloseChannel{id}).has_value());
    EXPECT_EQ(m_channels.find(id), nullptr);
    while (const auto event = m_core.events.pop()) m_channels.told(*event);
    EXPECT_EQ(accepted(), id);
}

TEST_F(ChannelsTest, AnExitStatusStillPassesBehindACloseInEitherDirection) {
    const ChannelId id = accepted(0);
    Bytes blocked = base::to_bytes(std::string_view("never fits"));
    m_channels.write(id, DataStream::Main, blocked, false);
    ASSERT_TRUE(m_channels.submit(SendRequest{id, "exit-signal", false, {}, false}).has_value());
    const std::size_t before = unsent();
    ASSERT_TRUE(receive(encode_channel_only(Message::ChannelClose, id.value)).has_value());
    const std::size_t waited = unsent();
    EXPECT_GT(waited, before) << "what waited behind data that nobody takes any more";
    ASSERT_TRUE(m_channels.submit(SendRequest{id, "exit-status", false, {}, false}).has_value());
    EXPECT_GT(unsent(), waited);

    const ChannelId closed = accepted();
    ASSERT_TRUE(m_channels.submit(CloseChannel{closed}).has_value());
    while (m_core.events.pop()) {
    }
    ASSERT_TRUE(receive(encode(ChannelRequestMessage{closed.value, "exit-status", false, {}})).has_value());
    const auto event = m_core.events.pop();
    ASSERT_TRUE(event.has_value());
    EXPECT_TRUE(std::holds_alternative<ChannelRequested>(*event));
}

TEST_F(ChannelsTest, ANumberIsNotUsedAgainBeforeItsEndWasTold) {
    const ChannelId id = accepted();
    ASSERT_TRUE(receive(encode_channel_only(Message::ChannelClose, id.value)).has_value());
    ASSERT_TRUE(m_channels.submit(CloseChannel{id}).has_value());
    // ChannelEnded waits in the queue: a channel opened now under the same number would be taken for the ended one.
    const auto next = m_channels.new_channel();
    ASSERT_TRUE(next.has_value());
    EXPECT_NE(*next, id);
    while (const auto event = m_core.events.pop()) m_channels.told(*event);
    EXPECT_EQ(m_channels.new_channel().value(), id);
}

TEST_F(ChannelsTest, ATinyPacketLimitOfThePeerIsKept) {
    const ChannelId id = accepted(1000, 10);
    Bytes bytes = base::to_bytes(std::string(95, 'y'));
    const std::size_t before = unsent();
    EXPECT_EQ(m_channels.write(id, DataStream::Main, bytes, false), 95U);
    // Ten packets; the plain cipher leaves them readable: each at most 10 bytes of data.
    std::size_t packets = 0;
    BytesView out = m_core.writer.output().bytes().subspan(before);
    while (!out.empty()) {
        const std::size_t length = std::to_integer<std::size_t>(out[3]) + 4;
        EXPECT_LE(std::to_integer<unsigned>(out[13]), 10U);
        out = out.subspan(length);
        ++packets;
    }
    EXPECT_EQ(packets, 10U);
}

}  // namespace
}  // namespace sekisho::ssh
