// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel for AVX-512. Register budget, of 32: 28 for the 14 x 32 tile, 2 for a row of
// the B panel; A is broadcast from memory by the multiply-add itself.
#include "sgemm_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { MR = 14, NR = 32, LANES = 16 };

#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) TARGET

/// Lanes of vector v that lie inside the tile's columns.
INLINE __mmask16 column_mask(ptrdiff_t columns, int v) {
    ptrdiff_t left = columns - v * LANES;
    return left >= LANES ? (__mmask16)0xFFFF : (__mmask16)((1u << left) - 1);
}

INLINE void write_row(const convk_tile *tile, ptrdiff_t i, const __m512 *row, const int vectors) {
    const __m512 alpha = _mm512_set1_ps(tile->alpha);
    float *c_i = tile->c + i * tile->ldc;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        const __mmask16 mask = column_mask(tile->columns, v);
        __m512 sum = _mm512_mul_ps(row[v], alpha);
        if (tile->beta != 0) {
            const __m512 old = _mm512_maskz_loadu_ps(mask, c_i + v * LANES);
            sum = _mm512_fmadd_ps(old, _mm512_set1_ps(tile->beta), sum);
        }
        if (tile->row_bias) sum = _mm512_add_ps(sum, _mm512_set1_ps(tile->row_bias[i]));
        _mm512_mask_storeu_ps(c_i + v * LANES, mask, sum);
    }
}

/// One step along k: acc[i][v] += a(i) * b[v]. Packed, a[0] points to all rows of A; in place, a[i
/// / 3] to every third.
INLINE void add_outer_product(__m512 acc[MR][2], const float *const *a, ptrdiff_t stride,
                              const float *b, const int height, const int vectors,
                              const bool packed) {
    __m512 b_p[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) b_p[v] = _mm512_loadu_ps(b + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++) {
        const __m512 a_i = _mm512_set1_ps(packed ? a[0][i] : a[i / 3][(i % 3) * stride]);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) acc[i][v] = _mm512_fmadd_ps(a_i, b_p[v], acc[i][v]);
    }
}

/// The tile for one panel height; height, vectors and packed are constants where this is inlined.
INLINE void compute(const convk_tile *tile, const int height, const int vectors,
                    const bool packed) {
    const float *a = tile->a, *b = tile->b;
    const ptrdiff_t stride = tile->a_row_stride;
    // In place, three rows share a pointer: 14 of them would not fit in the integer registers.
    const float *a_3[(MR + 2) / 3];
#pragma clang loop unroll(full)
    for (int i = 0; i < (height + 2) / 3; i++) a_3[i] = a + (packed ? 0 : 3 * i * stride);

    __m512 acc[MR][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) acc[i][v] = _mm512_setzero_ps();

    // The tile's rows of C are far apart; on their way while the sums are made, they cost nothing.
    for (ptrdiff_t i = 0; i < tile->rows; i++) {
        _mm_prefetch((const char *)(tile->c + i * tile->ldc), _MM_HINT_T0);
        _mm_prefetch((const char *)(tile->c + i * tile->ldc + tile->columns - 1), _MM_HINT_T0);
    }
    if (packed) {
        for (ptrdiff_t p = 0; p < tile->k; p++) {
            add_outer_product(acc, &a, 1, b + p * NR, height, vectors, packed);
            // The next panel of A, from where all threads share it.
            _mm_prefetch((const char *)(a + height * tile->k), _MM_HINT_T1);
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
    case 6:
        return compute(tile, 6, vectors, packed);
    case 7:
        return compute(tile, 7, vectors, packed);
    case 8:
        return compute(tile, 8, vectors, packed);
    case 9:
        return compute(tile, 9, vectors, packed);
    case 10:
        return compute(tile, 10, vectors, packed);
    case 11:
        return compute(tile, 11, vectors, packed);
    case 12:
        return compute(tile, 12, vectors, packed);
    case 13:
        return compute(tile, 13, vectors, packed);
    default:
        return compute(tile, 14, vectors, packed);
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

void convk_sgemm_14x32_avx512(const convk_tile *tile) {
    // A tile of at most 16 columns needs only the first vector of each row of B.
    const bool one = tile->columns <= LANES;
    if (tile->a_row_stride == 0) return one ? packed_one(tile) : packed_two(tile);
    return one ? in_place_one(tile) : in_place_two(tile);
}
#endif
