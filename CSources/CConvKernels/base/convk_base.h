// SPDX-License-Identifier: MIT
//
// Small helpers that every kernel file may use.
#ifndef CONVK_BASE_H
#define CONVK_BASE_H

#include <assert.h>
#include <stddef.h>

#include "CConvKernels.h"
#include "base/convk_parallel.h"

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

/// Hides from the compiler where a pointer comes from: it would turn short loops into calls of
/// memcpy, which takes longer to decide how to copy than to do it, or fold an offset that many
/// instructions share into each of them.
#define CONVK_OPAQUE(pointer) __asm__("" : "+r"(pointer))

/// Has the compiler load what stands behind it after what stands before it, and what it computes of
/// that. It costs nothing.
#define CONVK_KEEP_LOADS_BEHIND() __asm__ volatile("" ::: "memory")

/// Has the compiler copy a function into its callers, which give it other constants each. Under a
/// sanitizer it may decide by itself: to check each load and store of all copies takes minutes a
/// file.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(undefined_behavior_sanitizer)
#define CONVK_ALWAYS_INLINE
#else
#define CONVK_ALWAYS_INLINE __attribute__((always_inline))
#endif

/// A short copy.
static inline void convk_copy_short(float *restrict to, const float *restrict from,
                                    ptrdiff_t count) {
    typedef float four __attribute__((vector_size(16), aligned(4)));
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        *(four *)to = *(const four *)from;
        CONVK_OPAQUE(from);
    }
    for (; count > 0; count--) {
        *to++ = *from++;
        CONVK_OPAQUE(from);
    }
}

/// A few zeros.
static inline void convk_clear_short(float *to, ptrdiff_t count) {
    typedef float four __attribute__((vector_size(16), aligned(4)));
    for (; count >= 4; count -= 4, to += 4) {
        *(four *)to = (four){0};
        CONVK_OPAQUE(to);
    }
    for (; count > 0; count--) {
        *to++ = 0;
        CONVK_OPAQUE(to);
    }
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
