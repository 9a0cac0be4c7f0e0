// SPDX-License-Identifier: MIT
//
// The few functions of the OpenMP runtime that the kernels call, declared by hand: Debian keeps
// omp.h outside the toolchain's include path.
//
// Pragmas: plain parallel regions and schedule(static) only. The toolchain's clang emits a call for
// schedule(dynamic) and schedule(guided) that Debian 12's libomp does not have.
#ifndef CONVK_OPENMP_H
#define CONVK_OPENMP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef _OPENMP
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_in_parallel(void);
#else
static inline int omp_get_thread_num(void) {
    return 0;
}
static inline int omp_get_num_threads(void) {
    return 1;
}
static inline int omp_in_parallel(void) {
    return 0;
}
#endif

/// Some of the turns of a loop, one behind the other.
typedef struct {
    ptrdiff_t begin, end;
} convk_share;

/// The calling thread's share of a loop's turns: what `omp for schedule(static)` deals out, for
/// loops of a few microseconds. Debian's libomp writes two lines of debugging text to nowhere at
/// the start of each `omp for`, on one thread too, which takes a quarter of a microsecond.
static inline convk_share convk_share_of(ptrdiff_t turns) {
    const ptrdiff_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    return (convk_share){turns * thread / threads, turns * (thread + 1) / threads};
}

/// Whether a kernel that is to run on so many threads may do without a region: then the calling
/// thread is number 0 of 1 already. To begin and end a region for one thread alone takes a tenth of
/// a microsecond. Inside a region of the caller's own it would have the caller's number.
static inline bool convk_is_alone(int threads) {
    return threads == 1 && !omp_in_parallel();
}

/// Waits for all threads of the region, as the end of `omp for` does.
static inline void convk_wait_for_all(void) {
    if (omp_get_num_threads() == 1) return;
#pragma omp barrier
}

#endif
