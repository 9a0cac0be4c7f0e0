// SPDX-License-Identifier: MIT
//
// Small helpers that every kernel file may use.
#ifndef CONVK_BASE_H
#define CONVK_BASE_H

#include <assert.h>
#include <stddef.h>

#include "CConvKernels.h"
#include "convk_openmp.h"

static inline ptrdiff_t convk_min(ptrdiff_t a, ptrdiff_t b) {
    return a < b ? a : b;
}
static inline ptrdiff_t convk_max(ptrdiff_t a, ptrdiff_t b) {
    return a > b ? a : b;
}

/// How many pieces of a given size cover a length.
static inline ptrdiff_t convk_ceil_div(ptrdiff_t length, ptrdiff_t size) {
    return (length + size - 1) / size;
}

/// The next multiple of a size.
static inline ptrdiff_t convk_round_up(ptrdiff_t length, ptrdiff_t size) {
    return convk_ceil_div(length, size) * size;
}

/// The bytes of a processor's second-level cache, within the bounds of what blocks are cut for.
/// Block sizes along k do not depend on it, so neither do the bits.
ptrdiff_t convk_second_level_cache(void);

/// Work below this many elementary operations runs on the calling thread: waking the others costs
/// some microseconds.
enum { CONVK_SMALLEST_SHARED_WORK = 32768 };

/// The threads to use for an amount of work (elements moved, or multiply-adds).
static inline int convk_threads_for(ptrdiff_t work, convk_execution execution) {
    return work < CONVK_SMALLEST_SHARED_WORK ? 1 : execution.threads;
}

#endif
