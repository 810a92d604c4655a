// Books: what shipping writes down: the index of shipments, and audit records. Over the store in a gateway, in memory in tests. Blocks
// until it is durable.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/session.h"
#include "model/shipment.h"
#include "shipping/object_name.h"

namespace sekisho::shipping {

class Books {
public:
    virtual ~Books() = default;

    /// Nothing stands in them, of any gateway.
    virtual Result<bool> empty() = 0;
    /// Of this gateway, whose files may be here: Shipped and Verified.
    virtual Result<std::vector<model::Shipment>> here() = 0;
    /// Of this gateway, that are in the bucket only: Removed, verified before then; and whatever is Expiring.
    virtual Result<std::vector<model::Shipment>> old(WallTime verified_before, std::size_t most) = 0;
    /// Together, or not at all.
    virtual Result<void> keep(const std::vector<model::Shipment>& shipments, const std::vector<model::AuditRecord>& records) = 0;
};

}  // namespace sekisho::shipping
