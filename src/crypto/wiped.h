// Inside of crypto only: a value on the stack that is overwritten when its scope ends. For polynomials, hash states and
// whatever else a secret passes through; key bytes that outlive a function live in base::Secret.
#pragma once

#include <span>
#include <type_traits>

#include "base/secret.h"

namespace sekisho::crypto {

template <class T>
class Wiped {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Wiped() = default;
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;
    ~Wiped() { base::wipe(std::as_writable_bytes(std::span(&m_value, 1))); }

    T& operator*() { return m_value; }
    const T& operator*() const { return m_value; }
    T* operator->() { return &m_value; }
    const T* operator->() const { return &m_value; }

private:
    T m_value{};
};

}  // namespace sekisho::crypto
