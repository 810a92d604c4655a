#include "gateway/shipping_books.h"

#include <algorithm>
#include <future>

namespace sekisho::gateway {

using model::ShipmentState;

Result<std::vector<model::Shipment>> ShippingBooks::read(const store::ShipmentFilter& filter) {
    // Shared: set_value() may still be at work on it when the value is there, and work may run twice.
    const auto found = std::make_shared<std::vector<model::Shipment>>();
    const auto done = std::make_shared<std::promise<Result<void>>>();
    m_store.submit(
        [found, filter](store::Store& store) -> Result<void> {
            auto read = store.shipments(filter);
            if (!read) return std::unexpected(read.error());
            *found = std::move(*read);
            return {};
        },
        [done](Result<void> result) { done->set_value(std::move(result)); });
    if (auto result = done->get_future().get(); !result) return std::unexpected(result.error());
    return std::move(*found);
}

Result<bool> ShippingBooks::empty() {
    const auto any = read({.states = {}, .verified_before = {}, .most = 1});
    if (!any) return std::unexpected(any.error());
    return any->empty();
}

Result<std::vector<model::Shipment>> ShippingBooks::here() {
    return read({.states = {ShipmentState::Shipped, ShipmentState::Verified}, .verified_before = {}, .here = true, .most = 10'000'000});
}

Result<std::vector<model::Shipment>> ShippingBooks::old(WallTime verified_before, std::size_t most) {
    return read({.states = {ShipmentState::Removed, ShipmentState::Expiring},
        .verified_before = verified_before,
        .here = true,
        .most = most});
}

Result<void> ShippingBooks::keep(
    const std::vector<model::Shipment>& shipments, const std::vector<model::AuditRecord>& records) {
    std::vector<model::AuditRecord> dated = records;
    for (model::AuditRecord& record : dated) record.time = std::chrono::system_clock::now();
    const auto done = std::make_shared<std::promise<Result<void>>>();
    m_store.submit([shipments, dated](store::Store& store) { return store.put_shipments(shipments, dated); },
        [done](Result<void> result) { done->set_value(std::move(result)); });
    return done->get_future().get();
}

}  // namespace sekisho::gateway
