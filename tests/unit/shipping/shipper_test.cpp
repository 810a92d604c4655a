// What leaves, when, and what is removed: with a bucket that fails in every way, and a clock that is told.
#include "shipping/shipper.h"

#include "recording/check.h"
#include "tests/unit/shipping/fixture.h"

namespace sekisho::shipping {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using model::ShipmentState;
namespace fs = std::filesystem;

TEST_F(ShippingTest, WhatEndedIsPutAndReadBack) {
    RecordProperty("row", "B4");
    const std::string alice = recorded("alice"), bob = recorded("bob");
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.objects.size(), 2U);
    EXPECT_EQ(m_bucket.objects.at(object(alice)), content(alice));
    EXPECT_EQ(object(alice), object_name("logs/", {alice, "session1"}));
    EXPECT_EQ(shipment(bob).state, ShipmentState::Verified);
    EXPECT_EQ(shipment(bob).sha256, base::hex(crypto::sha256({base::view(content(bob))})));
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.puts, 2) << "once each";
    restart();
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.puts, 2) << "the books spare it";
}

TEST_F(ShippingTest, WithoutBooksItIsPutAgainUnderTheSameName) {
    const std::string alice = recorded("alice");
    ASSERT_TRUE(pass());
    m_books.shipments.clear();
    restart();
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.objects.size(), 1U);
    EXPECT_EQ(shipment(alice).state, ShipmentState::Verified);
}

TEST_F(ShippingTest, BooksThatWereLostAreMadeAnewOfFolderAndBucket) {
    m_settings.keep_local = 1h;
    const std::string alice = recorded("alice");
    ASSERT_TRUE(pass());
    m_now += 2h;
    const std::string bob = recorded("bob");
    ASSERT_TRUE(pass());
    const auto before = m_books.shipments;
    m_bucket.objects["logs/somebody else's"] = "x";
    m_books.shipments.clear();
    restart();
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_books.shipments.size(), 2U);
    EXPECT_EQ(shipment(alice).state, ShipmentState::Removed);
    EXPECT_EQ(shipment(alice).size, before.at(object(alice)).size);
    EXPECT_EQ(shipment(bob), before.at(object(bob)));
}

TEST_F(ShippingTest, WhatRunsIsThereAsFarAsItIs) {
    const auto recordings = recording::make_recordings(m_folder.path());
    recording::testing::Session session(*recordings, facts("alice"));
    ASSERT_TRUE(pass());
    const std::size_t first = m_bucket.objects.at(object(session.key)).size();
    EXPECT_EQ(shipment(session.key).state, ShipmentState::Shipped);
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.puts, 1) << "nothing has come";
    write(session, 300'000);
    recordings->settle();
    ASSERT_TRUE(pass());
    const std::string& second = m_bucket.objects.at(object(session.key));
    EXPECT_GT(second.size(), first);
    EXPECT_TRUE(content(session.key).starts_with(second));
    ASSERT_TRUE(session.finish());
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.objects.at(object(session.key)), content(session.key));
    EXPECT_EQ(shipment(session.key).state, ShipmentState::Verified);
    EXPECT_EQ(m_bucket.objects.size(), 1U) << "always the same name";
}

TEST_F(ShippingTest, AnEndWaitsForItsSignature) {
    Signer keyholder;
    keyholder.away = true;
    m_settings.keep_local = 0s;
    auto recordings = recording::make_recordings(m_folder.path(), {}, keyholder.signer());
    recording::testing::Session session(*recordings, facts("alice"));
    write(session, 100);
    ASSERT_TRUE(session.finish());
    ASSERT_TRUE(pass());
    ASSERT_TRUE(pass());
    EXPECT_EQ(shipment(session.key).state, ShipmentState::Shipped);
    EXPECT_TRUE(here(session.key));
    const std::string unsigned_one = m_bucket.objects.at(object(session.key));
    keyholder.away = false;
    session.recorder.reset();
    recordings.reset();  // which signs what is left
    m_settings.keep_local = 1h;
    ASSERT_TRUE(pass());
    EXPECT_EQ(shipment(session.key).state, ShipmentState::Verified);
    EXPECT_GT(m_bucket.objects.at(object(session.key)).size(), unsigned_one.size());
}

