// SPDX-License-Identifier: MIT
//
// The few functions of the OpenMP runtime that the kernels call, declared by hand: Debian keeps
// omp.h outside the toolchain's include path. All have names that only LLVM's runtime has, so that
// they can't be taken for those of GNU's in a process that has both: there every thread of ours
// would be number 0.
//
// Pragmas: plain parallel regions and schedule(static) only. The toolchain's clang emits a call for
// schedule(dynamic) and schedule(guided) that Debian 12's libomp does not have.
#ifndef CONVK_OPENMP_H
#define CONVK_OPENMP_H

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
/// ms after a region, each taking a processor from whoever else could use it; they are told not to.
/// What is told lasts for the region and the wait behind it, and the calling thread is not told:
/// nothing is left changed for the other OpenMP code of a process.
static inline void convk_enter_region(void) {
    if (convk_thread_number() != 0) convk_spin_briefly();
}

/// Some of the turns of a loop, one behind the other.
typedef struct {
    ptrdiff_t begin, end;
} convk_share;

/// The calling thread's share of a loop's turns: what `omp for schedule(static)` deals out, for
/// loops of a few microseconds. Debian's libomp writes two lines of debugging text to nowhere at
/// the start of each `omp for`, on one thread too, which takes a quarter of a microsecond.
static inline convk_share convk_share_of(ptrdiff_t turns) {
    const ptrdiff_t thread = convk_thread_number(), threads = convk_thread_count();
    return (convk_share){turns * thread / threads, turns * (thread + 1) / threads};
}

/// Whether a kernel that is to run on so many threads may do without a region: then the calling
/// thread is number 0 of 1 already. To begin and end a region for one thread alone takes a tenth of
/// a microsecond. Inside a region of the caller's own it would have the caller's number.
static inline bool convk_is_alone(int threads) {
    return threads == 1 && convk_thread_count() == 1;
}

/// Waits for all threads of the region, as the end of `omp for` does.
static inline void convk_wait_for_all(void) {
    if (convk_thread_count() == 1) return;
#pragma omp barrier
}

#endif
