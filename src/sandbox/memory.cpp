#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <string>

#include "sandbox/sandbox.h"

namespace sekisho::sandbox {

namespace {

/// Heap, stack and data: where keys are, and a few megabytes, which even a small limit permits.
bool lock_private_memory() {
    std::ifstream maps("/proc/self/maps");
    bool all = maps.good();
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0, end = 0;
        char write = 0, share = 0;
        if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %*c%c%*c%c", &begin, &end, &write, &share) != 4)
            return false;
        if (write != 'w' || share != 'p') continue;
        if (::mlock2(reinterpret_cast<const void*>(begin), end - begin, MLOCK_ONFAULT) != 0) all = false;
    }
    return all;
}

}  // namespace

void hide_memory() {
    const rlimit none{0, 0};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool lock_memory() {
    if (sanitized_build()) return true;  // its shadow memory is larger than any machine
    // On fault: only what is used becomes resident. The limit, where there is one, counts what is mapped.
    if (::mlockall(MCL_CURRENT | MCL_ONFAULT) != 0) return lock_private_memory();
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        return true;  // or a later mmap could fail
    return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

bool sanitized_build() {
#if defined(SEKISHO_SANITIZED)
    return true;
#else
    return false;
#endif
}

}  // namespace sekisho::sandbox
