// Shipment: how far a recording's file has come on its way to the bucket. The folder and the bucket are what counts; this is what is
// remembered of them, so that a listing need not ask.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace sekisho::model {

enum class ShipmentState {
    Shipped,   // what there was of it is in the bucket; it may have grown since
    Verified,  // all of it is there, and was read back
    Removed,   // as Verified, and it is not here any more
    Expiring,  // it was kept in the bucket long enough, and is about to be removed there, too
    Expired,   // it is nowhere any more
};

struct Shipment {
    std::string audit_key;
    std::string session;
    std::string object;  // its key in the bucket
    std::uint64_t size = 0;
    std::string sha256;  // hex, of the whole object; empty: nobody knows
    ShipmentState state = ShipmentState::Shipped;
    std::optional<WallTime> verified;
    std::optional<WallTime> removed;  // here
    friend bool operator==(const Shipment&, const Shipment&) = default;
};

inline constexpr std::array<std::pair<std::string_view, ShipmentState>, 5> kShipmentStates{{{"shipped", ShipmentState::Shipped},
    {"verified", ShipmentState::Verified}, {"removed", ShipmentState::Removed}, {"expiring", ShipmentState::Expiring},
    {"expired", ShipmentState::Expired}}};

inline std::string_view name(ShipmentState state) {
    for (const auto& [text, one] : kShipmentStates) {
        if (one == state) return text;
    }
    return "unknown";
}

}  // namespace sekisho::model
