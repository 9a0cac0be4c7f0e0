// SPDX-License-Identifier: MIT
//
// The few functions of the OpenMP runtime that the kernels call, declared by hand: Debian keeps
// omp.h outside the toolchain's include path. All have names that only LLVM's runtime has, so that
// they can't be taken for those of GNU's in a process that has both: there every thread of ours
// would be number 0.
//
// The only file with pragmas, and these are a plain parallel region and a barrier. Loops are dealt
// out by hand: the toolchain's clang emits a call for schedule(dynamic) and schedule(guided) that
// Debian 12's libomp does not have, and there each `omp for` writes two lines of debugging text to
// nowhere, on one thread too, which takes a quarter of a microsecond.
#ifndef CONVK_PARALLEL_H
#define CONVK_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _OPENMP
int32_t __kmpc_bound_thread_num(void *location);
int32_t __kmpc_bound_num_threads(void *location);
#endif

/// The calling thread's number in its team, from 0.
static inline int convk_thread_number(void) {
#ifdef _OPENMP
    return __kmpc_bound_thread_num(NULL);
#else
    return 0;
#endif
}

/// How many threads the calling thread's team has.
static inline int convk_thread_count(void) {
#ifdef _OPENMP
    return __kmpc_bound_num_threads(NULL);
#else
    return 1;
#endif
}

/// Lets the calling thread, one that the runtime started for a team, sleep soon after it has
/// nothing to do.
void convk_spin_briefly(void);

/// What each thread does first in every parallel region. The runtime's threads would spin for 200
/// ms after a region, each taking a processor from other work; this setting stops them. It lasts
/// for the region and the wait after it, and is not made for the calling thread: nothing is left
/// changed for other OpenMP code in the process.
static inline bool convk_enter_region(int threads) {
    (void)threads; // without OpenMP, nothing else reads it
    if (convk_thread_number() != 0) convk_spin_briefly();
    return true;
}

#ifdef _OPENMP
#define CONVK_PRAGMA(...) _Pragma(#__VA_ARGS__)
#else
#define CONVK_PRAGMA(...)
#endif

/// A parallel region: the statement behind it runs on each of so many threads, which then wait for
/// one another. It may not return, break or jump out.
///
/// It is a statement rather than a function with a body and a context, so that the body sees the
/// variables around it, and their `restrict`.
#define CONVK_PARALLEL(threads)                                                                    \
    CONVK_PRAGMA(omp parallel num_threads(threads) if ((threads) > 1))                             \
    for (bool convk_inside = convk_enter_region(threads); convk_inside; convk_inside = false)

/// Some of the turns of a loop, one behind the other.
typedef struct {
    ptrdiff_t begin, end;
} convk_share;

/// The calling thread's share of a loop's turns: a run of them, as long as the others or one more.
static inline convk_share convk_share_of(ptrdiff_t turns) {
    const ptrdiff_t thread = convk_thread_number(), threads = convk_thread_count();
    return (convk_share){turns * thread / threads, turns * (thread + 1) / threads};
}

/// The calling thread's share of the blocks that [0, count) falls into.
static inline convk_share convk_share_of_blocks(ptrdiff_t count, ptrdiff_t block) {
    const convk_share share = convk_share_of((count + block - 1) / block);
    const ptrdiff_t end = share.end * block;
    return (convk_share){share.begin * block, end < count ? end : count};
}

/// A loop inside a parallel region whose turns the threads share: each number in [0, count), or the
/// first number of each block. Threads don't wait for one another at its end.
#define CONVK_SHARED_LOOP(i, count) CONVK_SHARED_BLOCKS (i, count, 1)
#define CONVK_SHARED_BLOCKS(i, count, block)                                                       \
    for (ptrdiff_t i = convk_share_of_blocks(count, block).begin,                                  \
                   i##_end = convk_share_of_blocks(count, block).end;                              \
         i < i##_end; i += (block))

/// Whether a kernel that is to run on so many threads may do without a region: then the calling
/// thread is number 0 of 1 already. To begin and end a region for one thread alone takes a tenth of
/// a microsecond. Inside a region of the caller's own it would have the caller's number.
static inline bool convk_is_alone(int threads) {
    return threads == 1 && convk_thread_count() == 1;
}

/// Waits for all threads of the region.
static inline void convk_wait_for_all(void) {
    if (convk_thread_count() == 1) return;
    CONVK_PRAGMA(omp barrier)
}

#endif
