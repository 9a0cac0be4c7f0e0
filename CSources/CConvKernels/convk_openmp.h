// SPDX-License-Identifier: MIT
//
// The few functions of the OpenMP runtime that the kernels call, declared by hand: Debian keeps
// omp.h outside the toolchain's include path.
//
// Pragmas: plain parallel regions and schedule(static) only. The toolchain's clang emits a call for
// schedule(dynamic) and schedule(guided) that Debian 12's libomp does not have.
#ifndef CONVK_OPENMP_H
#define CONVK_OPENMP_H

#ifdef _OPENMP
int omp_get_thread_num(void);
int omp_get_num_threads(void);
#else
static inline int omp_get_thread_num(void) {
    return 0;
}
static inline int omp_get_num_threads(void) {
    return 1;
}
#endif

#endif
