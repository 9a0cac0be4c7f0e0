// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel for 64-bit Arm. Register budget, of 32: 24 for the 8 x 12 tile, 3 for a row of
// the B panel, 1 for the broadcast number of A.
#include "base/convk_transpose.h"
#include "kernels/kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define MR 8
enum { VECTORS = 3, LANES = 4 };
#define KERNEL convk_sgemm_neon
#define ROW_KERNEL convk_sgemm_row_neon
#define COLUMN_KERNEL convk_sgemm_column_neon
#define DIRECT_KERNEL convk_direct_neon
#define DIRECT_WEIGHTS_KERNEL convk_direct_weights_neon
#define ROWS_KERNEL convk_rows_neon
#define DEPTHWISE_KERNEL convk_depthwise_neon
#define DEPTHWISE_WEIGHTS_KERNEL convk_depthwise_weights_neon
#define STRIPS_KERNEL convk_strips_neon
#define CHANNELS_KERNEL convk_channels_neon
#define SUM_LANES convk_sum_lanes_neon
#define SPLIT_ROW convk_split_row_neon
#define JOIN_ROWS convk_join_rows_neon
#define ROWS_FILTERS 6
#define transposed_fours(to, from, stride) convk_transposed_fours_plain(to, from, stride, LANES)
#define TARGET
#define INLINE static inline CONVK_ALWAYS_INLINE

typedef convk_four vector;

INLINE vector zero(void) {
    return vdupq_n_f32(0);
}
INLINE vector load(const float *from) {
    return vld1q_f32(from);
}
INLINE void store(float *to, vector a) {
    vst1q_f32(to, a);
}
INLINE vector broadcast(const float *from) {
    return vld1q_dup_f32(from);
}
INLINE vector add(vector a, vector b) {
    return vaddq_f32(a, b);
}
INLINE vector multiply_add(vector a, vector b, vector c) {
    return vfmaq_f32(c, a, b);
}

INLINE void write_row(const convk_tile *tile, ptrdiff_t i, const vector *row, const int vectors) {
    // NEON has no masks: the row goes to C over the stack, number by number.
    float *c_i = tile->c + i * tile->ldc;
    float sums[VECTORS * LANES];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) vst1q_f32(sums + v * LANES, row[v]);
    const float bias = tile->row_bias ? tile->row_bias[i] : 0;
    for (ptrdiff_t j = 0; j < tile->columns; j++) {
        float sum = tile->alpha * sums[j];
        if (tile->beta != 0) sum = __builtin_fmaf(tile->beta, c_i[j], sum);
        if (tile->row_bias) sum += bias;
        if (tile->column_bias) sum += tile->column_bias[j];
        c_i[j] = convk_clipped(tile->relu && sum <= 0 ? 0 : sum, tile->clip);
    }
}

INLINE vector clipped(vector a, const float *clip) {
    const vector low = broadcast(clip), high = broadcast(clip + 1);
    const vector raised = vbslq_f32(vcltq_f32(a, low), low, a);
    return vbslq_f32(vcgtq_f32(raised, high), high, raised);
}
INLINE vector load_first(const float *from, ptrdiff_t count) {
    vector result = zero();
    for (ptrdiff_t i = 0; i < convk_min(count, LANES); i++) result[i] = from[i];
    return result;
}
INLINE vector rectified(vector a) {
    return vbslq_f32(vcleq_f32(a, zero()), zero(), a);
}
INLINE void store_first(float *to, vector a, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) to[i] = a[i];
}
typedef struct {
    ptrdiff_t begin, end;
} lane_mask;

INLINE lane_mask lanes_inside(ptrdiff_t at, ptrdiff_t width) {
    return (lane_mask){convk_max(-at, 0), convk_min(width - at, LANES)};
}
INLINE vector load_lanes(const float *from, lane_mask mask) {
    vector result = zero();
    for (ptrdiff_t i = mask.begin; i < mask.end; i++) result[i] = from[i];
    return result;
}
INLINE float sum_of_lanes(vector a) {
    return vaddvq_f32(a);
}
INLINE vector evens(vector a, vector b) {
    return vuzp1q_f32(a, b);
}
INLINE vector odds(vector a, vector b) {
    return vuzp2q_f32(a, b);
}
INLINE vector evenly(vector a) {
    return a;
}
INLINE vector low(vector a, vector b) {
    return vzip1q_f32(a, b);
}
INLINE vector high(vector a, vector b) {
    return vzip2q_f32(a, b);
}

#include "kernels/sgemm_tile.inc"

#include "kernels/conv2d_direct_tile.inc"

#include "kernels/conv2d_direct_weights_tile.inc"

#include "kernels/conv2d_rows_tile.inc"

#include "kernels/conv2d_depthwise_tile.inc"

#include "kernels/conv2d_strips_tile.inc"

#include "kernels/conv2d_channels_tile.inc"
#endif