TEST_F(ShippingTest, WhatNobodyWritesAnyMoreIsShippedAsItIs) {
    const std::string alice = recorded("alice", 200'000);
    fs::resize_file(path(alice), 150'000);
    ASSERT_TRUE(pass());
    EXPECT_EQ(shipment(alice).state, ShipmentState::Verified);
    EXPECT_EQ(m_bucket.objects.at(object(alice)), content(alice));
}

TEST_F(ShippingTest, WhatChangesLaterIsShippedAgain) {
    const std::string alice = recorded("alice");
    ASSERT_TRUE(pass());
    std::ofstream(path(alice), std::ios::app) << "more";
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.objects.at(object(alice)), content(alice));
    EXPECT_EQ(shipment(alice).size, content(alice).size());
}

// --- removal ---

TEST_F(ShippingTest, NothingIsRemovedBeforeItWasReadBackAndADayHasPassed) {
    RecordProperty("row", "B4");
    const std::string alice = recorded("alice");
    ASSERT_TRUE(pass());
    m_now += 23h;
    ASSERT_TRUE(pass());
    EXPECT_TRUE(here(alice));
    m_now += 2h;
    ASSERT_TRUE(pass());
    EXPECT_FALSE(here(alice));
    EXPECT_EQ(shipment(alice).state, ShipmentState::Removed);
    EXPECT_THAT(m_books.subjects(recording::kRemovedKind), ElementsAre(alice));
    EXPECT_THAT(m_books.records.back().reason, HasSubstr(shipment(alice).sha256));
    EXPECT_EQ(m_bucket.objects.size(), 1U);
}

TEST_F(ShippingTest, WithoutItsAuditRecordNothingIsRemoved) {
    const std::string alice = recorded("alice");
    ASSERT_TRUE(pass());
    m_now += 25h;
    m_books.away = true;
    EXPECT_FALSE(pass());
    EXPECT_TRUE(here(alice));
    m_books.away = false;
    ASSERT_TRUE(pass());
    EXPECT_FALSE(here(alice));
}

TEST_F(ShippingTest, AnObjectThatIsGoneOrOtherKeepsTheFileHere) {
    const std::string alice = recorded("alice"), bob = recorded("bob");
    ASSERT_TRUE(pass());
    m_now += 25h;
    m_bucket.objects.erase(object(alice));
    m_bucket.objects.at(object(bob)) += "x";
    EXPECT_FALSE(pass());
    EXPECT_TRUE(here(alice) && here(bob));
    m_now += 1h;
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.objects.at(object(alice)), content(alice));
    EXPECT_EQ(m_bucket.objects.at(object(bob)), content(bob));
    EXPECT_TRUE(here(alice) && here(bob)) << "a day from now";
    m_now += 25h;
    ASSERT_TRUE(pass());
    EXPECT_FALSE(here(alice) || here(bob));
}

TEST_F(ShippingTest, AFileThatChangedInPlaceIsNotTheOneThatIsSafe) {
    const std::string alice = recorded("alice");
    ASSERT_TRUE(pass());
    std::string changed = content(alice);
    changed[changed.size() / 2] ^= 1;
    recording::testing::write_file(path(alice), base::view(changed));
    m_now += 25h;
    (void)pass();
    EXPECT_TRUE(here(alice));
}

TEST_F(ShippingTest, WhatIsReadBackWrongStaysHereAndIsSentAgain) {
    RecordProperty("row", "B4");
    const std::string alice = recorded("alice");
    m_settings.keep_local = 0s;
    m_bucket.on_read = [](std::string& content) { content[content.size() / 2] ^= 1; };
    for (int i = 0; i < 20; ++i) {
        const auto outcome = pass();
        ASSERT_FALSE(outcome.value_or(false));
        EXPECT_TRUE(here(alice));
        m_now += 1h;
    }
    EXPECT_GT(m_bucket.puts, 2);
    EXPECT_EQ(m_books.shipments.size(), 0U);
    EXPECT_FALSE(m_books.subjects("recording.upload").empty());
    m_bucket.on_read = nullptr;
    ASSERT_TRUE(pass());
    EXPECT_FALSE(here(alice));
    EXPECT_EQ(shipment(alice).state, ShipmentState::Removed);
}

