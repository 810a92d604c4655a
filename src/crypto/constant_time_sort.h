// Inside of crypto only: sorts numbers in an order of comparisons that depends on their count alone. For sntrup761, which
// shuffles by sorting random numbers.
#pragma once

#include <cstdint>
#include <span>

namespace sekisho::crypto {

void sort_constant_time(std::span<std::int32_t> values);

}  // namespace sekisho::crypto
