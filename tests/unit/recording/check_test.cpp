// A folder of recordings and the audit records that name them, and a thousand random changes to one file of it: every one is found, and
// named. Offline: with the public key and the records, and with the public key alone what that can tell.
#include "recording/check.h"

#include <gmock/gmock.h>

#include <random>

#include "recording/folder.h"
#include "tests/unit/evidence/chain_fixture.h"
#include "tests/unit/recording/fixture.h"

namespace sekisho::recording {
namespace {

using namespace testing;
namespace fs = std::filesystem;

/// Recordings of sessions that wrote something, signed in batches, and named by the records of a chain.
class House {
public:
    House() {
        const EndSigner signer{m_chain.key().public_key().fingerprint(),
            [this](const evidence::Digest& root, std::uint32_t count) -> Result<evidence::Signed<evidence::RecordingsRoot>> {
                return m_chain.sign(evidence::RecordingsRoot{count, root, base::from_unix_milliseconds(1'795'324'560'000)});
            }};
        const auto recordings = make_recordings(m_folder.path(), {}, signer);
        for (int i = 0; i < 5; ++i) {
            SessionFacts facts = facts_of("user" + std::to_string(i));
            facts.started -= std::chrono::hours(1);
            Session session(*recordings, facts);
            session->channel_opened(
                {1, "session", "ubuntu@web1", "", model::RecordLevel::Full}, std::chrono::steady_clock::now());
            for (int n = 0; n <= i / 2; ++n) {  // a few blocks each
                const Bytes text(70'000, static_cast<std::byte>('a' + n));
                session->data(1, Stream::Output, text, std::chrono::steady_clock::now());
            }
            record("session.start", session.key, std::nullopt, facts.started);
            EXPECT_TRUE(session.finish());
            record("session.finish", session.key, session.written, facts.started);
            m_keys.push_back(session.key);
        }
    }

    const std::vector<std::string>& keys() const { return m_keys; }
    std::string path(const std::string& key) const { return path_in(m_folder.path(), key); }
    std::vector<evidence::Finding> findings(bool with_records = true) const {
        KnownRecordings known;
        for (const auto& entry : m_chain.records()) known.note(entry);
        FolderCheck check({.keys = m_chain.keys(),
            .known = with_records ? &known : nullptr,
            .folder = m_folder.path(),
            .now = std::chrono::system_clock::now() + std::chrono::hours(1)});
        std::vector<evidence::Finding> all;
        for (const std::string& file : all_recordings(m_folder.path())) {
            auto one = check.check(fs::path(file).stem().string(), file, Reader::open(file));
            all.insert(all.end(), one.findings.begin(), one.findings.end());
        }
        const auto missing = check.missing();
        all.insert(all.end(), missing.begin(), missing.end());
        return all;
    }

private:
    void record(std::string kind, const std::string& key, const std::optional<evidence::Written>& written, WallTime time) {
        model::AuditRecord entry;
        entry.time = time;
        entry.kind = std::move(kind);
        entry.outcome = "ok";
        entry.recording = evidence::recorded_text(key, written);
        m_chain.add(std::move(entry));
    }

    TemporaryFolder m_folder;
    evidence::testing::Chain m_chain{"a"};
    std::vector<std::string> m_keys;
};

/// Where each block begins, and the end of the last.
std::vector<std::size_t> blocks_of(const Bytes& bytes) {
    std::vector<std::size_t> at;
    std::size_t offset = format::kFileHeader;
    while (const auto header = format::decode(BytesView(bytes).subspan(offset))) {
        at.push_back(offset);
        offset += format::kBlockHeader + header->stored;
        if (offset >= bytes.size()) break;
    }
    at.push_back(offset);
    return at;
}

Bytes piece(const Bytes& bytes, std::size_t from, std::size_t to) {
    return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to)};
}

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

/// Computes every checksum anew, as a forger would who has no key.
void forge(Bytes& bytes) {
    format::Checksum last = format::chain_start();
    const auto at = blocks_of(bytes);
    for (std::size_t i = 0; i + 1 < at.size(); ++i) {
        const MutableBytes block = MutableBytes(bytes).subspan(at[i], at[i + 1] - at[i]);
        last = format::checksum(last, block.first(format::kBlockHeader), block.subspan(format::kBlockHeader));
        std::ranges::copy(last, block.begin() + format::kHashed);
    }
}

class Tamperer {
public:
    explicit Tamperer(const House& house) : m_house(house) {}

