// ShippingBooks: what shipping writes down, in the gateway's store. Waits for the store's thread, on the shipping thread. Owned by
// gateway/serve.
#pragma once

#include "gateway/store_worker.h"
#include "shipping/books.h"

namespace sekisho::gateway {

class ShippingBooks final : public shipping::Books {
public:
    explicit ShippingBooks(StoreWorker& store) : m_store(store) {}

    Result<bool> empty() override;
    Result<std::vector<model::Shipment>> here() override;
    Result<std::vector<model::Shipment>> old(WallTime verified_before, std::size_t most) override;
    Result<void> keep(const std::vector<model::Shipment>& shipments, const std::vector<model::AuditRecord>& records) override;

private:
    Result<std::vector<model::Shipment>> read(const store::ShipmentFilter& filter);

    StoreWorker& m_store;
};

}  // namespace sekisho::gateway
