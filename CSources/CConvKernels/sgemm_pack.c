// SPDX-License-Identifier: MIT
//
// Packing the operands of a product into panels, compiled once an instruction set. Each panel is a
// strip of the operand in which the short axis runs fastest.
#include "sgemm_pack.h"

#include <string.h>

// ---- Four lanes: NEON and every other CPU ------------------------------------------------------

typedef float four __attribute__((vector_size(16)));

/// Four floats of one row; with four lanes there is only one quarter.
static inline four four_of_row(const float *from, ptrdiff_t stride, ptrdiff_t rows) {
    (void)stride, (void)rows;
    four result;
    memcpy(&result, from, sizeof result);
    return result;
}

#define LANES 4
#define FUNCTION(name) name##_portable
#define vector four
#define gather_fours four_of_row
#define low_pairs(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define high_pairs(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define low_halves(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define high_halves(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#include "sgemm_pack.inc"

#if defined(__x86_64__)
#include <immintrin.h>

// ---- AVX2 --------------------------------------------------------------------------------------

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

/// Four floats of rows 0 and 4; the last row stands for those that don't exist.
static inline __m256 fours_of_2_rows(const float *from, ptrdiff_t stride, ptrdiff_t rows) {
    const ptrdiff_t upper = rows > 4 ? 4 * stride : 0;
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)),
                                _mm_loadu_ps(from + upper), 1);
}

#define LANES 8
#define FUNCTION(name) name##_avx2
#define vector __m256
#define gather_fours fours_of_2_rows
#define low_pairs(a, b) _mm256_unpacklo_ps(a, b)
#define high_pairs(a, b) _mm256_unpackhi_ps(a, b)
#define low_halves(a, b) _mm256_shuffle_ps(a, b, 0x44)
#define high_halves(a, b) _mm256_shuffle_ps(a, b, 0xEE)
#include "sgemm_pack.inc"

#pragma clang attribute pop

// ---- AVX-512 -----------------------------------------------------------------------------------

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), apply_to = function)

/// Four floats of rows 0, 4, 8 and 12; row 0 stands for those that don't exist.
static inline __m512 fours_of_4_rows(const float *from, ptrdiff_t stride, ptrdiff_t rows) {
    __m512 result = _mm512_castps128_ps512(_mm_loadu_ps(from));
    result = _mm512_insertf32x4(result, _mm_loadu_ps(from + (rows > 4 ? 4 * stride : 0)), 1);
    result = _mm512_insertf32x4(result, _mm_loadu_ps(from + (rows > 8 ? 8 * stride : 0)), 2);
    return _mm512_insertf32x4(result, _mm_loadu_ps(from + (rows > 12 ? 12 * stride : 0)), 3);
}

#define LANES 16
#define FUNCTION(name) name##_avx512
#define vector __m512
#define gather_fours fours_of_4_rows
#define low_pairs(a, b) _mm512_unpacklo_ps(a, b)
#define high_pairs(a, b) _mm512_unpackhi_ps(a, b)
#define low_halves(a, b) _mm512_shuffle_ps(a, b, 0x44)
#define high_halves(a, b) _mm512_shuffle_ps(a, b, 0xEE)
#include "sgemm_pack.inc"

#pragma clang attribute pop
#endif
