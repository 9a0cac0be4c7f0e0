// SPDX-License-Identifier: MIT
//
// Packing the operands of a product into panels, compiled once an instruction set. Each panel is a
// strip of the operand in which the short axis runs fastest.
#include "kernels/kernels.h"

#include "base/convk_targets.h"
#include "base/convk_transpose.h"

#define LANES 4
#define FUNCTION(name) name##_portable
#define vector convk_four
#define transposed_fours convk_transposed_fours_plain
#include "kernels/sgemm_pack.inc"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target(CONVK_AVX2))), apply_to = function)
#define LANES 8
#define FUNCTION(name) name##_avx2
#define vector __m256
#define transposed_fours convk_transposed_fours_avx2
#include "kernels/sgemm_pack.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target(CONVK_AVX512))), apply_to = function)
#define LANES 16
#define FUNCTION(name) name##_avx512
#define vector __m512
#define transposed_fours convk_transposed_fours_avx512
#define transposed_lines convk_transposed_sixteens_avx512
#include "kernels/sgemm_pack.inc"
#pragma clang attribute pop

#endif
