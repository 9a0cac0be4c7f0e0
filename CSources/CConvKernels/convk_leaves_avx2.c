// SPDX-License-Identifier: MIT
//
// The inner loops, compiled for AVX2 with FMA.
#include "convk_leaves.h"

#if defined(__x86_64__)
enum { LANES = 8, PEAK_VECTORS = 12 };
#define LEAVES convk_leaves_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "convk_leaves.inc"
#pragma clang attribute pop
#endif
