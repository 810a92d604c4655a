// Each limit of wire/limits.h from both sides: what is just under it passes, one more does not. Limits that other tests go over have
// their tests there (tests/lint.py wants each constant named somewhere); those of the gateway are in gateway/limits_test.cpp.
#include <gtest/gtest.h>

#include "ssh/channels.h"
#include "ssh/identification.h"
#include "ssh/msg_kex_group.h"
#include "tests/support/raw_session.h"
#include "wire/reader.h"

namespace sekisho {
namespace {

namespace limits = wire::limits;
using ssh::Role;
using support::RawSession;
using support::Step;

constexpr Role kRoles[] = {Role::Server, Role::Client};

Bytes ignore(std::size_t size) { return wire::Writer(size + 5).byte(2).string(std::string(size, 'i')).take(); }
Bytes ping(std::size_t size) { return wire::Writer(size + 5).byte(192).string(std::string(size, 'p')).take(); }

/// The session is still there after `just_under`, and gone after `over`.
void expect_limit(RawSession& session, const Bytes& just_under, const Bytes& over) {
    EXPECT_TRUE(session.say(just_under));
    ASSERT_FALSE(session.engine().over()) << session.last<ssh::Disconnected>()->text;
    EXPECT_FALSE(session.say(over));
    ASSERT_TRUE(session.engine().over());
    EXPECT_FALSE(session.last<ssh::Disconnected>()->by_peer);
    EXPECT_NE(session.last<ssh::Disconnected>()->text, "");
}

void expect_limit_at(Step step, Role role, const Bytes& just_under, const Bytes& over) {
    RawSession session({.role = role});
    session.advance_to(step);
    expect_limit(session, just_under, over);
}

// --- before anything is encrypted ---

TEST(Limits, IdentificationLine) {
    const auto line = [](std::size_t size) { return "SSH-2.0-" + std::string(size - 10, 'x') + "\r\n"; };
    for (const Role role : kRoles) {
        ssh::Identification fits(role), long_one(role);
        EXPECT_EQ(fits.feed(base::view(line(limits::kIdentificationLine))).value(), limits::kIdentificationLine);
        EXPECT_FALSE(long_one.feed(base::view(line(limits::kIdentificationLine + 1))).has_value());
    }
}

TEST(Limits, IdentificationPreamble) {
    ssh::Identification line(Role::Client);
    const std::string greeting(127, 'g');
    for (std::size_t said = 0; said < limits::kIdentificationPreamble; said += 128) {
        ASSERT_TRUE(line.feed(base::view(greeting + "\n")).has_value()) << said;
    }
    EXPECT_FALSE(line.feed(base::view("\n")).has_value());
}

TEST(Limits, NameList) {
    const auto list = [](std::size_t size) { return wire::Writer().string(std::string(size, 'n')).take(); };
    const Bytes fits = list(limits::kNameList), over = list(limits::kNameList + 1);
    wire::Reader good(fits), bad(over);
    EXPECT_EQ(good.name_list().size(), 1U);
    EXPECT_TRUE(good.finish("list").has_value());
    (void)bad.name_list();
    EXPECT_FALSE(bad.finish("list").has_value());
}

TEST(Limits, SharesOfAnExchange) {
    EXPECT_TRUE(ssh::decode_kex_ecdh_init(ssh::encode_kex_ecdh_init(Bytes(limits::kShare))).has_value());
    EXPECT_FALSE(ssh::decode_kex_ecdh_init(ssh::encode_kex_ecdh_init(Bytes(limits::kShare + 1))).has_value());
    const auto reply = [](std::size_t key, std::size_t share, std::size_t signature) {
        return ssh::decode_kex_ecdh_reply(encode(ssh::KexEcdhReply{Bytes(key), Bytes(share), Bytes(signature)})).has_value();
    };
    EXPECT_TRUE(reply(limits::kKeyBlob, limits::kShare, limits::kSignature));
    EXPECT_FALSE(reply(limits::kKeyBlob + 1, 1, 1));
    EXPECT_FALSE(reply(1, limits::kShare + 1, 1));
    EXPECT_FALSE(reply(1, 1, limits::kSignature + 1));
}

TEST(Limits, SizesOfAGroup) {
    RawSession session({.role = Role::Client}, {.kex = "diffie-hellman-group-exchange-sha256"});
    session.advance_to(Step::Offered);
    ASSERT_TRUE(session.peer().heard_message(34));
    EXPECT_EQ(*session.peer().last_heard(34),
              encode(ssh::KexGroupRequest{limits::kGroupBitsLeast, limits::kGroupBitsWanted, limits::kGroupBitsMost}));
    const auto taken = [](const crypto::DiffieHellmanGroup& group) {
        return crypto::diffie_hellman_sha256(group, limits::kGroupBitsLeast, limits::kGroupBitsMost).has_value();
    };
    for (const std::uint32_t bits : {limits::kGroupBitsLeast, limits::kGroupBitsMost}) {
        EXPECT_TRUE(taken(crypto::choose_known_group(bits, bits, bits)->group)) << bits;
    }
    auto group = crypto::choose_known_group(limits::kGroupBitsLeast, limits::kGroupBitsLeast, limits::kGroupBitsLeast)->group;
    group.prime.erase(group.prime.begin());
    EXPECT_FALSE(taken(group));
    group = crypto::choose_known_group(limits::kGroupBitsMost, limits::kGroupBitsMost, limits::kGroupBitsMost)->group;
    group.prime.insert(group.prime.begin(), std::byte{1});
    EXPECT_FALSE(taken(group));
}

// --- packets and bytes ---

TEST(Limits, PacketBeforeAndAfterSignIn) {
    for (const Role role : kRoles) {
        // packet_length counts padding: 20 bytes less than the limit certainly fit.
        expect_limit_at(Step::Encrypted, role, ignore(limits::kPacketBeforeAuth - 45), ignore(limits::kPacketBeforeAuth));
        RawSession session({.role = role});
        session.advance_to(Step::Connected);
        EXPECT_TRUE(session.say(ignore(limits::kPacketBeforeAuth + 1000)));
        expect_limit(session, ignore(limits::kPacket - 45), ignore(limits::kPacket));
    }
}

TEST(Limits, BytesBeforeSignIn) {
    for (const Role role : kRoles) {
        RawSession session({.role = role});
        session.advance_to(Step::Authenticating);
        std::uint64_t most = 0;
        while (session.say(ignore(10'000))) most = session.engine().bytes_received();
        EXPECT_LE(most, limits::kBytesBeforeAuth);
        EXPECT_GT(most, limits::kBytesBeforeAuth - 11'000);
        EXPECT_EQ(session.last<ssh::Disconnected>()->text, "too much before sign-in");
    }
}

TEST(Limits, TimeBeforeSignIn) {
    for (const Role role : kRoles) {
        RawSession session({.role = role});
        session.advance_to(Step::Authenticating);
        EXPECT_EQ(session.engine().next_deadline(), session.now() + limits::kLoginGrace);
        session.engine().advance(session.now() + limits::kLoginGrace - std::chrono::milliseconds(1));
        EXPECT_FALSE(session.engine().over());
        session.engine().advance(session.now() + limits::kLoginGrace);
        EXPECT_TRUE(session.engine().over());
    }
}

TEST(Limits, TextsOfTheTransport) {
    const auto disconnect = [](std::size_t size) { return encode(ssh::DisconnectMessage{11, std::string(size, 't')}); };
    EXPECT_TRUE(ssh::decode_disconnect(disconnect(limits::kText)).has_value());
    EXPECT_FALSE(ssh::decode_disconnect(disconnect(limits::kText + 1)).has_value());
    const auto failure = [](std::size_t size) { return encode(ssh::ChannelOpenFailureMessage{0, 1, std::string(size, 't')}); };
    EXPECT_TRUE(ssh::decode_channel_open_failure(failure(limits::kText)).has_value());
    EXPECT_FALSE(ssh::decode_channel_open_failure(failure(limits::kText + 1)).has_value());
    expect_limit_at(Step::Connected, Role::Server, ping(limits::kPing), ping(limits::kPing + 1));
    const auto extensions = [](std::uint32_t count) {
        wire::Writer out;
        out.byte(7).u32(count);
        for (std::uint32_t i = 0; i < count; ++i) out.string("x").string("");
        return out.take();
    };
    expect_limit_at(Step::Encrypted, Role::Client, extensions(limits::kExtensions), extensions(limits::kExtensions + 1));
}

// --- sign-in, server ---

Bytes request(std::size_t user, std::size_t method) {
    return wire::Writer().byte(50).string(std::string(user, 'u')).string("ssh-connection").string(std::string(method, 'm')).take();
}

TEST(Limits, NamesInARequest) {
    const auto taken = [](const Bytes& payload) {
        RawSession session({.role = Role::Server});
        session.advance_to(Step::Authenticating);
        const bool good = session.say(payload);
        EXPECT_EQ(session.count<ssh::AuthRequested>(), good ? 1U : 0U);
        return good;
    };
    EXPECT_TRUE(taken(request(limits::kUserName, 1)));
    EXPECT_FALSE(taken(request(limits::kUserName + 1, 1)));
    EXPECT_TRUE(taken(request(1, limits::kMethodName)));
    EXPECT_FALSE(taken(request(1, limits::kMethodName + 1)));
}

TEST(Limits, KeysAndSignaturesInARequest) {
    const auto key = [](std::size_t algorithm, std::size_t blob, std::size_t signature) {
        return wire::Writer().byte(50).string("alice").string("ssh-connection").string("publickey").boolean(true)
            .string(std::string(algorithm, 'a')).string(Bytes(blob)).string(Bytes(signature)).take();
    };
    const Bytes fits = key(limits::kAlgorithmName, limits::kKeyBlob, limits::kSignature);  // refused, but not an error
    expect_limit_at(Step::Authenticating, Role::Server, fits, key(limits::kAlgorithmName + 1, 1, 1));
    expect_limit_at(Step::Authenticating, Role::Server, fits, key(1, limits::kKeyBlob + 1, 1));
    expect_limit_at(Step::Authenticating, Role::Server, fits, key(1, 1, limits::kSignature + 1));
}

TEST(Limits, AttemptsFailuresAndWaitingRequests) {
    const Bytes none = ssh::encode_userauth_none("alice");
    const auto reject = [](RawSession& s) {
        return s.submit(ssh::RejectAuth{s.last<ssh::AuthRequested>()->ticket, {"publickey"}, false}).has_value();
    };
    RawSession attempts({.role = Role::Server});
    attempts.advance_to(Step::Authenticating);
    for (unsigned i = 0; i < limits::kAuthAttempts; ++i) ASSERT_TRUE(attempts.say(none) && reject(attempts)) << i;
    EXPECT_FALSE(attempts.say(none));

    RawSession failures({.role = Role::Server});
    failures.advance_to(Step::Authenticating);
    for (unsigned i = 0; i < limits::kAuthFailures; ++i) ASSERT_TRUE(failures.say(request(5, 3)) && reject(failures)) << i;
    EXPECT_TRUE(failures.say(request(5, 3)));
    EXPECT_FALSE(reject(failures));
    EXPECT_EQ(failures.last<ssh::Disconnected>()->reason, static_cast<std::uint32_t>(ssh::DisconnectReason::NoMoreAuthMethods));

    RawSession waiting({.role = Role::Server});
    waiting.advance_to(Step::Authenticating);
    for (std::size_t i = 0; i < 1 + limits::kWaitingAuthRequests; ++i) ASSERT_TRUE(waiting.say(none)) << i;
    EXPECT_EQ(waiting.count<ssh::AuthRequested>(), 1U);
    EXPECT_FALSE(waiting.say(none));
}

// --- sign-in, client ---

TEST(Limits, Banners) {
    const auto banner = [](std::size_t size) { return ssh::encode_userauth_banner(std::string(size, 'b')); };
    expect_limit_at(Step::Authenticating, Role::Client, banner(limits::kBanner), banner(limits::kBanner + 1));
    RawSession session({.role = Role::Client});
    session.advance_to(Step::Authenticating);
    for (unsigned i = 0; i < limits::kBanners; ++i) ASSERT_TRUE(session.say(banner(1))) << i;
    EXPECT_FALSE(session.say(banner(1)));
}

// --- the connection ---

TEST(Limits, PayloadsOfRequests) {
    const Bytes fits(limits::kChannelRequestPayload), over(limits::kChannelRequestPayload + 1);
    for (const Role role : kRoles) {
        const auto open = [](const Bytes& payload) { return encode(ssh::ChannelOpenMessage{"session", 1, 1000, 1000, payload}); };
        const auto global = [](const Bytes& payload) { return encode(ssh::GlobalRequestMessage{"x", false, payload}); };
        const auto channel = [](const Bytes& payload) { return encode(ssh::ChannelRequestMessage{0, "env", false, payload}); };
        expect_limit_at(Step::Connected, role, open(fits), open(over));
        expect_limit_at(Step::Connected, role, global(fits), global(over));
        RawSession session({.role = role});
        session.advance_to(Step::Connected);
        session.say(RawSession::open_channel(1));
        (void)session.submit(ssh::AcceptChannel{ssh::ChannelId{0}, {}});
        expect_limit(session, channel(fits), channel(over));
    }
}

TEST(Limits, RequestsThatWaitBehindData) {
    RawSession session({.role = Role::Server});
    session.advance_to(Step::Connected);
    session.say(RawSession::open_channel(1, 0));  // no window: data waits, and requests behind it
    (void)session.submit(ssh::AcceptChannel{ssh::ChannelId{0}, {}});
    session.engine().write(ssh::ChannelId{0}, ssh::DataStream::Main, base::view("waits"));
    constexpr std::size_t kHeader = 1 + 4 + 4 + 3 + 1;  // of CHANNEL_REQUEST "env"
    EXPECT_TRUE(session.submit(ssh::SendRequest{ssh::ChannelId{0}, "env", false, Bytes(limits::kQueuedRequestBytes - kHeader)}));
    EXPECT_FALSE(session.submit(ssh::SendRequest{ssh::ChannelId{0}, "env", false, {}}).has_value());
}

TEST(Limits, OutputThatNobodyReads) {
    RawSession session({.role = Role::Server});
    session.advance_to(Step::Connected);
    std::size_t most = 0;
    bool alive = true;
    while (alive) {
        most = session.engine().output().size();
        session.peer().send(ping(limits::kPing));
        alive = session.feed(session.peer().take_output());  // and reads no answer
    }
    EXPECT_LE(most, limits::kUnsentBytes);
    EXPECT_GT(most, limits::kUnsentBytes - 2 * limits::kPing);
    EXPECT_LE(session.engine().output().size(), limits::kUnsentBytes + 2 * limits::kPing);
}

TEST(Limits, AnswersThatWaitForAnExchange) {
    for (const bool large : {true, false}) {
        RawSession session({.role = Role::Server});
        session.advance_to(Step::Connected);
        (void)session.submit(ssh::Rekey{});
        const Bytes message = large ? ping(limits::kPing) : Bytes{std::byte{200}};  // answered with UNIMPLEMENTED
        std::size_t taken = 0;
        while (session.say(message)) ++taken;
        // Small ones cost more than their bytes, and are counted so.
        EXPECT_LE(taken, limits::kHeldBytes / (large ? limits::kPing : 64));
        EXPECT_GE(taken, limits::kHeldBytes / (large ? limits::kPing : 128) - 1);
    }
}

TEST(Limits, PacketsAndWindowsThatWeAskFor) {
    for (const Role role : kRoles) {
        RawSession session({.role = role});
        session.advance_to(Step::Connected);
        session.say(RawSession::open_channel(9, 10'000'000));
        (void)session.submit(ssh::AcceptChannel{ssh::ChannelId{0}, {}});
        const auto confirmed = ssh::decode_channel_open_confirmation(*session.peer().last_heard(91));
        EXPECT_EQ(confirmed->window, limits::kWindowInitial);
        EXPECT_EQ(confirmed->most_packet, limits::kChannelPacket);
        // RFC 4254 §5.2: what we send fits what the peer stated, whatever is written at once. Beyond the high water it waits.
        const Bytes much(3'000'000);
        session.engine().write(ssh::ChannelId{0}, ssh::DataStream::Main, BytesView(much));
        EXPECT_GE(session.engine().output().size(), limits::kOutputHighWater);
        EXPECT_LE(session.engine().output().size(), limits::kOutputHighWater + limits::kChannelPacket + 64);
        while (session.engine().queued(ssh::ChannelId{0}) > 0) session.hear();
        session.hear();
        std::size_t sum = 0;
        for (Bytes& payload : session.peer().heard) {
            if (payload[0] != std::byte{94}) continue;
            const auto data = ssh::decode_channel_data(payload);
            EXPECT_LE(data->bytes.size(), limits::kChannelPacket);
            sum += data->bytes.size();
        }
        EXPECT_EQ(sum, much.size());
    }
}

TEST(Limits, WindowsOfAllChannelsTogether) {
    ssh::Core core{ssh::Config{}, TimePoint{}};
    ssh::Channels channels{core};
    const auto receive = [&](Bytes payload) {
        const bool good = channels.receive(payload).has_value();
        while (core.events.pop()) {
        }
        core.writer.output().consume(core.writer.output().size());
        return good;
    };
    constexpr std::uint32_t kCount = 20;
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < kCount; ++i) {
        ASSERT_TRUE(receive(encode(ssh::ChannelOpenMessage{"session", i, 1000, 1000, {}})));
        ASSERT_TRUE(channels.submit(ssh::AcceptChannel{ssh::ChannelId{i}, {}}).has_value());
        for (int round = 0; round < 500; ++round) {  // an owner as fast as the peer: the window grows as far as it may
            ASSERT_TRUE(receive(wire::Writer(40'000).byte(94).u32(i).string(std::string(32 * 1024, 'x')).take()));
            ASSERT_TRUE(channels.submit(ssh::Credit{ssh::ChannelId{i}, 32 * 1024}).has_value());
        }
        sum += limits::kWindowInitial + channels.find(ssh::ChannelId{i})->receive.grown();
    }
    EXPECT_LE(sum, kCount * limits::kWindowInitial + limits::kWindowBudget);
    EXPECT_GT(sum, limits::kWindowBudget / 2);
}

// --- keys ---

TEST(Limits, RekeyByDefault) {
    const ssh::RekeyLimits usual;
    EXPECT_EQ(usual.bytes, limits::kRekeyBytes);
    EXPECT_EQ(usual.packets, limits::kRekeyPackets);
    EXPECT_EQ(usual.time, limits::kRekeyAfter);
}

TEST(Limits, RekeyByWhatThePeerSends) {
    for (const Role role : kRoles) {
        for (const bool by_bytes : {true, false}) {
            ssh::Config config{.role = role};
            by_bytes ? config.rekey.bytes = 100'000 : config.rekey.packets = 40;
            RawSession session(config);
            session.advance_to(Step::Connected);
            session.peer().heard.clear();
            std::size_t sent = 0;
            while (!session.peer().heard_message(20) && sent < 100) {
                ASSERT_TRUE(session.say(ignore(by_bytes ? 9'900 : 0)));
                ++sent;
            }
            EXPECT_GE(sent, by_bytes ? 9U : 35U);
            EXPECT_LE(sent, by_bytes ? 11U : 40U);
        }
    }
}

TEST(Limits, RekeyByWhatWeSend) {
    for (const bool by_bytes : {true, false}) {
        ssh::Config config{.role = Role::Server};
        by_bytes ? config.rekey.bytes = 100'000 : config.rekey.packets = 40;
        RawSession session(config);
        session.advance_to(Step::Connected);
        session.peer().heard.clear();
        std::size_t sent = 0;
        while (!session.peer().heard_message(20) && sent < 100) {
            (void)session.submit(ssh::SendGlobalRequest{"x", false, Bytes(by_bytes ? 9'900 : 0)});
            ++sent;
        }
        EXPECT_GE(sent, by_bytes ? 9U : 35U);
        EXPECT_LE(sent, by_bytes ? 11U : 40U);
    }
}

TEST(Limits, RekeyByTime) {
    RawSession session({.role = Role::Server});
    session.advance_to(Step::Connected);
    session.peer().heard.clear();
    const TimePoint due = session.now() + limits::kRekeyAfter;
    EXPECT_EQ(session.engine().next_deadline(), due);
    session.engine().advance(due - std::chrono::milliseconds(1));
    session.hear();
    EXPECT_FALSE(session.peer().heard_message(20));
    session.engine().advance(due);
    session.hear();
    EXPECT_TRUE(session.peer().heard_message(20));
    // And a peer that never answers it is not waited for.
    session.engine().advance(due + limits::kLoginGrace);
    EXPECT_TRUE(session.engine().over());
}

}  // namespace
}  // namespace sekisho
