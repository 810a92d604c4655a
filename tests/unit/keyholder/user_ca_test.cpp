// The user CA's steps: what may follow what, what the files hold behind each, and what is made of files that a crash left in between.
#include "keyholder/user_ca.h"

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
using model::CaStep;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class UserCaTest : public testing::Test {
protected:
    UserCaTest() {
        std::string name = (fs::temp_directory_path() / "sekisho-ca-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
        EXPECT_TRUE(keys::save_private_key(path(), keys::PrivateKey::generate(keys::KeyKind::Ed25519), "sekisho user CA")
                .has_value());
    }
    ~UserCaTest() override { fs::remove_all(m_folder); }

    std::string path(const std::string& ending = {}) const { return m_folder + "/ca" + ending; }
    UserCa load() const {
        auto ca = UserCa::load(path());
        EXPECT_TRUE(ca.has_value()) << ca.error().full();
        return std::move(*ca);
    }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(m_folder)) names.push_back(entry.path().filename());
        return names;
    }
    /// The blob in a file of public lines, or nothing.
    Bytes pub(const std::string& ending) const {
        std::ifstream file(path(ending));
        std::string line;
        std::getline(file, line);
        const auto key = keys::PublicKey::from_line(line);
        return key ? base::to_bytes(key->blob()) : Bytes();
    }
    static std::string refusal(UserCa& ca, CaStep step) {
        const auto taken = ca.take(step);
        return taken ? "taken" : taken.error().text;
    }
    /// What is in memory is what the files hold, halves of one pair, and nobody else may read the private ones.
    void whole(const UserCa& ca) const {
        const UserCaKeys keys = ca.public_keys();
        EXPECT_EQ(pub(".pub"), keys.signing);
        EXPECT_EQ(pub(".next.pub"), keys.next);
        EXPECT_EQ(pub(".old.pub"), keys.old);
        EXPECT_EQ(load().public_keys(), keys);
        for (const std::string& name : UserCa::files(path())) {
            struct stat facts{};
            if (::stat(name.c_str(), &facts) != 0) continue;
            EXPECT_EQ(facts.st_mode & 0777, 0600u) << name;
        }
    }

    std::string m_folder;
};

TEST_F(UserCaTest, PublishActivateRetire) {
    UserCa ca = load();
    const Bytes first = ca.public_keys().signing;
    ASSERT_TRUE(ca.take(CaStep::Publish).has_value());
    whole(ca);
    const Bytes second = ca.public_keys().next;
    EXPECT_EQ(ca.public_keys(), (UserCaKeys{first, second, {}}));
    EXPECT_NE(first, second);
    ASSERT_TRUE(ca.take(CaStep::Activate).has_value());
    whole(ca);
    EXPECT_EQ(ca.public_keys(), (UserCaKeys{second, {}, first}));
    ASSERT_TRUE(ca.take(CaStep::Retire).has_value());
    whole(ca);
    EXPECT_EQ(ca.public_keys(), (UserCaKeys{second, {}, {}}));
    EXPECT_THAT(files(), UnorderedElementsAre("ca", "ca.pub"));
    ASSERT_TRUE(ca.take(CaStep::Publish).has_value());  // and again
    whole(ca);
}

TEST_F(UserCaTest, StepsOutOfTurnAreRefusedAndChangeNothing) {
    UserCa ca = load();
    const UserCaKeys before = ca.public_keys();
    EXPECT_THAT(refusal(ca, CaStep::Activate), HasSubstr("no next key is published; `sekisho ca rotate`"));
    EXPECT_THAT(refusal(ca, CaStep::Retire), HasSubstr("there is no old key"));
    EXPECT_THAT(refusal(ca, CaStep::Drop), HasSubstr("there is no next key"));
    EXPECT_THAT(refusal(ca, static_cast<CaStep>(9)), HasSubstr("no such step"));
    EXPECT_EQ(ca.public_keys(), before);
    ASSERT_TRUE(ca.take(CaStep::Publish).has_value());
    EXPECT_THAT(refusal(ca, CaStep::Publish), HasSubstr("published already"));
    EXPECT_THAT(refusal(ca, CaStep::Retire), HasSubstr("--activate"));
    ASSERT_TRUE(ca.take(CaStep::Activate).has_value());
    EXPECT_THAT(refusal(ca, CaStep::Publish), HasSubstr("--finish"));
    EXPECT_THAT(refusal(ca, CaStep::Activate), HasSubstr("no next key"));
    whole(ca);
}

TEST_F(UserCaTest, ADroppedKeyLeavesAllAsItWas) {
    UserCa ca = load();
    const UserCaKeys before = ca.public_keys();
    ASSERT_TRUE(ca.take(CaStep::Publish).has_value());
    ASSERT_TRUE(ca.take(CaStep::Drop).has_value());
    whole(ca);
    EXPECT_EQ(ca.public_keys(), before);
    EXPECT_THAT(files(), UnorderedElementsAre("ca", "ca.pub"));
}

