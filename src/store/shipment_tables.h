// Shipments in their table. Private to store; all throw soci_error, inside a transaction of the caller.
#pragma once

#include <string>
#include <vector>

#include <soci/soci.h>

#include "model/shipment.h"
#include "store/store.h"

namespace sekisho::store {

/// By audit key, of the newest first where `newest`.
std::vector<model::Shipment> read_shipments(soci::session& sql, const ShipmentFilter& filter, const std::string& gateway);
/// In place of the one with the same object.
void write_shipment(soci::session& sql, const model::Shipment& shipment, const std::string& gateway);

}  // namespace sekisho::store
