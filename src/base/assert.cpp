#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace sekisho::base {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "sekisho: a bug of ours: %s at %s:%d\n", expression, file, line);
    std::abort();
}

}  // namespace sekisho::base
