// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel for AVX-512. Register budget, of 32: 28 for the 14 x 32 tile, 2 for a row of
// the B panel, 1 for the broadcast number of A.
#include "base/convk_targets.h"
#include "base/convk_transpose.h"
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define MR 14
enum { VECTORS = 2, LANES = 16 };
#define KERNEL convk_sgemm_avx512
#define ROW_KERNEL convk_sgemm_row_avx512
#define COLUMN_KERNEL convk_sgemm_column_avx512
#define DIRECT_KERNEL convk_direct_avx512
#define DIRECT_WEIGHTS_KERNEL convk_direct_weights_avx512
#define ROWS_KERNEL convk_rows_avx512
#define DEPTHWISE_KERNEL convk_depthwise_avx512
#define DEPTHWISE_WEIGHTS_KERNEL convk_depthwise_weights_avx512
#define NARROW_DEPTHWISE_KERNEL convk_depthwise_avx2
#define NARROW_LANES 8
#define STRIPS_KERNEL convk_strips_avx512
#define CHANNELS_KERNEL convk_channels_avx512
#define NARROW_STRIPS_KERNEL convk_strips_narrow_avx512
#define DEPTHWISE_PLANES_KERNEL convk_depthwise_planes_avx512
#define SUM_LANES convk_sum_lanes_avx512
#define SPLIT_ROW convk_split_row_avx512
#define JOIN_ROWS convk_join_rows_avx512
#define ROWS_FILTERS 6
#define transposed_fours(to, from, stride) convk_transposed_fours_avx512(to, from, stride, LANES)
#define TARGET __attribute__((target(CONVK_AVX512)))
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

/// Of NaN and of two zeros min and max take the second.
INLINE vector clipped(vector a, const float *clip) {
    return _mm512_min_ps(broadcast(clip + 1), _mm512_max_ps(broadcast(clip), a));
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
        if (tile->clip) sum = clipped(sum, tile->clip);
        _mm512_mask_storeu_ps(c_i + v * LANES, mask, sum);
    }
}

INLINE vector load_first(const float *from, ptrdiff_t count) {
    return _mm512_maskz_loadu_ps(column_mask(count, 0), from);
}
INLINE void store_first(float *to, vector a, ptrdiff_t count) {
    _mm512_mask_storeu_ps(to, column_mask(count, 0), a);
}

typedef __mmask16 lane_mask;

INLINE lane_mask lanes_inside(ptrdiff_t at, ptrdiff_t width) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i place = _mm512_add_epi32(lane, _mm512_set1_epi32((int)at));
    // Without a sign, negative places are large.
    return _mm512_cmplt_epu32_mask(place, _mm512_set1_epi32((int)width));
}
INLINE vector load_lanes(const float *from, lane_mask mask) {
    return _mm512_maskz_loadu_ps(mask, from);
}
INLINE vector load_masked(const float *from, uint16_t mask) {
    return _mm512_maskz_loadu_ps(mask, from);
}
INLINE float sum_of_lanes(vector a) {
    return _mm512_reduce_add_ps(a);
}

INLINE __m512i every_second(int first) {
    const __m512i twice =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_add_epi32(twice, _mm512_set1_epi32(first));
}
INLINE vector evens(vector a, vector b) {
    return _mm512_permutex2var_ps(a, every_second(0), b);
}
INLINE vector odds(vector a, vector b) {
    return _mm512_permutex2var_ps(a, every_second(1), b);
}
INLINE vector evenly(vector a) {
    return a;
}
/// Lanes of two vectors by turns, from one on.
INLINE __m512i by_turns(int first) {
    const __m512i turns = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return _mm512_add_epi32(turns, _mm512_set1_epi32(first));
}
INLINE vector low(vector a, vector b) {
    return _mm512_permutex2var_ps(a, by_turns(0), b);
}
INLINE vector high(vector a, vector b) {
    return _mm512_permutex2var_ps(a, by_turns(8), b);
}

#include "kernels/sgemm_tile.inc"

#include "kernels/conv2d_direct_tile.inc"

#include "kernels/conv2d_direct_weights_tile.inc"

#include "kernels/conv2d_rows_tile.inc"

#include "kernels/conv2d_depthwise_tile.inc"

#include "kernels/conv2d_strips_tile.inc"

#include "kernels/conv2d_channels_tile.inc"
#endif
