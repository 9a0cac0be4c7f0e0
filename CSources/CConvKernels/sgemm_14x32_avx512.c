// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel for AVX-512. Register budget, of 32: 28 for the 14 x 32 tile, 2 for a row of
// the B panel, 1 for the broadcast number of A.
#include "convk_transpose.h"
#include "sgemm_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define MR 14
enum { VECTORS = 2, LANES = 16 };
#define KERNEL convk_sgemm_14x32_avx512
#define ROW_KERNEL convk_sgemm_row_avx512
#define DIRECT_KERNEL convk_direct_avx512
#define DIRECT_WEIGHTS_KERNEL convk_direct_weights_avx512
#define ROWS_KERNEL convk_rows_avx512
#define PLANES_KERNEL convk_planes_avx512
#define PLANES_WEIGHTS_KERNEL convk_planes_weights_avx512
#define ROWS_FILTERS 6
#define transposed_fours(to, from, stride) convk_transposed_fours_avx512(to, from, stride, LANES)
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define INLINE static inline CONVK_ALWAYS_INLINE TARGET

typedef __m512 vector;

INLINE vector zero(void) {
    return _mm512_setzero_ps();
}
INLINE vector load(const float *from) {
    return _mm512_loadu_ps(from);
}
INLINE void store(float *to, vector a) {
    _mm512_storeu_ps(to, a);
}
INLINE vector broadcast(const float *from) {
    return _mm512_set1_ps(*from);
}
INLINE vector add(vector a, vector b) {
    return _mm512_add_ps(a, b);
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return _mm512_fmadd_ps(a, b, c);
}

INLINE vector rectified(vector a) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, zero(), _CMP_NLE_UQ), a);
}

/// Lanes of vector v that lie inside the tile's columns.
INLINE __mmask16 column_mask(ptrdiff_t columns, int v) {
    const ptrdiff_t left = convk_max(columns - v * LANES, 0);
    return left >= LANES ? (__mmask16)0xFFFF : (__mmask16)((1u << left) - 1);
}

INLINE void write_row(const convk_tile *tile, ptrdiff_t i, const vector *row, const int vectors) {
    float *c_i = tile->c + i * tile->ldc;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        const __mmask16 mask = column_mask(tile->columns, v);
        vector sum = _mm512_mul_ps(row[v], _mm512_set1_ps(tile->alpha));
        if (tile->beta != 0) {
            const vector old = _mm512_maskz_loadu_ps(mask, c_i + v * LANES);
            sum = _mm512_fmadd_ps(old, _mm512_set1_ps(tile->beta), sum);
        }
        if (tile->row_bias) sum = _mm512_add_ps(sum, _mm512_set1_ps(tile->row_bias[i]));
        if (tile->column_bias)
            sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, tile->column_bias + v * LANES));
        if (tile->relu) sum = rectified(sum);
        _mm512_mask_storeu_ps(c_i + v * LANES, mask, sum);
    }
}

INLINE vector load_first(const float *from, ptrdiff_t count) {
    return _mm512_maskz_loadu_ps(column_mask(count, 0), from);
}
INLINE void store_first(float *to, vector a, ptrdiff_t count) {
    _mm512_mask_storeu_ps(to, column_mask(count, 0), a);
}

INLINE vector load_masked(const float *from, uint16_t mask) {
    return _mm512_maskz_loadu_ps(mask, from);
}
INLINE float sum_of_lanes(vector a) {
    return _mm512_reduce_add_ps(a);
}

#include "sgemm_tile.inc"

#include "conv2d_direct_tile.inc"

#include "conv2d_direct_weights_tile.inc"

#include "conv2d_rows_tile.inc"

#include "conv2d_planes_tile.inc"
#endif
