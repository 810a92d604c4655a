// Secret: key bytes. Wiped when destroyed or moved from, not copyable, not printable, compared in constant time.
#pragma once

#include "base/bytes.h"

namespace sekisho::base {

/// Overwrites memory in a way the compiler does not remove.
void wipe(MutableBytes bytes) noexcept;

class Secret {
public:
    Secret() = default;
    explicit Secret(std::size_t size) : m_bytes(size) {}
    /// Copies; the caller still owns (and should wipe) its own copy.
    explicit Secret(BytesView bytes) : m_bytes(bytes.begin(), bytes.end()) {}
    Secret(Secret&& other) noexcept : m_bytes(std::move(other.m_bytes)) { other.m_bytes.clear(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe(m_bytes);
            m_bytes = std::move(other.m_bytes);
            other.m_bytes.clear();
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(m_bytes); }

    Secret clone() const { return Secret(BytesView(m_bytes)); }
    BytesView bytes() const { return m_bytes; }
    MutableBytes bytes() { return m_bytes; }
    std::size_t size() const { return m_bytes.size(); }
    bool empty() const { return m_bytes.empty(); }
    friend bool operator==(const Secret& a, const Secret& b) { return equal_constant_time(a.m_bytes, b.m_bytes); }

private:
    Bytes m_bytes;
};

}  // namespace sekisho::base

namespace sekisho {
using base::Secret;
}
