// Mistakes that other servers made at sign-in and behind it (docs/THREAT_MODEL.md), tried on a whole engine.
#include <gtest/gtest.h>

#include "tests/support/raw_session.h"

namespace sekisho {
namespace {

using ssh::Role;
using support::RawSession;
using support::Step;
using Method = ssh::AuthRequested::Method;

TEST(ServerMistakes, AnotherUserNameEndsTheConnection) {
    RawSession session({.role = Role::Server});
    session.advance_to(Step::Authenticating);
    ASSERT_TRUE(session.say(session.signed_request("alice")));
    // Partly signed in as alice, the client goes on as somebody else.
    (void)session.submit(ssh::RejectAuth{session.last<ssh::AuthRequested>()->ticket, {"publickey"}, true});
    EXPECT_FALSE(session.say(session.signed_request("root")));
    EXPECT_TRUE(session.engine().over());
    EXPECT_FALSE(session.engine().authenticated());
}

TEST(ServerMistakes, TheSignedKeyCountsNotTheOneOfferedBefore) {
    RawSession session({.role = Role::Server});
    session.advance_to(Step::Authenticating);
    const keys::PrivateKey other = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    // Offers one key, is told that it would do, and signs with another.
    const Bytes offer = wire::Writer().byte(50).string("alice").string("ssh-connection").string("publickey").boolean(false)
                            .string("ssh-ed25519").string(other.public_key().blob()).take();
    ASSERT_TRUE(session.say(offer));
    (void)session.submit(ssh::AcceptKeyQuery{session.last<ssh::AuthRequested>()->ticket});
    ASSERT_TRUE(session.peer().heard_message(60));
    ASSERT_TRUE(session.say(session.signed_request()));
    const auto* asked = session.last<ssh::AuthRequested>();
    EXPECT_EQ(asked->method, Method::PublicKey);
    EXPECT_TRUE(std::ranges::equal(asked->key_blob, RawSession::user_key().public_key().blob()));
    EXPECT_FALSE(session.engine().authenticated());
}

TEST(ServerMistakes, AKeepaliveOnAChannelIsAnsweredInItsOrder) {
    RawSession session({.role = Role::Server});
    session.advance_to(Step::Connected);
    session.say(RawSession::open_channel(7));
    const ssh::ChannelId id{0};
    (void)session.submit(ssh::AcceptChannel{id, {}});
    session.say(encode(ssh::ChannelRequestMessage{0, "exec", true, {}}));
    session.say(encode(ssh::ChannelRequestMessage{0, "keepalive@openssh.com", true, {}}));
    ASSERT_EQ(session.count<ssh::ChannelRequested>(), 2U);
    session.peer().heard.clear();
    (void)session.submit(ssh::ReplyRequest{id, true});
    (void)session.submit(ssh::ReplyRequest{id, false});
    ASSERT_EQ(session.peer().heard.size(), 2U);
    EXPECT_EQ(session.peer().heard[0], ssh::encode_channel_only(ssh::Message::ChannelSuccess, 7));
    EXPECT_EQ(session.peer().heard[1], ssh::encode_channel_only(ssh::Message::ChannelFailure, 7));
}

}  // namespace
}  // namespace sekisho
