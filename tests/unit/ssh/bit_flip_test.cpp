// Somebody on the way changes one bit of what a peer says, anywhere from the first byte to the sign-in and beyond. Before the keys
// change the exchange hash must catch it, afterwards the integrity tag. Nothing but a disconnect may come of it, but for the padding
// of packets that are not encrypted yet, which nobody ever reads.
#include <gtest/gtest.h>

#include "tests/support/raw_session.h"

namespace sekisho {
namespace {

using ssh::Role;
using support::RawPeer;
using support::RawSession;

#if defined(SEKISHO_SANITIZED)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif

struct Run {
    Bytes said;  // by the peer, as it left
    Bytes session_id;
    std::size_t plain = 0;  // of `said`, until NEWKEYS took effect
    bool over = false;
    bool signed_in = false;
};

/// A whole connection as far as a line of data, with bit `flip` of what the peer says changed.
Run run(Role role, const RawPeer::Options& options, std::size_t flip = SIZE_MAX) {
    RawSession session({.role = role, .ask_methods = false}, options);
    Run result;
    session.tamper = [&](MutableBytes bytes) {
        const std::size_t begin = result.said.size();
        result.said.insert(result.said.end(), bytes.begin(), bytes.end());
        if (flip / 8 >= begin && flip / 8 < result.said.size())
            bytes[flip / 8 - begin] ^= static_cast<std::byte>(1U << (flip % 8));
    };
    const auto alive = [&] { return !session.engine().over(); };
    session.hear();
    session.peer().say_line();
    session.carry();
    session.peer().send_kexinit();
    session.carry();
    if (alive() && (role == Role::Server || session.peer().heard_message(30))) session.send_peer_share();
    if (alive() && session.last<ssh::HostSignatureWanted>() != nullptr) session.provide_host_signature();
    if (alive() && session.last<ssh::HostKeyOffered>() != nullptr) session.accept_host_key();
    if (alive() && session.peer().has_keys()) {
        session.peer().send_new_keys();
        session.carry();
        result.plain = result.said.size();
        if (role == Role::Server) {
            session.say(ssh::encode_service_request("ssh-userauth"));
            session.say(session.signed_request());
            const auto* asked = session.last<ssh::AuthRequested>();
            if (alive() && asked != nullptr && asked->method == ssh::AuthRequested::Method::PublicKey) {
                (void)session.submit(ssh::AcceptAuth{asked->ticket});
            }
        } else {
            session.say(ssh::encode_service_accept("ssh-userauth"));
            if (alive() && session.count<ssh::AuthMethodsOffered>() > 0) {
                (void)session.submit(ssh::TryPassword{Secret(base::view("x")), {}});
            }
            session.say(ssh::encode_userauth_success());
        }
        session.say(RawSession::open_channel(3));
    }
    // A length that grew waits for more than was said: it gets more than any packet may have.
    if (flip != SIZE_MAX) session.feed(Bytes(wire::limits::kPacket + 64));
    result.over = session.engine().over();
    result.signed_in = session.engine().authenticated() && session.count<ssh::ChannelOpenRequested>() == 1;
    result.session_id = base::to_bytes(session.engine().session_id());
    return result;
}

/// Where the padding of packets that are not encrypted stands.
std::vector<bool> unread(const Run& run) {
    std::vector<bool> out(run.said.size(), false);
    const auto byte = [&](std::size_t at) { return std::to_integer<std::size_t>(run.said[at]); };
    std::size_t at = 0;
    while (run.said[at++] != std::byte{'\n'}) {
    }
    while (at < run.plain) {
        const std::size_t length = byte(at + 2) << 8 | byte(at + 3);
        for (std::size_t i = at + 4 + length - byte(at + 4); i < at + 4 + length; ++i) out[i] = true;
        at += 4 + length;
    }
    EXPECT_EQ(at, run.plain);
    return out;
}

void flip_all(const RawPeer::Options& options, std::size_t bits_of_each_byte, std::size_t stride = 1) {
    for (const Role role : {Role::Server, Role::Client}) {
        const Run good = run(role, options);
        ASSERT_TRUE(good.signed_in);
        const std::vector<bool> padding = unread(good);
        std::size_t seen = 0;
        for (std::size_t byte = 0; byte < good.said.size(); byte += stride) {
            for (std::size_t i = 0; i < bits_of_each_byte; ++i) {
                const std::size_t bit = byte * 8 + (bits_of_each_byte == 8 ? i : (byte * 3 + i) % 8);
                const Run bad = run(role, options, bit);
                if (padding[byte]) {
                    ++seen;
                    EXPECT_TRUE(bad.signed_in) << bit;
                    EXPECT_EQ(bad.session_id, good.session_id) << bit;
                } else {
                    EXPECT_TRUE(bad.over) << "bit " << bit << " of " << good.said.size() * 8;
                    EXPECT_FALSE(bad.signed_in) << "bit " << bit << " of " << good.said.size() * 8;
                }
            }
        }
        EXPECT_GE(seen, 3U) << "three packets have four bytes of padding each, at least";
    }
}

TEST(BitFlips, EveryBitOfAHandshakeEndsTheConnection) { flip_all({}, kSlow ? 1 : 8); }

class BitFlipsOfEverySuite : public ::testing::TestWithParam<RawPeer::Options> {};

TEST_P(BitFlipsOfEverySuite, EveryByteOfAHandshakeEndsTheConnection) { flip_all(GetParam(), 1, kSlow ? 3 : 1); }

INSTANTIATE_TEST_SUITE_P(All, BitFlipsOfEverySuite,
    ::testing::Values(RawPeer::Options{.strict = false}, RawPeer::Options{.cipher = "chacha20-poly1305@openssh.com"},
        RawPeer::Options{.cipher = "chacha20-poly1305@openssh.com", .strict = false},
        RawPeer::Options{.kex = "ecdh-sha2-nistp256", .cipher = "aes128-ctr", .mac = "hmac-sha2-256-etm@openssh.com"},
        RawPeer::Options{.cipher = "aes256-ctr", .mac = "hmac-sha2-512", .strict = false},
        RawPeer::Options{.cipher = "aes256-gcm@openssh.com", .ext_info = false}),
    [](const auto& test) {
        std::string name =
            test.param.kex + "_" + test.param.cipher + "_" + test.param.mac + (test.param.strict ? "" : "_not_strict");
        std::ranges::replace_if(name, [](char c) { return c == '-' || c == '@' || c == '.'; }, '_');
        return name;
    });

}  // namespace
}  // namespace sekisho
