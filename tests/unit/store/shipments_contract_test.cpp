// What is remembered of recordings on their way to a bucket, on every database.
#include <gtest/gtest.h>

#include "databases.h"

namespace sekisho::store::test {
namespace {

using model::ShipmentState;
using ShipmentsContractTest = StoreTest;

model::Shipment shipment(const std::string& audit_key, ShipmentState state, std::int64_t verified_ms = 0) {
    model::Shipment one{.audit_key = audit_key, .session = "s-" + audit_key, .object = "logs/" + audit_key, .size = 5'000'000'000,
        .sha256 = "ab", .state = state, .verified = {}, .removed = {}};
    if (verified_ms != 0) one.verified = base::from_unix_milliseconds(verified_ms);
    return one;
}

TEST_P(ShipmentsContractTest, KeepsOneForEachObjectWithItsRecords) {
    const auto first = shipment("a", ShipmentState::Shipped);
    auto second = shipment("b", ShipmentState::Verified, 1'795'324'560'123);
    ASSERT_TRUE(m_store->put_shipments({first, second}, {}));
    second.state = ShipmentState::Removed;
    second.removed = base::from_unix_milliseconds(1'795'324'570'000);
    model::AuditRecord record;
    record.kind = "recording.removed";
    record.subject = "b";
    ASSERT_TRUE(m_store->put_shipments({second}, {record}));
    const auto all = m_store->shipments({});
    ASSERT_TRUE(all) << all.error().full();
    EXPECT_EQ(*all, (std::vector<model::Shipment>{first, second}));
    EXPECT_EQ(m_store->audit_records({.kind = "recording.removed", .session = ""})->size(), 1U);
}

TEST_P(ShipmentsContractTest, FindsThem) {
    ASSERT_TRUE(m_store->put_shipments({shipment("a", ShipmentState::Shipped), shipment("b", ShipmentState::Removed, 1000),
                                           shipment("c", ShipmentState::Removed, 3000), shipment("d", ShipmentState::Expiring, 1000)},
        {}));
    const auto keys = [&](const ShipmentFilter& filter) {
        std::string found;
        const auto read = m_store->shipments(filter);
        EXPECT_TRUE(read);
        for (const auto& one : *read) found += one.audit_key;
        return found;
    };
    ShipmentFilter filter;
    EXPECT_EQ(keys(filter), "abcd");
    filter.most = 2;
    EXPECT_EQ(keys(filter), "ab");
    filter = {};
    filter.states = {ShipmentState::Removed, ShipmentState::Expiring};
    filter.verified_before = base::from_unix_milliseconds(2000);
    filter.here = true;
    EXPECT_EQ(keys(filter), "bd");
    filter = {};
    filter.from = "b";
    filter.to = "c";
    EXPECT_EQ(keys(filter), "bc");
    filter = {};
    filter.audit_key = "d";
    EXPECT_EQ(keys(filter), "d");
}

INSTANTIATE_TEST_SUITE_P(Databases, ShipmentsContractTest, testing::ValuesIn(all_databases()), name_of);

}  // namespace
}  // namespace sekisho::store::test
