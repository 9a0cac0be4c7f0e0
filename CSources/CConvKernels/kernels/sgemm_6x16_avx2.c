// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel for AVX2 with FMA. Register budget, of 16: 12 for the 6 x 16 tile, 2 for a row
// of the B panel, 1 for the broadcast number of A.
#include "base/convk_targets.h"
#include "base/convk_transpose.h"
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define MR 6
enum { VECTORS = 2, LANES = 8 };
#define KERNEL convk_sgemm_avx2
#define ROW_KERNEL convk_sgemm_row_avx2
#define COLUMN_KERNEL convk_sgemm_column_avx2
#define DIRECT_KERNEL convk_direct_avx2
#define DIRECT_WEIGHTS_KERNEL convk_direct_weights_avx2
#define ROWS_KERNEL convk_rows_avx2
#define DEPTHWISE_KERNEL convk_depthwise_avx2
#define DEPTHWISE_WEIGHTS_KERNEL convk_depthwise_weights_avx2
#define STRIPS_KERNEL convk_strips_avx2
#define CHANNELS_KERNEL convk_channels_avx2
#define DEPTHWISE_PLANES_KERNEL convk_depthwise_planes_avx2
#define SUM_LANES convk_sum_lanes_avx2
#define SPLIT_ROW convk_split_row_avx2
#define JOIN_ROWS convk_join_rows_avx2
#define ROWS_FILTERS 2
#define transposed_fours(to, from, stride) convk_transposed_fours_avx2(to, from, stride, LANES)
#define TARGET __attribute__((target(CONVK_AVX2)))
#define INLINE static inline CONVK_ALWAYS_INLINE TARGET

typedef __m256 vector;

INLINE vector zero(void) {
    return _mm256_setzero_ps();
}
INLINE vector load(const float *from) {
    return _mm256_loadu_ps(from);
}
INLINE void store(float *to, vector a) {
    _mm256_storeu_ps(to, a);
}
INLINE vector broadcast(const float *from) {
    return _mm256_set1_ps(*from);
}
INLINE vector add(vector a, vector b) {
    return _mm256_add_ps(a, b);
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return _mm256_fmadd_ps(a, b, c);
}

INLINE vector rectified(vector a) {
    return _mm256_and_ps(a, _mm256_cmp_ps(a, zero(), _CMP_NLE_UQ));
}

/// Of NaN and of two zeros min and max take the second.
INLINE vector clipped(vector a, const float *clip) {
    return _mm256_min_ps(broadcast(clip + 1), _mm256_max_ps(broadcast(clip), a));
}

/// Lanes of vector v that lie inside the tile's columns: all bits set where they do.
INLINE __m256i column_mask(ptrdiff_t columns, int v) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(columns - v * LANES)), lane);
}

INLINE void write_row(const convk_tile *tile, ptrdiff_t i, const vector *row, const int vectors) {
    float *c_i = tile->c + i * tile->ldc;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
        const __m256i mask = column_mask(tile->columns, v);
        vector sum = _mm256_mul_ps(row[v], _mm256_set1_ps(tile->alpha));
        if (tile->beta != 0) {
            const vector old = _mm256_maskload_ps(c_i + v * LANES, mask);
            sum = _mm256_fmadd_ps(old, _mm256_set1_ps(tile->beta), sum);
        }
        if (tile->row_bias) sum = _mm256_add_ps(sum, _mm256_set1_ps(tile->row_bias[i]));
        if (tile->column_bias)
            sum = _mm256_add_ps(sum, _mm256_maskload_ps(tile->column_bias + v * LANES, mask));
        if (tile->relu) sum = rectified(sum);
        if (tile->clip) sum = clipped(sum, tile->clip);
        _mm256_maskstore_ps(c_i + v * LANES, mask, sum);
    }
}

INLINE vector load_first(const float *from, ptrdiff_t count) {
    return _mm256_maskload_ps(from, column_mask(count, 0));
}
INLINE void store_first(float *to, vector a, ptrdiff_t count) {
    _mm256_maskstore_ps(to, column_mask(count, 0), a);
}

typedef __m256i lane_mask;

INLINE lane_mask lanes_inside(ptrdiff_t at, ptrdiff_t width) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i place = _mm256_add_epi32(lane, _mm256_set1_epi32((int)at));
    const __m256i right = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)width), place);
    // A negative place has its highest bit set.
    return _mm256_andnot_si256(_mm256_srai_epi32(place, 31), right);
}
INLINE vector load_lanes(const float *from, lane_mask mask) {
    return _mm256_maskload_ps(from, mask);
}
INLINE vector load_masked(const float *from, uint16_t mask) {
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32(mask), bits);
    return _mm256_maskload_ps(from, _mm256_cmpeq_epi32(set, bits));
}
INLINE float sum_of_lanes(vector a) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

// Within each half of a vector first; then whole quarters into their places.
INLINE vector evens(vector a, vector b) {
    return _mm256_shuffle_ps(a, b, 0x88);
}
INLINE vector odds(vector a, vector b) {
    return _mm256_shuffle_ps(a, b, 0xDD);
}
INLINE vector evenly(vector a) {
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xD8));
}
INLINE vector low(vector a, vector b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
INLINE vector high(vector a, vector b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}

#include "kernels/sgemm_tile.inc"

#include "kernels/conv2d_direct_tile.inc"

#include "kernels/conv2d_direct_weights_tile.inc"

#include "kernels/conv2d_rows_tile.inc"

#include "kernels/conv2d_depthwise_tile.inc"

#include "kernels/conv2d_strips_tile.inc"

#include "kernels/conv2d_channels_tile.inc"
#endif
