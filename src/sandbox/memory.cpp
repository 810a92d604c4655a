#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sandbox/sandbox.h"

#if defined(__has_feature)
#define SEKISHO_HAS_FEATURE(name) __has_feature(name)
#else
#define SEKISHO_HAS_FEATURE(name) 0
#endif

namespace sekisho::sandbox {

void hide_memory() {
    const rlimit none{0, 0};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool lock_memory() {
    if (sanitized_build()) return true;  // its shadow memory is larger than any machine
    // On fault: only what is used becomes resident. The limit, where there is one, counts what is mapped.
    if (::mlockall(MCL_CURRENT | MCL_ONFAULT) != 0) return false;
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        return true;  // or a later mmap could fail
    return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

bool sanitized_build() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || SEKISHO_HAS_FEATURE(address_sanitizer) || \
    SEKISHO_HAS_FEATURE(thread_sanitizer)
    return true;
#else
    return false;
#endif
}

}  // namespace sekisho::sandbox