// --- outages ---

TEST_F(ShippingTest, AnHourWithoutTheBucketLosesNothing) {
    RecordProperty("row", "B4");
    std::vector<std::string> keys;
    m_bucket.down = true;
    for (int minutes = 0; minutes < 60; minutes += 5) {
        keys.push_back(recorded("user" + std::to_string(minutes)));
        const auto outcome = pass();
        ASSERT_FALSE(outcome);
        EXPECT_THAT(outcome.error().text, HasSubstr("cannot be asked"));
        m_now += 5min;
    }
    m_bucket.down = false;
    m_now += 1h;
    ASSERT_TRUE(pass());
    for (const std::string& key : keys) {
        EXPECT_EQ(m_bucket.objects.at(object(key)), content(key));
        EXPECT_TRUE(here(key));
    }
}

TEST_F(ShippingTest, OneThatIsRefusedKeepsNoOtherFromLeaving) {
    const std::string alice = recorded("alice"), bob = recorded("bob");
    m_bucket.refused.insert(object_name("logs/", {alice, "session1"}));
    const auto outcome = pass();
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().full(), HasSubstr(alice));
    EXPECT_EQ(shipment(bob).state, ShipmentState::Verified);
    EXPECT_FALSE(pass()) << "it is not its turn, and it is not over";
    m_bucket.refused.clear();
    m_now += 1min;
    ASSERT_TRUE(pass());
    EXPECT_EQ(shipment(alice).state, ShipmentState::Verified);
}

/// The bucket goes away after every possible number of calls, and the process with it: whatever had happened, one whole object comes of it.
TEST_F(ShippingTest, GoesOnWhereverItWasCut) {
    RecordProperty("row", "B4");
    const std::string small = recorded("small");
    const std::string large = recorded("large", 20'000'000);
    const std::string whole_large = content(large), whole_small = content(small);
    for (int calls = 0; calls < 40; ++calls) {
        m_bucket.objects.clear();
        m_bucket.begun.clear();
        m_books.shipments.clear();
        m_bucket.part_puts = 0;
        m_bucket.calls_left = calls;
        restart();
        const bool whole = pass().has_value();
        m_bucket.calls_left = -1;
        m_bucket.down = false;
        restart();
        ASSERT_TRUE(pass());
        EXPECT_EQ(m_bucket.objects.size(), 2U);
        EXPECT_TRUE(m_bucket.objects.at(object(large)) == whole_large);
        EXPECT_TRUE(m_bucket.objects.at(object(small)) == whole_small);
        EXPECT_EQ(shipment(large).state, ShipmentState::Verified);
        EXPECT_THAT(m_bucket.begun, IsEmpty()) << "after " << calls << " calls";
        EXPECT_EQ(m_bucket.part_puts, 3) << "no part a second time, after " << calls << " calls";
        if (whole) return;
    }
    FAIL() << "it took more calls than that";
}

TEST_F(ShippingTest, OfTwoUploadsOneIsGivenUp) {
    const std::string large = recorded("large", 10'000'000);
    const std::string name = object_name("logs/", {large, "session1"});
    ASSERT_TRUE(m_bucket.begin(name) && m_bucket.begin(name));
    ASSERT_TRUE(m_bucket.begin("logs/somebody else's"));
    ASSERT_TRUE(pass());
    ASSERT_EQ(m_bucket.begun.size(), 1U);
    EXPECT_EQ(m_bucket.begun.begin()->second.key, "logs/somebody else's");
    EXPECT_EQ(m_bucket.objects.at(name), content(large));
}

