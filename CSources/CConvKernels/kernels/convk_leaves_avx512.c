// SPDX-License-Identifier: MIT
//
// The inner loops, compiled for AVX-512 with whole vectors: without min_vector_width the compiler
// keeps to halves.
#include "kernels/convk_leaves.h"
#include "base/convk_targets.h"

#if defined(__x86_64__)
enum { LANES = 16, PEAK_VECTORS = 24 };
#define LEAVES convk_leaves_avx512
#pragma clang attribute push(__attribute__((target(CONVK_AVX512), min_vector_width(512))),         \
                             apply_to = function)
#include "kernels/convk_leaves.inc"
#pragma clang attribute pop
#endif
