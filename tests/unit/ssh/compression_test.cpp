// zlib@openssh.com: what it starts after, what it survives (rekey, fragments, relaying in place), and what a hostile peer can make of
// it. The streams of the hostile peer are zlib's own; OpenSSH, PuTTY, Paramiko and libssh2 are peers in tests/interop.
#include <gtest/gtest.h>
#include <zlib.h>

#include "ssh/compression.h"
#include "tests/support/engine_pair.h"

namespace sekisho::ssh {
namespace {

using support::EnginePair;

const Algorithms& only_zlib() {
    static const Algorithms policy = [] {
        Algorithms all = default_algorithms();
        all.compression = {"zlib@openssh.com"};
        return all;
    }();
    return policy;
}

Config with(const Algorithms& policy) {
    Config config;
    config.algorithms = &policy;
    return config;
}

std::string prose(std::size_t size) {
    std::string text;
    for (int line = 0; text.size() < size; ++line) text += "line " + std::to_string(line) + " of a log that says much the same again\n";
    text.resize(size);
    return text;
}

/// A whole zlib stream as some peer would begin it; `flush` says how its packet ends.
Bytes deflated(std::string_view text, int flush, int level = 9) {
    z_stream stream{};
    EXPECT_EQ(::deflateInit(&stream, level), Z_OK);
    Bytes out(::deflateBound(&stream, text.size()) + 64);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    ::deflate(&stream, flush);
    out.resize(out.size() - stream.avail_out);
    ::deflateEnd(&stream);
    return out;
}

TEST(Compression, PacketsComeBackOneByOne) {
    Deflate deflate;
    Inflate inflate;
    for (const std::size_t size : {1U, 5U, 1000U, 32781U, 100000U, 1U}) {
        const std::string text = prose(size);
        const auto back = inflate.unpack(deflate.pack(base::view(text)), 256 * 1024);
        ASSERT_TRUE(back.has_value()) << size << ": " << back.error().full();
        EXPECT_EQ(base::text_view(*back), text);
        inflate.drop();
    }
}

TEST(Compression, ABombEndsAtTheLimit) {
    const std::string zeros(std::size_t{64} << 20, '\0');
    const Bytes bomb = deflated(zeros, Z_PARTIAL_FLUSH);
    ASSERT_LT(bomb.size(), 100000U);
    const auto result = Inflate().unpack(bomb, wire::limits::kPacket);
    ASSERT_FALSE(result.has_value());
    EXPECT_NE(result.error().text.find("too long"), std::string::npos);
}

TEST(Compression, TheLimitItselfIsPermitted) {
    const std::string text = prose(5000);
    EXPECT_TRUE(Inflate().unpack(deflated(text, Z_PARTIAL_FLUSH), 5000).has_value());
    EXPECT_FALSE(Inflate().unpack(deflated(text, Z_PARTIAL_FLUSH), 4999).has_value());
    const std::string large = prose(80 * 1024);  // exactly twice the first buffer
    EXPECT_TRUE(Inflate().unpack(deflated(large, Z_SYNC_FLUSH), large.size()).has_value());
}

TEST(Compression, WhatIsNotAStreamIsAnError) {
    EXPECT_FALSE(Inflate().unpack(Bytes(100, std::byte{0x5e}), 35000).has_value());
    EXPECT_FALSE(Inflate().unpack(deflated("the end", Z_FINISH), 35000).has_value()) << "a stream that ends before its keys";
    EXPECT_FALSE(Inflate().unpack(deflated("", Z_PARTIAL_FLUSH), 35000).has_value()) << "a packet without a message number";
    Bytes dictionary = deflated("x", Z_PARTIAL_FLUSH);
    dictionary[1] = std::byte{0xbb};  // FDICT (RFC 1950 §2.2)
    EXPECT_FALSE(Inflate().unpack(dictionary, 35000).has_value());
}

TEST(Compression, NotUnlessAgreed) {
    EnginePair pair;
    ASSERT_TRUE(pair.sign_in());
    EXPECT_EQ(pair.client().last<ExchangeCompleted>()->compression, "none");
}

TEST(Compression, StartsAfterSignInAndCompresses) {
    EnginePair pair(with(only_zlib()), {});
    pair.piece(77);
    ASSERT_TRUE(pair.sign_in());
    EXPECT_EQ(pair.client().last<ExchangeCompleted>()->compression, "zlib@openssh.com");
    const auto [ours, theirs] = pair.open_session();
    const auto before = pair.client().engine.bytes_sent();
    const std::string text = prose(300000);
    pair.write(pair.client(), ours, text);
    pair.write(pair.server(), theirs, text);
    pair.run();
    EXPECT_EQ(pair.server().main[theirs.value], text);
    EXPECT_EQ(pair.client().main[ours.value], text);
    EXPECT_LT(pair.client().engine.bytes_sent() - before, text.size() / 4);
}

TEST(Compression, BeginsAnewWithEachExchange) {
    EnginePair pair(with(only_zlib()), {});
    ASSERT_TRUE(pair.sign_in());
    const auto [ours, theirs] = pair.open_session();
    std::string sent;
    for (int round = 0; round < 4; ++round) {
        const std::string text = prose(200000);
        sent += text;
        pair.write(pair.client(), ours, text);
        // In the middle of the data, from either side.
        pair.carry(pair.client(), pair.server());
        pair.submit(round % 2 == 0 ? pair.client() : pair.server(), Rekey{});
        pair.run();
    }
    EXPECT_EQ(pair.server().main[theirs.value], sent);
    EXPECT_EQ(pair.server().engine.rekeys(), 4U);
    EXPECT_FALSE(pair.client().error || pair.server().error);
}

/// The server's keys change while it decides: USERAUTH_SUCCESS waits for them, and so does compression.
TEST(Compression, StartsWithTheSuccessThatWaitedForNewKeys) {
    Config client = with(only_zlib());
    client.ask_methods = false;
    EnginePair pair(client, {});
    pair.answer_auth = false;
    pair.run();
    const keys::PublicKey& key = pair.user_key().public_key();
    pair.submit(pair.client(), TryPublicKey{key.algorithms().front(), base::to_bytes(key.blob())});
    const auto* wanted = pair.client().last<UserSignatureWanted>();
    ASSERT_NE(wanted, nullptr);
    pair.submit(pair.client(), ProvideSignature{wanted->ticket, *pair.user_key().sign(wanted->algorithm, wanted->data)});
    pair.run();
    const auto* asked = pair.server().last<AuthRequested>();
    ASSERT_NE(asked, nullptr);
    const Ticket ticket = asked->ticket;
    pair.submit(pair.server(), Rekey{});
    pair.submit(pair.server(), AcceptAuth{ticket});
    pair.run();
    ASSERT_TRUE(pair.client().engine.authenticated());
    EXPECT_FALSE(pair.client().error) << pair.client().error->full();
    EXPECT_FALSE(pair.server().error) << pair.server().error->full();
    ASSERT_FALSE(pair.client().engine.over() || pair.server().engine.over());
    const auto [ours, theirs] = pair.open_session();
    pair.write(pair.client(), ours, "compressed");
    pair.run();
    EXPECT_EQ(pair.server().main[theirs.value], "compressed");
}

/// Data::bytes lie in a buffer of the engine then, with the room that write() may overwrite.
TEST(Compression, DataIsRelayedInPlace) {
    EnginePair from(with(only_zlib()), {});
    EnginePair to(with(only_zlib()), {});
    ASSERT_TRUE(from.sign_in() && to.sign_in());
    const auto [ours, theirs] = from.open_session();
    const auto [out, in] = to.open_session();
    const std::string text = prose(30000);
    from.client().engine.write(ours, DataStream::Main, base::view(text));
    Bytes wire = base::to_bytes(from.client().engine.output());
    std::size_t used = 0;
    while (used < wire.size()) {
        const auto fed = from.server().engine.feed(MutableBytes(wire).subspan(used), from.now());
        ASSERT_TRUE(fed.has_value());
        used += *fed;
        while (auto event = from.server().engine.next_event()) {
            if (auto* data = std::get_if<Data>(&*event)) {
                EXPECT_EQ(to.client().engine.write(out, DataStream::Main, data->bytes, true), data->bytes.size());
            }
        }
    }
    to.run();
    EXPECT_EQ(to.server().main[in.value], text);
}

}  // namespace
}  // namespace sekisho::ssh