TEST_F(ShippingTest, ALargeOneThatIsReadBackWrongIsSentFromItsBeginning) {
    const std::string large = recorded("large", 10'000'000);
    m_bucket.on_read = [](std::string& content) { if (!content.empty()) content.back() ^= 1; };
    EXPECT_FALSE(pass());
    m_bucket.on_read = nullptr;
    m_bucket.part_puts = 0;
    m_now += 1min;
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.part_puts, 2);
    EXPECT_EQ(shipment(large).state, ShipmentState::Verified);
}

TEST_F(ShippingTest, SomethingBehindALargeObjectIsNotIt) {
    const std::string large = recorded("large", 10'000'000);
    ASSERT_TRUE(pass());
    m_books.shipments.clear();
    m_bucket.objects.at(object(large)) += "x";
    restart();
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.objects.at(object(large)), content(large));
}

TEST(LargeFileTest, TenThousandPartsAreEnough) {
    EXPECT_EQ(LargeFile::part_size(1), LargeFile::kPart);
    for (const std::uint64_t size : {1ULL << 33, 1ULL << 37, 5ULL << 40}) {
        EXPECT_LE((size + LargeFile::part_size(size) - 1) / LargeFile::part_size(size), 10'000U);
    }
}

// --- the limit here, and retention there ---

TEST_F(ShippingTest, OverTheLimitTheOldestThatAreSafeGoEarly) {
    const std::string first = recorded("a", 40'000), second = recorded("b", 40'000), third = recorded("c", 40'000);
    m_settings.local_limit = 100'000;
    ASSERT_TRUE(pass());
    EXPECT_FALSE(here(first));
    EXPECT_TRUE(here(second) && here(third));
    EXPECT_THAT(m_full, IsEmpty());
    EXPECT_THAT(m_books.records.back().reason, HasSubstr("local_limit"));
}

TEST_F(ShippingTest, WhatIsNotSafeStaysOverTheLimitAndNewOnesAreRefused) {
    const std::string first = recorded("a", 60'000), second = recorded("b", 60'000);
    m_settings.local_limit = 100'000;
    m_bucket.down = true;
    EXPECT_FALSE(pass());
    EXPECT_FALSE(pass());
    EXPECT_TRUE(here(first) && here(second));
    EXPECT_THAT(m_full, ElementsAre(true));
    EXPECT_EQ(m_books.subjects("recording.limit").size(), 1U) << "once";
    m_bucket.down = false;
    m_now += 1h;
    ASSERT_TRUE(pass());
    EXPECT_FALSE(here(first));
    EXPECT_THAT(m_full, ElementsAre(true, false));
}

TEST_F(ShippingTest, WhereSafeOnesStayTheLimitOnlyRefuses) {
    const std::string first = recorded("a", 60'000), second = recorded("b", 60'000);
    m_settings.local_limit = 100'000;
    m_settings.delete_shipped = false;
    ASSERT_TRUE(pass());
    EXPECT_TRUE(here(first) && here(second));
    EXPECT_THAT(m_full, ElementsAre(true));
}

TEST_F(ShippingTest, WhatWasKeptThereLongEnoughGoesThereToo) {
    const std::string alice = recorded("alice"), bob = recorded("bob");
    m_settings.keep_local = 1h;
    m_settings.keep_remote = 24h;
    ASSERT_TRUE(pass());
    m_now += 2h;
    ASSERT_TRUE(pass());
    EXPECT_FALSE(here(alice));
    m_now += 20h;
    ASSERT_TRUE(pass());
    EXPECT_EQ(m_bucket.objects.size(), 2U);
    const std::string object_of_alice = object(alice);
    m_now += 3h;
    m_bucket.calls_left = 1;  // cut in between
    EXPECT_FALSE(pass());
    m_bucket.calls_left = -1;
    m_bucket.down = false;
    restart();
    ASSERT_TRUE(pass());
    EXPECT_THAT(m_bucket.objects, IsEmpty());
    EXPECT_EQ(m_books.shipments.at(object_of_alice).state, ShipmentState::Expired);
    EXPECT_EQ(m_books.subjects(recording::kExpiredKind).size(), 2U) << "one each";
}

}  // namespace
}  // namespace sekisho::shipping
