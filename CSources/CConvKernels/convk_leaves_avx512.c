// SPDX-License-Identifier: MIT
//
// The inner loops, compiled for AVX-512 with whole vectors: without min_vector_width the compiler
// keeps to halves.
#include "convk_leaves.h"

#if defined(__x86_64__)
enum { LANES = 16, PEAK_VECTORS = 24 };
#define LEAVES convk_leaves_avx512
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"), min_vector_width(512))), \
    apply_to = function)
#include "convk_leaves.inc"
#pragma clang attribute pop
#endif
