// SPDX-License-Identifier: MIT
//
// Whether there is a runtime, and how long its threads wait for more work before they sleep.
#include "CConvKernels.h"
#include "base/convk_parallel.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef _OPENMP
void kmp_set_blocktime(int milliseconds);

/// Whether the user has said how threads are to wait.
static bool is_told_how_to_wait(void) {
    enum { UNKNOWN, TOLD, NOT_TOLD };
    static _Atomic int known = UNKNOWN;
    int state = atomic_load_explicit(&known, memory_order_relaxed);
    if (state == UNKNOWN) {
        const bool told = getenv("KMP_BLOCKTIME") != NULL || getenv("OMP_WAIT_POLICY") != NULL;
        state = told ? TOLD : NOT_TOLD;
        atomic_store_explicit(&known, state, memory_order_relaxed);
    }
    return state == TOLD;
}
#endif

void convk_spin_briefly(void) {
#ifdef _OPENMP
    // A millisecond is the least that is not nothing. It bridges what lies between the kernels of a
    // network and between predictions in a loop; without it each region would begin by waking
    // threads, which takes 10 to 50 microseconds instead of 1.
    if (!is_told_how_to_wait()) kmp_set_blocktime(1);
#endif
}

bool convk_uses_openmp(void) {
#ifdef _OPENMP
    return true;
#else
    return false;
#endif
}
