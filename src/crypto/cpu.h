// Inside of crypto only: which form of a vectorised loop runs. The loops are plain C++; on x86-64 they are compiled twice,
// for the baseline and for AVX2, and the processor is asked once. Elsewhere both forms are the same.
#pragma once

#if defined(__x86_64__)
#define SEKISHO_AVX2 __attribute__((target("avx2")))
#else
#define SEKISHO_AVX2
#endif

/// For the body of a loop that is compiled in both forms: it takes on the instruction set of the function it lands in.
#define SEKISHO_INLINE inline __attribute__((always_inline))

namespace sekisho::crypto::cpu {

bool has_avx2() noexcept;

/// Makes the baseline form run although the processor has AVX2, or ends that. For tests, which check both.
void force_baseline(bool on) noexcept;

}  // namespace sekisho::crypto::cpu
