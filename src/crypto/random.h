// Source of random bytes, handed in wherever they are needed, so that the SSH engine stays repeatable in tests.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace sekisho::crypto {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(MutableBytes out) = 0;
};

/// The system's generator (OpenSSL RAND_bytes, drawn ahead by each thread). Thread-safe, and safe over fork(). A failing generator
/// ends the process.
Random& system_random();

/// Repeatable bytes from a seed. For tests and fuzzing only.
class TestRandom final : public Random {
public:
    explicit TestRandom(std::uint64_t seed) : m_state(seed) {}
    void fill(MutableBytes out) override;

private:
    std::uint64_t m_state;
};

}  // namespace sekisho::crypto
