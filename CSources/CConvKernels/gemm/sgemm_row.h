// SPDX-License-Identifier: MIT
//
// The product of one row with a matrix: bound by reading the matrix, which nothing is packed of.
#ifndef CONVK_SGEMM_ROW_H
#define CONVK_SGEMM_ROW_H

#include "gemm/sgemm_plan.h"

/// Whether a product is one of a row with rows that lie together.
static inline bool convk_sgemm_is_row(ptrdiff_t m, convk_matrix b) {
    return m == 1 && b.column_stride == 1;
}

/// The floats of workspace that convk_sgemm_row needs.
ptrdiff_t convk_sgemm_row_workspace(ptrdiff_t n, ptrdiff_t k, convk_execution execution);

/// c [n] = alpha * a [k] * B [k, n] + beta * c + bias, and ReLU where asked for.
void convk_sgemm_row(float *restrict c, convk_matrix a, convk_matrix b, ptrdiff_t n, ptrdiff_t k,
                     convk_sgemm_ending end, float *restrict sums, convk_execution execution);

#endif
