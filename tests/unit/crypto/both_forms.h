// Runs a check with the baseline form of the vectorised loops and with the AVX2 form, where the processor has it.
#pragma once

#include <gtest/gtest.h>

#include "crypto/cpu.h"

namespace sekisho::crypto::test {

template <class Check>
void in_both_forms(const Check& check) {
    for (const bool baseline : {true, false}) {
        SCOPED_TRACE(baseline ? "baseline" : "with the vector unit of this processor");
        cpu::force_baseline(baseline);
        check();
    }
    cpu::force_baseline(false);
}

}  // namespace sekisho::crypto::test
