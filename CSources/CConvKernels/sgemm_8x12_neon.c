// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel for 64-bit Arm. Register budget, of 32: 24 for the 8 x 12 tile, 3 for a row of
// the B panel, 1 for the broadcast number of A.
#include "sgemm_kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

enum { MR = 8, NR = 12, LANES = 4, VECTORS = NR / LANES };

#define INLINE static inline __attribute__((always_inline))

INLINE void write_row(const convk_tile *tile, ptrdiff_t i, const float32x4_t *row) {
    float *c_i = tile->c + i * tile->ldc;
    float sums[NR];
#pragma clang loop unroll(full)
    for (int v = 0; v < VECTORS; v++) vst1q_f32(sums + v * LANES, row[v]);
    const float bias = tile->row_bias ? tile->row_bias[i] : 0;
    for (ptrdiff_t j = 0; j < tile->columns; j++) {
        float sum = tile->alpha * sums[j];
        if (tile->beta != 0) sum = __builtin_fmaf(tile->beta, c_i[j], sum);
        c_i[j] = tile->row_bias ? sum + bias : sum;
    }
}

/// The tile for one panel height; height and packed are constants where this is inlined.
INLINE void compute(const convk_tile *tile, const int height, const bool packed) {
    const float *a = tile->a, *b = tile->b;
    const ptrdiff_t step = packed ? 1 : tile->a_row_stride;
    float32x4_t acc[MR][VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++)
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) acc[i][v] = vdupq_n_f32(0);

    for (ptrdiff_t p = 0; p < tile->k; p++) {
        float32x4_t b_p[VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < VECTORS; v++) b_p[v] = vld1q_f32(b + v * LANES);
#pragma clang loop unroll(full)
        for (int i = 0; i < height; i++) {
            const float32x4_t a_ip = vld1q_dup_f32(a + i * step);
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) acc[i][v] = vfmaq_f32(acc[i][v], a_ip, b_p[v]);
        }
        b += NR;
        a += packed ? height : 1;
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < height; i++)
        if (i < tile->rows) write_row(tile, i, acc[i]);
}

INLINE void for_height(const convk_tile *tile, const bool packed) {
    switch (tile->panel) {
    case 1:
        return compute(tile, 1, packed);
    case 2:
        return compute(tile, 2, packed);
    case 3:
        return compute(tile, 3, packed);
    case 4:
        return compute(tile, 4, packed);
    case 5:
        return compute(tile, 5, packed);
    case 6:
        return compute(tile, 6, packed);
    case 7:
        return compute(tile, 7, packed);
    default:
        return compute(tile, 8, packed);
    }
}

void convk_sgemm_8x12_neon(const convk_tile *tile) {
    if (tile->a_row_stride == 0) return for_height(tile, true);
    for_height(tile, false);
}
#endif
