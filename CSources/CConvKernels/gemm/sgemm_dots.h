// SPDX-License-Identifier: MIT
//
// The product of one row with a matrix whose columns lie together.
#ifndef CONVK_SGEMM_DOTS_H
#define CONVK_SGEMM_DOTS_H

#include "gemm/sgemm_plan.h"

/// Whether a product is one of a row whose numbers lie together with columns whose numbers do, and
/// which are long enough for it to pay. Milliseconds on Zen 4, one thread, 1280 numbers by 1000
/// columns: 0.47 with packed columns, 0.28 so.
static inline bool convk_sgemm_is_dots(ptrdiff_t m, ptrdiff_t k, convk_matrix a, convk_matrix b) {
    enum { SHORTEST = 64 };
    return m == 1 && k >= SHORTEST && a.column_stride == 1 && b.row_stride == 1;
}

/// c [n] = alpha * a [k] * B + beta * c + bias, and ReLU where asked for; column j of B begins at b
/// + j * row_stride.
void convk_sgemm_dots(float *restrict c, const float *restrict a, const float *restrict b,
                      ptrdiff_t row_stride, ptrdiff_t n, ptrdiff_t k, convk_sgemm_ending end,
                      convk_execution execution);

#endif
