// Signed ends: recordings that end together share a signature, each is checked alone with the public key, and what a killed or keyless
// gateway left unsigned is signed by the next one.
#include "recording/signing.h"

#include <gmock/gmock.h>

#include <sys/wait.h>

#include <atomic>
#include <set>
#include <thread>

#include "keys/private_key.h"
#include "recording/check.h"
#include "recording/folder.h"
#include "recording/listing.h"
#include "tests/unit/recording/fixture.h"

namespace sekisho::recording {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// Signs as the keyholder does, and counts.
struct Signer {
    keys::PrivateKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    std::atomic<int> signatures = 0;
    std::atomic<bool> away = false;

    EndSigner signer() {
        return {key.public_key().fingerprint(),
            [this](const evidence::Digest& root, std::uint32_t count) -> Result<evidence::Signed<evidence::RecordingsRoot>> {
                if (away) return fail("there is no keyholder");
                ++signatures;
                const evidence::RecordingsRoot said{count, root, base::from_unix_milliseconds(1'795'324'560'000)};
                return evidence::Signed<evidence::RecordingsRoot>{said, key.public_key().fingerprint(),
                    *evidence::raw_signature(*key.sign("ssh-ed25519", evidence::message(said)))};
            }};
    }
    evidence::EvidenceKeys keys() const {
        evidence::EvidenceKeys keys;
        (void)keys.add(key.public_key());
        return keys;
    }
};

CheckedRecording checked(const std::string& path, const Signer& signer) {
    FolderCheck check({.keys = signer.keys(), .now = std::chrono::system_clock::now()});
    return check.check(std::filesystem::path(path).stem().string(), path, Reader::open(path));
}

TEST(Signing, RecordingsThatEndTogetherShareASignature) {
    RecordProperty("row", "F2");
    const TemporaryFolder folder;
    Signer signer;
    std::vector<std::string> paths;
    {
        const auto recordings = make_recordings(folder.path(), {}, signer.signer());
        for (int i = 0; i < 20; ++i) {
            Session session(*recordings, facts_of("alice" + std::to_string(i)));
            session->data(0, Stream::Output, base::view("on disk"), std::chrono::steady_clock::now());
            ASSERT_TRUE(session.finish());
            paths.push_back(path_in(folder.path(), session.key));
            ASSERT_TRUE(session.written);
            EXPECT_EQ(session.written->size, file_bytes(paths.back()).size());
        }
    }
    EXPECT_LE(signer.signatures, 3);  // one, and more only where a second passed in between
    std::set<std::uint32_t> indexes;
    for (const std::string& path : paths) {
        EXPECT_TRUE(has_end(path));
        EXPECT_TRUE(has_signature(path));
        const auto one = checked(path, signer);
        EXPECT_EQ(one.state, CheckedRecording::State::Intact) << (one.findings.empty() ? "" : one.findings[0].text);
        EXPECT_EQ(one.signing, CheckedRecording::Signing::Signed);
        EXPECT_TRUE(describe(folder.path(), path)->has_signature);
        ASSERT_TRUE(one.found.signature);
        indexes.insert(one.found.signature->index);
        EXPECT_EQ(checked(path, Signer()).signing, CheckedRecording::Signing::Bad);  // another gateway's key
    }
    EXPECT_GE(indexes.size(), 7U);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        EXPECT_FALSE(entry.path().filename().string().starts_with(".writer-"))
            << "the lock of a gateway that left nothing undone";
}

TEST(Signing, WhatCouldNotBeSignedIsSignedByTheNextGateway) {
    const TemporaryFolder folder;
    Signer signer;
    signer.away = true;
    std::string path;
    {
        const auto recordings = make_recordings(folder.path(), {}, signer.signer());
        Session session(*recordings, facts_of("alice"));
        ASSERT_TRUE(session.finish());
        path = path_in(folder.path(), session.key);
    }
    EXPECT_TRUE(has_end(path));
    EXPECT_FALSE(has_signature(path));
    const auto promised = checked(path, signer);
    EXPECT_EQ(promised.signing, CheckedRecording::Signing::Unsigned);
    ASSERT_FALSE(promised.findings.empty());
    EXPECT_THAT(promised.findings[0].text, HasSubstr("its signature is missing"));
    const auto written = promised.found.written;
    EXPECT_TRUE(mark_cut(folder.path(), signer.signer()).empty());  // still away: the lock stays
    EXPECT_FALSE(has_signature(path));
    signer.away = false;
    EXPECT_TRUE(mark_cut(folder.path(), signer.signer()).empty());  // it was not cut
    EXPECT_TRUE(has_signature(path));
    EXPECT_EQ(checked(path, signer).signing, CheckedRecording::Signing::Signed);
    EXPECT_EQ(checked(path, signer).found.written, written);
    EXPECT_TRUE(mark_cut(folder.path(), signer.signer()).empty());
    EXPECT_EQ(signer.signatures, 1);
}

TEST(Signing, ACutRecordingIsSignedWithItsMark) {
    const TemporaryFolder folder;
    Signer signer;
    const pid_t child = ::fork();
    if (child == 0) {
        const auto recordings = make_recordings(folder.path(), {}, signer.signer());
        Session session(*recordings, facts_of("alice"));
        session->data(0, Stream::Output, base::view("on disk"), std::chrono::steady_clock::now());
        while (!Reader::open(path_in(folder.path(), session.key))->next()) std::this_thread::yield();
        ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto marked = mark_cut(folder.path(), signer.signer());
    ASSERT_EQ(marked.size(), 1U);
    const auto one = checked(path_in(folder.path(), marked[0].audit_key), signer);
    EXPECT_EQ(one.state, CheckedRecording::State::Incomplete);
    EXPECT_EQ(one.signing, CheckedRecording::Signing::Signed);
    EXPECT_EQ(one.found.written, marked[0].written);
    EXPECT_TRUE(one.findings.empty());
}

TEST(Signing, AKeylessGatewaySignsNothingAndPromisesNothing) {
    const TemporaryFolder folder;
    std::string path;
    {
        const auto recordings = make_recordings(folder.path());
        Session session(*recordings, facts_of("alice"));
        ASSERT_TRUE(session.finish());
        path = path_in(folder.path(), session.key);
    }
    FolderCheck no_key({.now = std::chrono::system_clock::now()});
    const std::string name = std::filesystem::path(path).stem().string();
    const auto one = no_key.check(name, path, Reader::open(path));
    EXPECT_EQ(one.state, CheckedRecording::State::Intact);
    EXPECT_EQ(recording::name(one.signing), "not signed");
    const Signer signer;
    EXPECT_THAT(checked(path, signer).findings.at(0).text, HasSubstr("--allow-unsigned"));
    FolderCheck old({.keys = signer.keys(), .unsigned_is_fine = true, .now = std::chrono::system_clock::now()});
    EXPECT_TRUE(old.check(name, path, Reader::open(path)).findings.empty());
}

TEST(Signing, ASignatureIsWrittenAndReadAlike) {
    EndSignature signature{
        .key = "SHA256:abc", .count = 9, .index = 8, .path = {evidence::Digest{}}, .time = base::from_unix_milliseconds(7)};
    signature.signature[5] = std::byte{9};
    const std::string text = encode_signature(signature);
    const auto read = decode_signature(text);
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(encode_signature(*read), text);
    EXPECT_TRUE(read->statement({}));
    for (const char* wrong : {"", "{}", "[]", "{\"count\":1}"}) EXPECT_FALSE(decode_signature(wrong)) << wrong;
    auto beyond = signature;
    beyond.index = 9;
    EXPECT_FALSE(decode_signature(encode_signature(beyond)));
    beyond = signature;
    beyond.path.resize(33);
    EXPECT_FALSE(decode_signature(encode_signature(beyond)));
}

}  // namespace
}  // namespace sekisho::recording
