// SPDX-License-Identifier: MIT
//
// Winograd's transforms, compiled once an instruction set.
#include "kernels/winograd_transform.h"

#include "base/convk_targets.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    LARGEST_BLOCK = CONVK_LARGEST_NR, // tiles in a block
    // The pixels of a row of tiles, m apart and at most 4, and whole vectors of them.
    LARGEST_LINE = 4 * LARGEST_BLOCK + 4 + 16,
};

typedef float four __attribute__((vector_size(16), aligned(4)));

#define low_pairs(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define high_pairs(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define low_halves(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define high_halves(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)

static inline four load_four(const float *from) {
    return *(const four *)from;
}
static inline void store_four(float *to, four a) {
    *(four *)to = a;
}
#define LANES 4
#define FUNCTION(name) name##_portable
#define divide_by_9(a) ((a) / 9)
static inline four load_between_portable(const float *from, ptrdiff_t begin, ptrdiff_t end) {
    four lanes = {0};
    for (ptrdiff_t l = convk_max(begin, 0); l < convk_min(end, 4); l++) lanes[l] = from[l];
    return lanes;
}
#define load_between load_between_portable
#include "kernels/winograd_transform.inc"

#if defined(__x86_64__)
#include <immintrin.h>

// A product with 1/9, corrected by the remainder: exact where the quotient is, and several times as
// fast as a division.
#pragma clang attribute push(__attribute__((target(CONVK_AVX2))), apply_to = function)
static inline __m256 ninth_avx2(__m256 a) {
    const __m256 ninth = _mm256_set1_ps(1.0f / 9), quotient = _mm256_mul_ps(a, ninth);
    const __m256 rest = _mm256_fnmadd_ps(quotient, _mm256_set1_ps(9), a);
    return _mm256_fmadd_ps(rest, ninth, quotient);
}
static inline __m256 load_between_avx2(const float *from, ptrdiff_t begin, ptrdiff_t end) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i left = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32((int)begin - 1));
    const __m256i right = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)end), lane);
    return _mm256_maskload_ps(from, _mm256_and_si256(left, right));
}
#define load_between (vector) load_between_avx2
#define LANES 8
#define FUNCTION(name) name##_avx2
#define divide_by_9(a) ((vector)ninth_avx2((__m256)(a)))
#include "kernels/winograd_transform.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target(CONVK_AVX512))), apply_to = function)
static inline __m512 ninth_avx512(__m512 a) {
    const __m512 ninth = _mm512_set1_ps(1.0f / 9), quotient = _mm512_mul_ps(a, ninth);
    const __m512 rest = _mm512_fnmadd_ps(quotient, _mm512_set1_ps(9), a);
    return _mm512_fmadd_ps(rest, ninth, quotient);
}
static inline __m512 load_between_avx512(const float *from, ptrdiff_t begin, ptrdiff_t end) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 left = _mm512_cmpge_epi32_mask(lane, _mm512_set1_epi32((int)begin));
    const __mmask16 right = _mm512_cmplt_epi32_mask(lane, _mm512_set1_epi32((int)end));
    return _mm512_maskz_loadu_ps(left & right, from);
}
#define load_between (vector) load_between_avx512
#define LANES 16
#define FUNCTION(name) name##_avx512
#define divide_by_9(a) ((vector)ninth_avx512((__m512)(a)))
#include "kernels/winograd_transform.inc"
#pragma clang attribute pop
#endif
