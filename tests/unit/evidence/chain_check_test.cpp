// Chains that were tampered with: each kind of change has its name, and a thousand random ones are all found.
#include "evidence/chain_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/evidence/chain_fixture.h"

namespace sekisho::evidence {
namespace {

using testing::chain_of;
using testing::checked;
using testing::compute_anew;
using ::testing::HasSubstr;
using Records = std::vector<model::AuditRecord>;

/// What the first finding says.
std::string said(const ChainCheck& check) { return check.sound() ? "sound" : check.findings().front().text; }

std::string said(const Records& records, const testing::Chain& chain, const std::vector<ChainHead>& expected = {}) {
    return said(checked(records, chain.keys(), expected));
}

TEST(ChainCheck, AnUntouchedChainIsSound) {
    RecordProperty("row", "F2");
    const auto chain = chain_of(45);
    const auto check = checked(chain.records(), chain.keys(), {{12, chain.records()[11].hash}, chain.head()});
    EXPECT_EQ(said(check), "sound");
    EXPECT_EQ(check.entries(), 49U);
    EXPECT_EQ(check.checkpoints(), 4U);
    EXPECT_EQ(check.uncovered(), 5U);
    EXPECT_EQ(check.head(), chain.head());
    EXPECT_EQ(check.unchecked_signatures(), 0U);
    EXPECT_EQ(checked(chain.records(), {}).unchecked_signatures(), 4U);
    EXPECT_THAT(said(checked(chain.records(), chain.keys(), {}, true)), HasSubstr("entries 44-49: no checkpoint"));
    EXPECT_EQ(said(checked(chain_of(40).records(), {}, {}, true)), "sound");
    EXPECT_EQ(said(checked({}, chain.keys())), "sound");
}

TEST(ChainCheck, NamesWhatWasDone) {
    const auto chain = chain_of(45);
    const Records& all = chain.records();
    Records records = all;
    records[20].reason += "x";
    EXPECT_THAT(said(records, chain), HasSubstr("entry 21: it was changed"));
    records = all;
    records[24].hash[3] ^= std::byte{1};
    EXPECT_THAT(said(records, chain), HasSubstr("entry 25: it was changed"));
    EXPECT_EQ(checked(records, {}).findings().size(), 1U);
    records = all;
    records.erase(records.begin() + 20, records.begin() + 23);
    EXPECT_THAT(said(records, chain), HasSubstr("entries 21-23: missing before entry 24"));
    records = all;
    records.erase(records.begin());
    EXPECT_THAT(said(records, chain), HasSubstr("entry 1: missing"));
    records = all;
    records.insert(records.begin() + 30, records[20]);
    EXPECT_THAT(said(records, chain), HasSubstr("entry 21: there a second time"));
    records = all;
    std::swap(records[20], records[21]);
    EXPECT_THAT(said(records, chain), HasSubstr("entry 21"));
    records = all;
    records.resize(30);
    EXPECT_EQ(said(records, chain), "sound");  // nobody can tell, but who kept a position
    EXPECT_THAT(said(records, chain, {chain.head()}), HasSubstr("entries 31-49: cut off at the end"));
    EXPECT_THAT(said(records, chain, {{12, all[12].hash}}), HasSubstr("was changed: its hash is not the one"));
}

TEST(ChainCheck, AChainThatIsComputedAnewDoesNotFitItsCheckpoints) {
    const auto chain = chain_of(45);
    Records records = chain.records();
    records[20].user = "mallory";
    compute_anew(records, 20);
    EXPECT_THAT(said(records, chain), HasSubstr("entries 11-21: what was signed at entry 21 is another chain"));
    // Without the checkpoints that tell, the next one still says what was signed before it.
    records = chain.records();
    records[18].user = "mallory";
    records[21] = records[20];
    records[21].sequence = 22;  // in place of a checkpoint
    compute_anew(records, 18);
    auto head = ChainHead{};
    Records shorter(records.begin(), records.begin() + 32);
    compute_anew(shorter, 18);
    head = {32, shorter.back().hash};
    shorter.push_back(checkpoint_record(chain.sign(Checkpoint{32, head.hash, 21, chain.records()[20].hash, {}})));
    shorter.back().sequence = 33;
    compute_anew(shorter, 32);
    EXPECT_THAT(
        said(shorter, chain), HasSubstr("changed, cut off or replaced: entry 21 had another hash when it was signed"));
}

TEST(ChainCheck, ACheckpointCountsOnlyWithTheRightKey) {
    const auto chain = chain_of(15);
    const auto other = chain_of(15);
    EXPECT_THAT(said(checked(chain.records(), other.keys())), HasSubstr("of a key that was not given"));
    Records records = chain.records();
    auto forged = *read_checkpoint(records[10]);
    forged.signature = other.sign(forged.statement).signature;
    records[10].reason = checkpoint_record(forged).reason;
    compute_anew(records, 10);
    EXPECT_THAT(said(records, chain), HasSubstr("signature is wrong"));
    records[10].reason = "hash=12";
    compute_anew(records, 10);
    EXPECT_THAT(said(records, chain), HasSubstr("cannot be read"));
}

TEST(ChainCheck, PartsFollowEachOther) {
    const auto chain = chain_of(45);
    const auto run = [&](std::size_t first_ends, std::size_t second_begins) {
        ChainCheck check(chain.keys());
        check.begin_behind({});
        for (std::size_t i = 0; i < first_ends; ++i) check.add(chain.records()[i]);
        const auto& before = chain.records()[second_begins - 1];
        check.begin_behind({before.sequence, before.hash});
        for (std::size_t i = second_begins; i < chain.records().size(); ++i) check.add(chain.records()[i]);
        check.finish();
        return said(check);
    };
    EXPECT_EQ(run(20, 20), "sound");
    EXPECT_THAT(run(20, 25), HasSubstr("entries 21-25: missing between two parts"));
    EXPECT_THAT(run(25, 20), HasSubstr("stands behind entry 25"));
    ChainCheck later(chain.keys());  // one that begins in the middle
    later.begin_behind({20, chain.records()[19].hash});
    for (std::size_t i = 20; i < 49; ++i) later.add(chain.records()[i]);
    later.finish();
    EXPECT_EQ(said(later), "sound");
    ChainCheck wrong(chain.keys());
    wrong.begin_behind({20, chain.records()[18].hash});
    wrong.add(chain.records()[20]);
    EXPECT_THAT(said(wrong), HasSubstr("entry 21: it was changed, or entry 20"));
}

/// One change, by chance; the number of an entry that it touched. Zero: nothing was changed.
std::uint64_t tamper(Records& records, const Records& other, std::mt19937& random) {
    const auto any = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
    const std::size_t at = any(records.size());
    const std::uint64_t number = records[at].sequence;
    model::AuditRecord& record = records[at];
    const Records before = records;
    switch (any(10)) {
        case 0: {  // a bit of a text, or one more character
            std::string* texts[] = {&record.kind, &record.session, &record.user, &record.source, &record.subject,
                &record.outcome, &record.reason, &record.recording};
            std::string& text = *texts[any(std::size(texts))];
            if (text.empty())
                text += 'x';
            else
                text[any(text.size())] ^= static_cast<char>(1 << any(8));
            break;
        }
        case 1: record.hash[any(32)] ^= static_cast<std::byte>(1 << any(8)); break;
        case 2: record.time += std::chrono::milliseconds(any(2) == 0 ? 1 : -60'000); break;
        case 3: records.erase(records.begin() + static_cast<std::ptrdiff_t>(at)); break;
        case 4: records.insert(records.begin() + static_cast<std::ptrdiff_t>(any(records.size() + 1)), record); break;
        case 5: std::swap(records[at], records[any(records.size())]); break;
        case 6: {  // exchanged, with their numbers
            auto& another = records[any(records.size())];
            std::swap(record, another);
            std::swap(record.sequence, another.sequence);
            break;
        }
        case 7: records.resize(at); break;  // the end is cut off
        case 8: {  // from another gateway's chain
            const std::uint64_t kept = record.sequence;
            record = other[any(other.size())];
            if (any(2) == 0) record.sequence = kept;
            break;
        }
        default:  // by a forger who computes all hashes behind it
            record.subject += "x";
            compute_anew(records, at);
    }
    const auto same = [](const model::AuditRecord& a, const model::AuditRecord& b) {
        return a.sequence == b.sequence && a.hash == b.hash && a.subject == b.subject && a.reason == b.reason;
    };
    return std::ranges::equal(before, records, same) && before[at].time == records[std::min(at, records.size() - 1)].time &&
                   before[at].kind == records[at].kind && before[at].session == records[at].session &&
                   before[at].user == records[at].user && before[at].source == records[at].source &&
                   before[at].outcome == records[at].outcome && before[at].recording == records[at].recording
               ? 0
               : number;
}

TEST(ChainCheck, AThousandRandomChangesAreFoundAndNamed) {
    RecordProperty("row", "F2");
    const auto chain = chain_of(120, 7);
    const auto other = chain_of(120, 7, "b");
    std::mt19937 random(20261123);
    int changes = 0;
    while (changes < 1000) {
        Records records = chain.records();
        const std::uint64_t touched = tamper(records, other.records(), random);
        if (touched == 0) continue;
        ++changes;
        const auto check = checked(records, chain.keys(), {chain.head()});
        ASSERT_FALSE(check.sound()) << "change " << changes << " of entry " << touched;
        ASSERT_TRUE(testing::names(check.findings(), touched))
            << "change " << changes << " of entry " << touched << ": " << check.findings().front().text;
    }
}

}  // namespace
}  // namespace sekisho::evidence
