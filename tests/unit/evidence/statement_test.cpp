// What is signed, byte by byte; records and texts that carry it, and what is not taken for one.
#include "evidence/statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evidence/recorded.h"
#include "tests/unit/evidence/chain_fixture.h"

namespace sekisho::evidence {
namespace {

using ::testing::HasSubstr;

Digest filled(int with) {
    Digest digest{};
    digest.fill(static_cast<std::byte>(with));
    return digest;
}

const auto kTime = base::from_unix_milliseconds(0x0102030405);

TEST(Statement, MessagesAreWhatTheDocumentSays) {
    const std::string hash = base::hex(filled(0xaa));
    EXPECT_EQ(base::hex(message(Checkpoint{7, filled(0xaa), 5, filled(0xbb), kTime})),
        "0000001a" + base::hex(base::view("sekisho audit checkpoint 1")) + "0000000000000007" + hash + "0000000000000005" +
            base::hex(filled(0xbb)) + "0000000102030405");
    EXPECT_EQ(base::hex(message(RecordingsRoot{9, filled(0xaa), kTime})),
        "00000014" + base::hex(base::view("sekisho recordings 1")) + "00000009" + hash + "0000000102030405");
}

TEST(Statement, ACheckpointSurvivesItsRecord) {
    const testing::Chain chain("a");
    const auto made = chain.sign(Checkpoint{7, filled(1), 5, filled(2), kTime});
    const auto record = checkpoint_record(made);
    EXPECT_EQ(record.kind, "audit.checkpoint");
    EXPECT_EQ(record.subject, "7");
    const auto read = read_checkpoint(record);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->statement, made.statement);
    EXPECT_EQ(read->signature, made.signature);
    EXPECT_TRUE(chain.keys().verify(*read));
    for (const char* member : {"hash=", "before=", "time=", "signature="}) {
        model::AuditRecord without = record;
        without.reason.replace(without.reason.find(member), 2, "no");
        EXPECT_FALSE(read_checkpoint(without)) << member;
    }
    model::AuditRecord odd = record;
    odd.subject = "7x";
    EXPECT_FALSE(read_checkpoint(odd));
    // Every part of the statement is under the signature.
    for (auto* change : {+[](Checkpoint& c) { ++c.sequence; }, +[](Checkpoint& c) { c.hash[0] ^= std::byte{1}; },
             +[](Checkpoint& c) { --c.before; }, +[](Checkpoint& c) { c.before_hash[31] ^= std::byte{1}; },
             +[](Checkpoint& c) { c.time += std::chrono::milliseconds(1); }}) {
        auto other = *read;
        change(other.statement);
        EXPECT_FALSE(chain.keys().verify(other));
    }
}

TEST(EvidenceKeys, AreLinesOfEd25519) {
    const auto key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    const std::string line = key.public_key().line("sekisho evidence");
    const auto keys = EvidenceKeys::parse("# two gateways\n\n" + line + "\r\n" + line);
    ASSERT_TRUE(keys);
    EXPECT_TRUE(keys->knows(key.public_key().fingerprint()));
    EXPECT_FALSE(keys->knows("SHA256:x"));
    EXPECT_FALSE(EvidenceKeys::parse(""));
    EXPECT_FALSE(EvidenceKeys::parse("# nothing\n"));
    EXPECT_FALSE(EvidenceKeys::parse("ssh-ed25519 AAAA"));
    const auto other = keys::PrivateKey::generate(keys::KeyKind::EcdsaP256).public_key().line();
    EXPECT_THAT(EvidenceKeys::parse(other).error().text, HasSubstr("Ed25519"));
}

TEST(Recorded, SaysWhichAndWhatWasWritten) {
    const Written written{3, 702, filled(0xcd)};
    const std::string key = "2026-11-22_14-16-00_alice+2";
    const std::string text = recorded_text(key, written);
    EXPECT_EQ(text, key + " blocks=3 size=702 sha256=" + base::hex(filled(0xcd)));
    const auto read = read_recorded(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->audit_key, key);
    EXPECT_EQ(read->written, written);
    EXPECT_EQ(recorded_text(key), key);
    EXPECT_FALSE(read_recorded(key)->written);
    EXPECT_EQ(recorded_text("", written), "");
    for (const std::string& wrong : {std::string(), text + " ", text + "0", key + " size=702",
             text.substr(0, text.size() - 1), key + " blocks=x size=702 sha256=" + base::hex(filled(1))}) {
        EXPECT_FALSE(read_recorded(wrong)) << wrong;
    }
}

TEST(Position, IsSequenceAndHash) {
    const auto position = parse_position("12:" + base::hex(filled(3)));
    ASSERT_TRUE(position);
    EXPECT_EQ(position->sequence, 12U);
    EXPECT_EQ(position->hash, filled(3));
    for (const char* wrong : {"", ":", "12", "12:", "12:ab", "x:00"}) EXPECT_FALSE(parse_position(wrong)) << wrong;
}

}  // namespace
}  // namespace sekisho::evidence
