// SPDX-License-Identifier: MIT
//
// Transposing through registers: four columns of as many rows as a vector has lanes, the way by
// which packing turns operands and convolutions turn their results.
#ifndef CONVK_TRANSPOSE_H
#define CONVK_TRANSPOSE_H

#include "base/convk_base.h"
#include "base/convk_targets.h"

#include <string.h>

#define CONVK_INLINE(...) static inline CONVK_ALWAYS_INLINE __attribute__((__VA_ARGS__))

/// Four floats are a vector on every CPU that the kernels are built for.
typedef float convk_four __attribute__((vector_size(16)));

/// to[q] = from[i * stride + q] for i < 4, q < 4.
CONVK_INLINE()
void convk_transposed_fours_plain(convk_four to[4], const float *from, ptrdiff_t stride,
                                  ptrdiff_t rows) {
    convk_four row[4];
    for (int r = 0; r < 4; r++)
        memcpy(&row[r], from + convk_min(r, rows - 1) * stride, sizeof row[r]);
    const convk_four low_01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
    const convk_four low_23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
    const convk_four high_01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
    const convk_four high_23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    to[0] = __builtin_shufflevector(low_01, low_23, 0, 1, 4, 5);
    to[1] = __builtin_shufflevector(low_01, low_23, 2, 3, 6, 7);
    to[2] = __builtin_shufflevector(high_01, high_23, 0, 1, 4, 5);
    to[3] = __builtin_shufflevector(high_01, high_23, 2, 3, 6, 7);
}

#if defined(__x86_64__)
#include <immintrin.h>

// Row r stands in quarter r / 4 of vector r % 4; then each four lanes are transposed for
// themselves.

/// to[q] = from[i * stride + q] for i < rows <= 8, q < 4; other lanes hold numbers of those rows.
CONVK_INLINE(target(CONVK_AVX2))
void convk_transposed_fours_avx2(__m256 to[4], const float *from, ptrdiff_t stride,
                                 ptrdiff_t rows) {
    __m256 row[4];
    for (int r = 0; r < 4; r++) {
        const float *lower = from + convk_min(r, rows - 1) * stride;
        const float *upper = lower + (rows - r > 4 ? 4 * stride : 0);
        row[r] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lower)),
                                      _mm_loadu_ps(upper), 1);
    }
    const __m256 low_01 = _mm256_unpacklo_ps(row[0], row[1]);
    const __m256 low_23 = _mm256_unpacklo_ps(row[2], row[3]);
    const __m256 high_01 = _mm256_unpackhi_ps(row[0], row[1]);
    const __m256 high_23 = _mm256_unpackhi_ps(row[2], row[3]);
    to[0] = _mm256_shuffle_ps(low_01, low_23, 0x44);
    to[1] = _mm256_shuffle_ps(low_01, low_23, 0xEE);
    to[2] = _mm256_shuffle_ps(high_01, high_23, 0x44);
    to[3] = _mm256_shuffle_ps(high_01, high_23, 0xEE);
}

/// to[q] = from[i * stride + q] for i < rows <= 16, q < 4; other lanes hold numbers of those rows.
CONVK_INLINE(target(CONVK_AVX512))
void convk_transposed_fours_avx512(__m512 to[4], const float *from, ptrdiff_t stride,
                                   ptrdiff_t rows) {
    __m512 row[4];
    for (int r = 0; r < 4; r++) {
        const float *first = from + convk_min(r, rows - 1) * stride;
        row[r] = _mm512_castps128_ps512(_mm_loadu_ps(first));
#pragma clang loop unroll(full)
        for (int quarter = 1; quarter < 4; quarter++) {
            const ptrdiff_t step = rows - r > 4 * quarter ? 4 * quarter * stride : 0;
            const __m128 four = _mm_loadu_ps(first + step);
            row[r] = quarter == 1   ? _mm512_insertf32x4(row[r], four, 1)
                     : quarter == 2 ? _mm512_insertf32x4(row[r], four, 2)
                                    : _mm512_insertf32x4(row[r], four, 3);
        }
    }
    const __m512 low_01 = _mm512_unpacklo_ps(row[0], row[1]);
    const __m512 low_23 = _mm512_unpacklo_ps(row[2], row[3]);
    const __m512 high_01 = _mm512_unpackhi_ps(row[0], row[1]);
    const __m512 high_23 = _mm512_unpackhi_ps(row[2], row[3]);
    to[0] = _mm512_shuffle_ps(low_01, low_23, 0x44);
    to[1] = _mm512_shuffle_ps(low_01, low_23, 0xEE);
    to[2] = _mm512_shuffle_ps(high_01, high_23, 0x44);
    to[3] = _mm512_shuffle_ps(high_01, high_23, 0xEE);
}

/// to[q] = from[i * stride + q] for i < rows <= 16, q < 16, zero for rows <= i. Each row's 64 bytes
/// are read at once: with rows a multiple of 4 KiB apart, no first-level cache would keep them for
/// another look.
CONVK_INLINE(target(CONVK_AVX512))
void convk_transposed_sixteens_avx512(__m512 to[16], const float *from, ptrdiff_t stride,
                                      ptrdiff_t rows) {
    // Quarter i of vector 4 q + r: columns 4 q ..< 4 q + 4 of row 4 i + r.
    __m512 quarter[16];
#pragma clang loop unroll(full)
    for (int r = 0; r < 4; r++) {
        __m512 row[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++)
            row[i] = 4 * i + r < rows ? _mm512_loadu_ps(from + (4 * i + r) * stride)
                                      : _mm512_setzero_ps();
        const __m512 low_01 = _mm512_shuffle_f32x4(row[0], row[1], 0x44);
        const __m512 low_23 = _mm512_shuffle_f32x4(row[2], row[3], 0x44);
        const __m512 high_01 = _mm512_shuffle_f32x4(row[0], row[1], 0xEE);
        const __m512 high_23 = _mm512_shuffle_f32x4(row[2], row[3], 0xEE);
        quarter[r] = _mm512_shuffle_f32x4(low_01, low_23, 0x88);
        quarter[4 + r] = _mm512_shuffle_f32x4(low_01, low_23, 0xDD);
        quarter[8 + r] = _mm512_shuffle_f32x4(high_01, high_23, 0x88);
        quarter[12 + r] = _mm512_shuffle_f32x4(high_01, high_23, 0xDD);
    }
#pragma clang loop unroll(full)
    for (int q = 0; q < 16; q += 4) {
        const __m512 low_01 = _mm512_unpacklo_ps(quarter[q], quarter[q + 1]);
        const __m512 low_23 = _mm512_unpacklo_ps(quarter[q + 2], quarter[q + 3]);
        const __m512 high_01 = _mm512_unpackhi_ps(quarter[q], quarter[q + 1]);
        const __m512 high_23 = _mm512_unpackhi_ps(quarter[q + 2], quarter[q + 3]);
        to[q] = _mm512_shuffle_ps(low_01, low_23, 0x44);
        to[q + 1] = _mm512_shuffle_ps(low_01, low_23, 0xEE);
        to[q + 2] = _mm512_shuffle_ps(high_01, high_23, 0x44);
        to[q + 3] = _mm512_shuffle_ps(high_01, high_23, 0xEE);
    }
}
#endif

#endif
