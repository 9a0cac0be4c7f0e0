// SPDX-License-Identifier: MIT
//
// Blocks of im2col's matrix, compiled once an instruction set.
#include "kernels/columns_block.h"

#include "base/convk_targets.h"

#include <string.h>

typedef float vector_portable __attribute__((vector_size(16)));
typedef float vector_avx2 __attribute__((vector_size(32)));
typedef float vector_avx512 __attribute__((vector_size(64)));

// load_inside: lanes l with 0 <= column + l < width from memory, zeros in the others. Nothing else
// is read.

static inline vector_portable load_inside_portable(const float *from, ptrdiff_t column,
                                                   ptrdiff_t width) {
    vector_portable v = {0};
    for (ptrdiff_t l = 0; l < 4; l++)
        if (column + l >= 0 && column + l < width) v[l] = from[l];
    return v;
}
#define LANES 4
#define FUNCTION(name) name##_portable
#define LOW_ZIP 0, 4, 1, 5
#define HIGH_ZIP 2, 6, 3, 7
#define EVENS 0, 2, 4, 6
#include "kernels/columns_block.inc"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target(CONVK_AVX2))), apply_to = function)
static inline vector_avx2 load_inside_avx2(const float *from, ptrdiff_t column, ptrdiff_t width) {
    const __m256i columns =
        _mm256_add_epi32(_mm256_set1_epi32((int)column), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    const __m256i below = _mm256_cmpgt_epi32(_mm256_setzero_si256(), columns);
    const __m256i before_end = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)width), columns);
    return _mm256_maskload_ps(from, _mm256_andnot_si256(below, before_end));
}
#define LANES 8
#define FUNCTION(name) name##_avx2
#define LOW_ZIP 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_ZIP 4, 12, 5, 13, 6, 14, 7, 15
#define EVENS 0, 2, 4, 6, 8, 10, 12, 14
#include "kernels/columns_block.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target(CONVK_AVX512), min_vector_width(512))),         \
                             apply_to = function)
static inline vector_avx512 load_inside_avx512(const float *from, ptrdiff_t column,
                                               ptrdiff_t width) {
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i columns = _mm512_add_epi32(_mm512_set1_epi32((int)column), lanes);
    const __mmask16 mask = _mm512_cmplt_epu32_mask(columns, _mm512_set1_epi32((int)width));
    return _mm512_maskz_loadu_ps(mask, from);
}
#define LANES 16
#define FUNCTION(name) name##_avx512
#define LOW_ZIP 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_ZIP 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EVENS 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define MASKS
#include "kernels/columns_block.inc"
#pragma clang attribute pop
#endif