    /// One change to the house, by chance: what it was, and the names of which one must be found. Puts everything back when it goes.
    struct Change {
        std::string what;
        std::vector<std::string> names;
    };
    Change change() {
        const std::string& key = m_house.keys()[any(m_house.keys().size())];
        const std::string path = m_house.path(key);
        const Bytes bytes = keep(path);
        std::string other = key;
        while (other == key) other = m_house.keys()[any(m_house.keys().size())];
        const auto at = blocks_of(bytes);
        const std::size_t blocks = at.size() - 1;
        const std::size_t one = any(blocks);
        switch (any(11)) {
            case 0: {
                Bytes flipped = bytes;
                flipped[any(bytes.size())] ^= static_cast<std::byte>(1 << any(8));
                write_file(path, flipped);
                return {"a bit flipped", {key}};
            }
            case 1: write_file(path, piece(bytes, 0, any(bytes.size()))); return {"cut somewhere", {key}};
            case 2: write_file(path, piece(bytes, 0, at[one])); return {"cut between two blocks", {key}};
            case 3: {
                const Bytes theirs = keep(m_house.path(other));
                write_file(path, theirs);
                write_file(m_house.path(other), bytes);
                return {"two recordings exchanged", {key, other}};
            }
            case 4: fs::remove(path); return {"removed", {key}};
            case 5: {
                const std::string copy = key.substr(0, 20) + "copy";
                m_made = m_house.path(copy);
                write_file(m_made, bytes);
                return {"doubled under another name", {copy}};
            }
            case 6: write_file(path, file_bytes(m_house.path(other))); return {"replaced by another session's", {key}};
            case 7: {
                write_file(path, joined({piece(bytes, 0, at[one]), piece(bytes, at[one + 1], bytes.size())}));
                return {"a block dropped", {key}};
            }
            case 8: {
                const std::size_t to = at[any(at.size())];
                write_file(
                    path, joined({piece(bytes, 0, to), piece(bytes, at[one], at[one + 1]), piece(bytes, to, bytes.size())}));
                return {"a block doubled", {key}};
            }
            case 9: {  // the first one is the facts, and differs in any case
                const Bytes theirs = file_bytes(m_house.path(other));
                const auto there = blocks_of(theirs);
                const std::size_t which = any(there.size() - 1);
                write_file(path, joined({piece(bytes, 0, at[one]), piece(theirs, there[which], there[which + 1]),
                                     piece(bytes, at[one + 1], bytes.size())}));
                return {"a block of another session", {key}};
            }
            default: {
                Bytes forged = bytes;
                const std::size_t from = at[one] + format::kBlockHeader;
                if (from < at[one + 1]) forged[from + any(at[one + 1] - from)] ^= std::byte{1};
                forge(forged);
                write_file(path, forged);
                return {"forged, with all checksums", {key}};
            }
        }
    }
    ~Tamperer() {
        for (const auto& [path, bytes] : m_kept) write_file(path, bytes);
        if (!m_made.empty()) fs::remove(m_made);
    }

    static std::size_t any(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(s_random); }

private:
    Bytes keep(const std::string& path) { return m_kept[path] = file_bytes(path); }

    inline static std::mt19937 s_random{20261123};
    const House& m_house;
    std::map<std::string, Bytes> m_kept;
    std::string m_made;
};

TEST(FolderCheck, AnUntouchedFolderIsSound) {
    const House house;
    EXPECT_TRUE(house.findings().empty());
    EXPECT_TRUE(house.findings(false).empty());
}

TEST(FolderCheck, AThousandRandomChangesAreFoundAndNamed) {
    RecordProperty("row", "F2");
    const House house;
    std::map<std::string, int> kinds;
    for (int i = 0; i < 1000; ++i) {
        Tamperer tamperer(house);
        const auto change = tamperer.change();
        const auto findings = house.findings();
        for (const std::string& name : change.names) {
            const bool found = std::ranges::any_of(findings, [&](const auto& one) { return one.what == name; });
            ASSERT_TRUE(found) << "change " << i << ", " << change.what << ": " << name;
        }
        ++kinds[change.what];
    }
    EXPECT_GE(kinds.size(), 11U);
}

/// Without the records a removed recording is not missed. All else is found by the recordings themselves.
TEST(FolderCheck, ThePublicKeyAloneFindsAllButWhatIsGone) {
    const House house;
    for (int i = 0; i < 300; ++i) {
        Tamperer tamperer(house);
        const auto change = tamperer.change();
        if (change.what == "removed") continue;
        const auto findings = house.findings(false);
        for (const std::string& name : change.names) {
            const bool found = std::ranges::any_of(findings, [&](const auto& one) { return one.what == name; });
            ASSERT_TRUE(found) << "change " << i << ", " << change.what << ": " << name;
        }
    }
}

}  // namespace
}  // namespace sekisho::recording
