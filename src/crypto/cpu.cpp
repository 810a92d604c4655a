#include "crypto/cpu.h"

#include <atomic>

namespace sekisho::crypto::cpu {
namespace {

std::atomic<bool> g_baseline{false};

bool detected() noexcept {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return false;
#endif
}

}  // namespace

bool has_avx2() noexcept {
    static const bool found = detected();
    return found && !g_baseline.load(std::memory_order_relaxed);
}

void force_baseline(bool on) noexcept { g_baseline.store(on, std::memory_order_relaxed); }

}  // namespace sekisho::crypto::cpu
