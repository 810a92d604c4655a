// Reads a fuzzer's input from its front: choices of a byte, and pieces with their length in two bytes. What is missing reads as zero.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace sekisho::fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : m_rest(std::as_bytes(std::span(data, size))) {}

    bool empty() const { return m_rest.empty(); }
    std::uint8_t byte() {
        if (m_rest.empty()) return 0;
        const auto value = std::to_integer<std::uint8_t>(m_rest[0]);
        m_rest = m_rest.subspan(1);
        return value;
    }
    /// A buffer of its own, so that a read beyond it is seen.
    Bytes piece() {
        const std::size_t high = byte();
        const std::size_t wanted = high << 8 | byte();
        const std::size_t n = std::min(wanted, m_rest.size());
        Bytes out = base::to_bytes(m_rest.first(n));
        m_rest = m_rest.subspan(n);
        return out;
    }
    Bytes rest() { return base::to_bytes(std::exchange(m_rest, {})); }

private:
    BytesView m_rest;
};

}  // namespace sekisho::fuzz
