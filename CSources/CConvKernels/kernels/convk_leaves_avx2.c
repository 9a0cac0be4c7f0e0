// SPDX-License-Identifier: MIT
//
// The inner loops, compiled for AVX2 with FMA.
#include "kernels/convk_leaves.h"
#include "base/convk_targets.h"

#if defined(__x86_64__)
enum { LANES = 8, PEAK_VECTORS = 12 };
#define LEAVES convk_leaves_avx2
#pragma clang attribute push(__attribute__((target(CONVK_AVX2))), apply_to = function)
#include "kernels/convk_leaves.inc"
#pragma clang attribute pop
#endif
