// The protocol's bytes: what one end writes the other reads, and nothing that is cut, longer than announced or over a bound.
#include "keyholder/messages.h"

#include <gtest/gtest.h>

#include "wire/writer.h"

namespace sekisho::keyholder {
namespace {

CertificateWish wish() {
    CertificateWish out;
    out.key = Bytes(51, std::byte{7});
    out.principals = {"ubuntu", "deploy"};
    out.key_id = "user=alice session=1";
    out.back = std::chrono::seconds(3);
    out.critical_options = {{"source-address", "192.0.2.0/24"}};
    out.extensions = {{"permit-pty", ""}};
    return out;
}

BytesView payload(BytesView frame) { return frame.subspan(kFrameHeader); }

std::vector<Bytes> requests() {
    return {encode(1, SignExchange{2, "ssh-ed25519", Bytes(32, std::byte{1})}),
        encode(2, ProveHostKey{0, "rsa-sha2-512", Bytes(64, std::byte{2})}), encode(0xffffffffffffffff, wish()),
        encode(4, HostCertificateWish{3, {"web1", "fd00::1"}, "target web1", std::chrono::seconds(60), std::chrono::seconds(5)})};
}

TEST(KeyholderMessages, ARequestIsReadAsItWasWritten) {
    const auto exchange = decode_request(payload(requests()[0])).value();
    EXPECT_EQ(exchange.ticket, 1u);
    EXPECT_EQ(std::get<SignExchange>(exchange.request).key, 2u);
    EXPECT_EQ(std::get<SignExchange>(exchange.request).algorithm, "ssh-ed25519");
    EXPECT_EQ(std::get<SignExchange>(exchange.request).hash.size(), 32u);
    const auto certify = decode_request(payload(requests()[2])).value();
    EXPECT_EQ(certify.ticket, 0xffffffffffffffffu);
    const auto& got = std::get<CertificateWish>(certify.request);
    EXPECT_EQ(got.key, wish().key);
    EXPECT_EQ(got.principals, wish().principals);
    EXPECT_EQ(got.key_id, wish().key_id);
    EXPECT_EQ(got.ahead, kCertificateMostAhead);
    EXPECT_EQ(got.back, std::chrono::seconds(3));
    EXPECT_EQ(got.critical_options.at(0).value, "192.0.2.0/24");
    EXPECT_EQ(got.extensions.at(0).name, "permit-pty");
    const auto host = std::get<HostCertificateWish>(decode_request(payload(requests()[3]))->request);
    EXPECT_EQ(host.key, 3u);
    EXPECT_EQ(host.names, (std::vector<std::string>{"web1", "fd00::1"}));
    EXPECT_EQ(host.key_id, "target web1");
    EXPECT_EQ(host.ahead, std::chrono::seconds(60));
    EXPECT_EQ(host.back, std::chrono::seconds(5));
}

TEST(KeyholderMessages, EveryRequestThatIsCutOrHasMoreBehindItIsRefused) {
    for (const Bytes& frame : requests()) {
        for (std::size_t size = 0; size < payload(frame).size(); ++size) {
            EXPECT_FALSE(decode_request(payload(frame).first(size)).has_value()) << size;
        }
        Bytes longer(payload(frame).begin(), payload(frame).end());
        longer.push_back(std::byte{0});
        EXPECT_FALSE(decode_request(longer).has_value());
        EXPECT_EQ(ticket_of(longer), decode_request(payload(frame))->ticket);
    }
}

TEST(KeyholderMessages, CountsAndLengthsAreNotBelieved) {
    EXPECT_FALSE(decode_request(wire::Writer().u64(1).byte(9).take()).has_value());
    EXPECT_FALSE(decode_request(wire::Writer().u64(1).byte(3).string("key").u32(0xffffffff).take()).has_value());
    EXPECT_FALSE(decode_request(wire::Writer().u64(1).byte(4).u32(0).u32(0xffffffff).take()).has_value());
    EXPECT_FALSE(
        decode_request(wire::Writer().u64(1).byte(1).u32(0).string("ssh-ed25519").string(Bytes(65)).take()).has_value());
    EXPECT_FALSE(decode_hello(wire::Writer().byte(1).u32(0xffffffff).take()).has_value());
    EXPECT_FALSE(decode_reply(wire::Writer().u64(1).byte(3).string("").take()).has_value());
    EXPECT_FALSE(decode_reply(wire::Writer().u64(1).byte(1).u32(0xffffffff).take()).has_value());
}

TEST(KeyholderMessages, AFrameIsWholeOrNotThereYetOrOverItsLimit) {
    const Bytes frame = requests()[0];
    for (std::size_t size = 0; size < frame.size(); ++size) {
        const auto part = next_frame(BytesView(frame).first(size), kMostRequest);
        ASSERT_TRUE(part.has_value());
        EXPECT_FALSE(part->has_value());
    }
    EXPECT_EQ(next_frame(frame, kMostRequest)->value().size(), payload(frame).size());
    EXPECT_FALSE(next_frame(wire::Writer().u32(kMostRequest + 1).take(), kMostRequest).has_value());
    EXPECT_FALSE(next_frame(wire::Writer().u32(0xffffffff).take(), kMostRequest).has_value());
}

TEST(KeyholderMessages, RepliesAndGreetings) {
    const auto done = decode_reply(payload(encode(Reply{5, Bytes(3, std::byte{9})}))).value();
    EXPECT_EQ(done.ticket, 5u);
    EXPECT_EQ(done.answer.value(), Bytes(3, std::byte{9}));
    const auto refused = decode_reply(payload(encode(Reply{6, fail("no", "because")}))).value();
    EXPECT_EQ(refused.answer.error().text, "no (because)");

    PublicParts parts;
    parts.host_keys = {
        {Bytes(51, std::byte{1}), {"ssh-ed25519"}}, {Bytes(400, std::byte{2}), {"rsa-sha2-512", "rsa-sha2-256"}}};
    parts.user_ca = {Bytes(51, std::byte{3}), Bytes(52, std::byte{4}), {}};
    const Bytes hello = encode(Result<PublicParts>(parts));
    EXPECT_EQ(decode_hello(payload(hello)).value(), parts);
    for (std::size_t size = 0; size < payload(hello).size(); ++size) {
        EXPECT_FALSE(decode_hello(payload(hello).first(size)).has_value());
    }
    const auto cannot = decode_hello(payload(encode(Result<PublicParts>(fail("cannot open it", "ENOENT")))));
    EXPECT_EQ(cannot.error().full(), "cannot open it (ENOENT)");
}

}  // namespace
}  // namespace sekisho::keyholder
