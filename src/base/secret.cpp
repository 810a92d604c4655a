#include "base/secret.h"

#include <cstring>

namespace sekisho::base {

void wipe(MutableBytes bytes) noexcept {
    if (bytes.empty()) return;
    ::explicit_bzero(bytes.data(), bytes.size());
}

}  // namespace sekisho::base
