// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel for AVX2 with FMA. Register budget, of 16: 12 for the 6 x 16 tile, 2 for a row
// of the B panel, 1 for the broadcast number of A.
#include "sgemm_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { MR = 6, NR = 16, LANES = 8 };

#define TARGET __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/// Lanes of vector v that lie inside the tile's columns: all bits set where they do.
INLINE __m256i column_mask(ptrdiff_t columns, int v) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(columns - v * LANES)), lane);
}

INLINE void write_row(const convk_tile *tile, ptrdiff_t i, const __m256 *row, const int vectors) {
    const __m256 alpha = _mm256_set1_ps(tile->alpha);
    float *c_i = tile->c + i * tile->ldc;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        const __m256i mask = column_mask(tile->columns, v);
        __m256 sum = _mm256_mul_ps(row[v], alpha);
        if (tile->beta != 0) {
            const __m256 old = _mm256_maskload_ps(c_i + v * LANES, mask);
            sum = _mm256_fmadd_ps(old, _mm256_set1_ps(tile->beta), sum);
        }
        if (tile->row_bias) sum = _mm256_add_ps(sum, _mm256_set1_ps(tile->row_bias[i]));
        _mm256_maskstore_ps(c_i + v * LANES, mask, sum);
    }
}

/// One step along k: acc[i][v] += a(i) * b[v]. Packed, a[0] points to all rows of A; in place, a[i
/// / 3] to every third.
INLINE void add_outer_product(__m256 acc[MR][2], const float *const *a, ptrdiff_t stride,
                              const float *b, const int height, const int vectors,
                              const bool packed) {
    __m256 b_p[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) b_p[v] = _mm256_loadu_ps(b + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++) {
        const __m256 a_i = _mm256_set1_ps(packed ? a[0][i] : a[i / 3][(i % 3) * stride]);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) acc[i][v] = _mm256_fmadd_ps(a_i, b_p[v], acc[i][v]);
    }
}

/// The tile for one panel height; height, vectors and packed are constants where this is inlined.
INLINE void compute(const convk_tile *tile, const int height, const int vectors,
                    const bool packed) {
    const float *a = tile->a, *b = tile->b;
    const ptrdiff_t stride = tile->a_row_stride;
    // In place, three rows share a pointer: six of them and the rest are too many registers.
    const float *a_3[(MR + 2) / 3];
#pragma clang loop unroll(full)
    for (int i = 0; i < (height + 2) / 3; i++) a_3[i] = a + (packed ? 0 : 3 * i * stride);

    __m256 acc[MR][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) acc[i][v] = _mm256_setzero_ps();

    if (packed) {
        for (ptrdiff_t p = 0; p < tile->k; p++) {
            add_outer_product(acc, &a, 1, b + p * NR, height, vectors, packed);
            a += height;
        }
    } else {
        // Unrolled, the loads of several steps would be gathered first, and the tile spilled.
#pragma clang loop unroll(disable)
        for (ptrdiff_t p = 0; p < tile->k; p++) {
            add_outer_product(acc, a_3, stride, b + p * NR, height, vectors, packed);
#pragma clang loop unroll(full)
            for (int i = 0; i < (height + 2) / 3; i++) a_3[i]++;
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++)
        if (i < tile->rows) write_row(tile, i, acc[i], vectors);
}

INLINE void for_height(const convk_tile *tile, const int vectors, const bool packed) {
    switch (tile->panel) {
    case 1:
        return compute(tile, 1, vectors, packed);
    case 2:
        return compute(tile, 2, vectors, packed);
    case 3:
        return compute(tile, 3, vectors, packed);
    case 4:
        return compute(tile, 4, vectors, packed);
    case 5:
        return compute(tile, 5, vectors, packed);
    default:
        return compute(tile, 6, vectors, packed);
    }
}

TARGET static void packed_two(const convk_tile *tile) {
    for_height(tile, 2, true);
}
TARGET static void packed_one(const convk_tile *tile) {
    for_height(tile, 1, true);
}
TARGET static void in_place_two(const convk_tile *tile) {
    for_height(tile, 2, false);
}
TARGET static void in_place_one(const convk_tile *tile) {
    for_height(tile, 1, false);
}

void convk_sgemm_6x16_avx2(const convk_tile *tile) {
    // A tile of at most 8 columns needs only the first vector of each row of B.
    const bool one = tile->columns <= LANES;
    if (tile->a_row_stride == 0) return one ? packed_one(tile) : packed_two(tile);
    return one ? in_place_one(tile) : in_place_two(tile);
}
#endif
