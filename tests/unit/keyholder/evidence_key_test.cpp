// What the evidence key signs, what it refuses, and what it still knows after a restart.
#include "keyholder/evidence_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "keyholder/keyring.h"

namespace sekisho::keyholder {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const auto kNow = base::from_unix_milliseconds(1'800'000'000'123);

evidence::Digest filled(int with) {
    evidence::Digest digest{};
    digest.fill(static_cast<std::byte>(with));
    return digest;
}

class EvidenceKeyTest : public testing::Test {
protected:
    EvidenceKeyTest() {
        std::string name = (fs::temp_directory_path() / "sekisho-evidence-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
    }
    ~EvidenceKeyTest() override { fs::remove_all(m_folder); }

    std::string path() const { return m_folder + "/evidence_ed25519"; }
    EvidenceKey load() const {
        auto key = EvidenceKey::load(path());
        EXPECT_TRUE(key.has_value()) << key.error().full();
        return std::move(*key);
    }
    /// The statement, signed and checked; or the refusal.
    static std::string sign(const EvidenceKey& key, std::uint64_t sequence, int hash) {
        const auto answer = key.sign(SignCheckpoint{sequence, filled(hash)}, kNow);
        if (!answer) return answer.error().text;
        const auto made = decode_checkpoint(*answer);
        if (!made) return made.error().full();
        evidence::EvidenceKeys keys;
        (void)keys.add(*key.public_key());
        const evidence::Signed<evidence::Checkpoint> checkpoint{
            {sequence, filled(hash), made->before, made->before_hash, made->time}, key.public_key()->fingerprint(),
            made->signature};
        EXPECT_EQ(made->time, kNow);
        EXPECT_TRUE(keys.verify(checkpoint));
        return "signed, before " + std::to_string(made->before) + ":" + base::hex(made->before_hash).substr(0, 2);
    }

    std::string m_folder;
};

TEST_F(EvidenceKeyTest, IsMadeWhereItIsMissingAndKept) {
    const auto first = load();
    ASSERT_TRUE(first.public_key());
    struct stat facts{};
    ASSERT_EQ(::stat(path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600U);
    EXPECT_EQ(load().public_key()->fingerprint(), first.public_key()->fingerprint());
    const auto none = EvidenceKey::load(m_folder + "/nowhere/key");  // cannot be made
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->public_key());
    EXPECT_THAT(none->sign(SignCheckpoint{1, {}}, kNow).error().text, HasSubstr("no evidence key"));
}

TEST_F(EvidenceKeyTest, SignsNoPositionBelowOneThatItSigned) {
    const auto key = load();
    EXPECT_EQ(sign(key, 5, 1), "signed, before 0:00");
    EXPECT_EQ(sign(key, 9, 2), "signed, before 5:01");
    EXPECT_EQ(sign(key, 9, 2), "signed, before 9:02");
    EXPECT_THAT(sign(key, 9, 3), HasSubstr("had another hash"));
    EXPECT_THAT(sign(key, 8, 2), HasSubstr("some were cut off"));
    EXPECT_THAT(sign(key, 0, 2), HasSubstr("nothing"));
    // Nor does the next keyholder.
    const auto next = load();
    EXPECT_THAT(sign(next, 8, 2), HasSubstr("some were cut off"));
    EXPECT_EQ(sign(next, 10, 4), "signed, before 9:02");
    std::ofstream(path() + ".signed") << "10:zz";
    EXPECT_FALSE(EvidenceKey::load(path()).has_value());
}

TEST_F(EvidenceKeyTest, SignsRootsOfRecordings) {
    const auto key = load();
    const auto answer = key.sign(SignRecordings{3, filled(7)}, kNow);
    ASSERT_TRUE(answer);
    const auto made = decode_root(*answer);
    ASSERT_TRUE(made);
    evidence::EvidenceKeys keys;
    ASSERT_TRUE(keys.add(*key.public_key()));
    evidence::Signed<evidence::RecordingsRoot> root{
        {3, filled(7), made->time}, key.public_key()->fingerprint(), made->signature};
    EXPECT_TRUE(keys.verify(root));
    root.statement.count = 4;
    EXPECT_FALSE(keys.verify(root));
    EXPECT_FALSE(key.sign(SignRecordings{0, filled(7)}, kNow));
}

TEST_F(EvidenceKeyTest, TheKeyringAnswersAndNamesIt) {
    const auto make = [] { return keys::PrivateKey::generate(keys::KeyKind::Ed25519); };
    Keyring ring({make()}, make());
    EXPECT_TRUE(ring.public_parts().evidence.empty());
    EXPECT_FALSE(ring.answer(SignCheckpoint{1, filled(1)}, kNow));
    const auto key = make();
    ring.sign_evidence_with(key);
    EXPECT_EQ(ring.public_parts().evidence, base::to_bytes(key.public_key().blob()));
    EXPECT_TRUE(ring.answer(SignCheckpoint{1, filled(1)}, kNow));
    EXPECT_TRUE(ring.answer(SignRecordings{1, filled(1)}, kNow));
    // It certifies nobody, and nobody certifies it.
    CertificateWish wish;
    wish.key = base::to_bytes(key.public_key().blob());
    wish.principals = {"ubuntu"};
    EXPECT_THAT(ring.answer(wish, kNow).error().text, HasSubstr("own keys"));
}

TEST_F(EvidenceKeyTest, TheProtocolCarriesBoth) {
    const auto through = [](const Request& request) {
        const Bytes frame = encode(7, request);
        return decode_request(BytesView(frame).subspan(kFrameHeader));
    };
    const auto checkpoint = through(SignCheckpoint{12, filled(3)});
    ASSERT_TRUE(checkpoint);
    EXPECT_EQ(std::get<SignCheckpoint>(checkpoint->request).sequence, 12U);
    EXPECT_EQ(std::get<SignCheckpoint>(checkpoint->request).hash, filled(3));
    const auto recordings = through(SignRecordings{12, filled(3)});
    ASSERT_TRUE(recordings);
    EXPECT_EQ(std::get<SignRecordings>(recordings->request).count, 12U);
    Bytes shorter = encode(7, SignCheckpoint{12, filled(3)});
    shorter.pop_back();
    EXPECT_FALSE(decode_request(BytesView(shorter).subspan(kFrameHeader)));
}

}  // namespace
}  // namespace sekisho::keyholder