TEST_F(UserCaTest, ACrashWhilePublishing) {
    ASSERT_TRUE(keys::save_private_key(path(".next"), keys::PrivateKey::generate(keys::KeyKind::Ed25519), "").has_value());
    fs::remove(path(".next.pub"));  // it is written last
    const UserCa ca = load();
    EXPECT_TRUE(ca.public_keys().next.empty());
    EXPECT_THAT(files(), UnorderedElementsAre("ca", "ca.pub"));
}

TEST_F(UserCaTest, APublicationThatFailedCanBeRepeated) {
    UserCa ca = load();
    std::ofstream(path(".next")) << "half of a key";  // the disk was full
    ASSERT_TRUE(ca.take(CaStep::Publish).has_value());
    whole(ca);
}

TEST_F(UserCaTest, ACrashBeforeTheKeysChangePlaces) {
    ASSERT_TRUE(load().take(CaStep::Publish).has_value());
    const UserCaKeys before = load().public_keys();
    fs::create_hard_link(path(), path(".old"));
    fs::create_hard_link(path(".pub"), path(".old.pub"));
    UserCa ca = load();
    EXPECT_EQ(ca.public_keys(), before);
    whole(ca);
    ASSERT_TRUE(ca.take(CaStep::Activate).has_value());
    whole(ca);
}

TEST_F(UserCaTest, ACrashBehindIt) {
    ASSERT_TRUE(load().take(CaStep::Publish).has_value());
    const UserCaKeys before = load().public_keys();
    fs::create_hard_link(path(), path(".old"));
    fs::create_hard_link(path(".pub"), path(".old.pub"));
    fs::rename(path(".next"), path());
    const UserCa ca = load();
    EXPECT_EQ(ca.public_keys(), (UserCaKeys{before.next, {}, before.signing}));
    whole(ca);
}

TEST_F(UserCaTest, ACrashWhileRetiringOrDropping) {
    UserCa ca = load();
    ASSERT_TRUE(ca.take(CaStep::Publish).has_value());
    ASSERT_TRUE(ca.take(CaStep::Activate).has_value());
    fs::remove(path(".old"));
    whole(load());
    EXPECT_THAT(files(), UnorderedElementsAre("ca", "ca.pub"));
    UserCa again = load();
    ASSERT_TRUE(again.take(CaStep::Publish).has_value());
    fs::remove(path(".next.pub"));
    whole(load());
    EXPECT_THAT(files(), UnorderedElementsAre("ca", "ca.pub"));
}

TEST_F(UserCaTest, AFileThatOthersMayReadEndsTheStart) {
    ASSERT_TRUE(load().take(CaStep::Publish).has_value());
    ::chmod(path(".next").c_str(), 0644);
    const auto ca = UserCa::load(path());
    ASSERT_FALSE(ca.has_value());
    EXPECT_THAT(ca.error().text, HasSubstr("CA key: "));
    EXPECT_THAT(ca.error().text, HasSubstr("0600"));
}

TEST_F(UserCaTest, TheRingSignsWithWhatSigns) {
    ASSERT_TRUE(
        keys::save_private_key(m_folder + "/host", keys::PrivateKey::generate(keys::KeyKind::Ed25519), "").has_value());
    const auto ring = Keyring::load({{m_folder + "/host"}, path()});
    ASSERT_TRUE(ring.has_value()) << ring.error().full();
    CertificateWish wish;
    wish.key = base::to_bytes(keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key().blob());
    wish.principals = {"ubuntu"};
    const auto signed_by = [&] {
        const auto certificate = ring->answer(wish, std::chrono::system_clock::now());
        EXPECT_TRUE(certificate.has_value()) << certificate.error().full();
        return base::to_bytes(keys::Certificate::from_blob(*certificate).value().authority().blob());
    };
    const Bytes first = ring->public_parts().user_ca.signing;
    EXPECT_EQ(signed_by(), first);
    const auto published = ring->answer(ChangeUserCa{CaStep::Publish}, {});
    ASSERT_TRUE(published.has_value()) << published.error().full();
    const UserCaKeys keys = decode_user_ca(*published).value();
    EXPECT_EQ(keys, ring->public_parts().user_ca);
    EXPECT_EQ(signed_by(), first);
    CertificateWish for_ours = wish;
    for_ours.key = keys.next;
    EXPECT_THAT(ring->answer(for_ours, {}).error().text, HasSubstr("own keys"));
    ASSERT_TRUE(ring->answer(ChangeUserCa{CaStep::Activate}, {}).has_value());
    EXPECT_EQ(signed_by(), keys.next);
    EXPECT_THAT(ring->answer(ChangeUserCa{CaStep::Publish}, {}).error().text, HasSubstr("--finish"));
    // Whoever signs for hosts must never sign for users, under no name.
    EXPECT_THAT(Keyring::load({{path(".old")}, path()}).error().text, HasSubstr("is the user CA's key, too"));
}

}  // namespace
}  // namespace sekisho::keyholder
