// SEKISHO_ASSERT: our own bugs. Stays on in release builds; no input from a peer may ever reach a failing one.
#pragma once

namespace sekisho::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}

#define SEKISHO_ASSERT(expression)                                                                  \
    (static_cast<bool>(expression) ? static_cast<void>(0)                                           \
                                   : ::sekisho::base::assertion_failed(#expression, __FILE__, __LINE__))
