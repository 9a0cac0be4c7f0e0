// SPDX-License-Identifier: MIT
//
// Packing the operands of a product into the panels that micro-kernels read.
#ifndef CONVK_SGEMM_PACK_H
#define CONVK_SGEMM_PACK_H

#include "kernels/kernels.h"

/// Packs rows ..< rows and columns ..< k of a matrix into a panel: to[p * panel + i] = a(i, p),
/// zero for rows <= i < panel.
static inline void convk_pack_a(const convk_kernels *kernels, float *restrict to, convk_matrix a,
                                ptrdiff_t rows, ptrdiff_t k, ptrdiff_t panel) {
    kernels->pack_strip(to, a.data, a.row_stride, a.column_stride, rows, k, panel);
}

/// Packs rows ..< k and columns ..< columns of a matrix into a panel: to[p * nr + j] = b(p, j),
/// zero for columns <= j < nr.
static inline void convk_pack_b(const convk_kernels *kernels, float *restrict to, convk_matrix b,
                                ptrdiff_t k, ptrdiff_t columns) {
    kernels->pack_strip(to, b.data, b.column_stride, b.row_stride, columns, k, kernels->nr);
}

/// Packs rows ..< rows of a matrix whose rows are contiguous into all panels of columns ..<
/// columns, each depth rows high: to[j * depth + p * nr + l] = b(p, j + l) for each j that is a
/// multiple of nr.
static inline void convk_pack_b_rows(const convk_kernels *kernels, float *restrict to,
                                     convk_matrix b, ptrdiff_t rows, ptrdiff_t columns,
                                     ptrdiff_t depth) {
    kernels->spread_rows(to, b.data, b.row_stride, rows, columns, depth, kernels->nr);
}

/// The same matrix, starting at another element.
static inline convk_matrix convk_submatrix(convk_matrix m, ptrdiff_t row, ptrdiff_t column) {
    m.data += row * m.row_stride + column * m.column_stride;
    return m;
}

#endif
