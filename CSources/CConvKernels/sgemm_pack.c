// SPDX-License-Identifier: MIT
//
// Packing the operands of a product into panels. Each panel is a strip of the operand in which the
// short axis runs fastest; whether that means copying or transposing depends on the operand.
#include "sgemm_pack.h"

#include <string.h>

/// to[p * width + i] = from[i + p * stride]: the short axis lies together already. With a constant
/// width, where this is inlined, a row is a few vector moves.
static inline __attribute__((always_inline)) void copy_rows(float *restrict to,
                                                            const float *restrict from,
                                                            ptrdiff_t stride, ptrdiff_t k,
                                                            const ptrdiff_t width) {
    for (ptrdiff_t p = 0; p < k; p++)
        memcpy(to + p * width, from + p * stride, (size_t)width * sizeof(float));
}

/// The same with zeros beyond the used part of a row.
static void copy_strip(float *restrict to, const float *restrict from, ptrdiff_t stride,
                       ptrdiff_t used, ptrdiff_t k, ptrdiff_t width) {
    if (used == width) {
        switch (width) {
        case 8:
            return copy_rows(to, from, stride, k, 8);
        case 12:
            return copy_rows(to, from, stride, k, 12);
        case 14:
            return copy_rows(to, from, stride, k, 14);
        case 16:
            return copy_rows(to, from, stride, k, 16);
        case 32:
            return copy_rows(to, from, stride, k, 32);
        default:
            return copy_rows(to, from, stride, k, width);
        }
    }
    for (ptrdiff_t p = 0; p < k; p++) {
        const float *from_p = from + p * stride;
        float *to_p = to + p * width;
        for (ptrdiff_t i = 0; i < used; i++) to_p[i] = from_p[i];
        for (ptrdiff_t i = used; i < width; i++) to_p[i] = 0;
    }
}

typedef float four __attribute__((vector_size(16)));

/// to[q * width + i] = from[i * stride + q] for 4 x 4 numbers, through registers. Four floats are a
/// vector on every CPU that the kernels are built for.
static inline void transpose_4x4(float *restrict to, const float *restrict from, ptrdiff_t stride,
                                 ptrdiff_t width) {
    four row[4];
    for (int i = 0; i < 4; i++) memcpy(&row[i], from + i * stride, sizeof(four));
    const four low_01 = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
    const four low_23 = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
    const four high_01 = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
    const four high_23 = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    const four column[4] = {__builtin_shufflevector(low_01, low_23, 0, 1, 4, 5),
                            __builtin_shufflevector(low_01, low_23, 2, 3, 6, 7),
                            __builtin_shufflevector(high_01, high_23, 0, 1, 4, 5),
                            __builtin_shufflevector(high_01, high_23, 2, 3, 6, 7)};
    for (int q = 0; q < 4; q++) memcpy(to + q * width, &column[q], sizeof(four));
}

/// to[p * width + i] = from[i * stride + p]: the short axis is strided. Blocks of 16 along k: a
/// whole cache line of each strip is used at once, before the next strip's line throws it out.
static void transpose_strip(float *restrict to, const float *restrict from, ptrdiff_t stride,
                            ptrdiff_t used, ptrdiff_t k, ptrdiff_t width) {
    enum { BLOCK = 16 };
    ptrdiff_t p = 0;
    for (; p + BLOCK <= k; p += BLOCK) {
        ptrdiff_t i = 0;
        for (; i + 4 <= used; i += 4)
            for (ptrdiff_t q = 0; q < BLOCK; q += 4)
                transpose_4x4(to + (p + q) * width + i, from + i * stride + p + q, stride, width);
        for (; i < used; i++)
            for (ptrdiff_t q = 0; q < BLOCK; q++)
                to[(p + q) * width + i] = from[i * stride + p + q];
    }
    for (; p < k; p++)
        for (ptrdiff_t i = 0; i < used; i++) to[p * width + i] = from[i * stride + p];
    if (used == width) return;
    for (p = 0; p < k; p++)
        for (ptrdiff_t i = used; i < width; i++) to[p * width + i] = 0;
}

void convk_pack_a(float *restrict to, convk_matrix a, ptrdiff_t rows, ptrdiff_t k,
                  ptrdiff_t panel) {
    if (a.row_stride == 1)
        copy_strip(to, a.data, a.column_stride, rows, k, panel);
    else
        transpose_strip(to, a.data, a.row_stride, rows, k, panel);
}

void convk_pack_b(float *restrict to, convk_matrix b, ptrdiff_t k, ptrdiff_t columns,
                  ptrdiff_t nr) {
    if (b.column_stride == 1)
        copy_strip(to, b.data, b.row_stride, columns, k, nr);
    else
        transpose_strip(to, b.data, b.column_stride, columns, k, nr);
}

/// The full panels of one row; nr is a constant where this is inlined.
static inline __attribute__((always_inline)) void spread_row(float *restrict to,
                                                             const float *restrict from,
                                                             ptrdiff_t columns, ptrdiff_t depth,
                                                             const ptrdiff_t nr) {
    for (ptrdiff_t j = 0; j < columns; j += nr)
        memcpy(to + j * depth, from + j, (size_t)nr * sizeof(float));
}

void convk_pack_b_rows(float *restrict to, convk_matrix b, ptrdiff_t rows, ptrdiff_t columns,
                       ptrdiff_t depth, ptrdiff_t nr) {
    const ptrdiff_t full = columns / nr * nr;
    for (ptrdiff_t p = 0; p < rows; p++) {
        const float *from = b.data + p * b.row_stride;
        float *to_p = to + p * nr;
        switch (nr) {
        case 16:
            spread_row(to_p, from, full, depth, 16);
            break;
        case 32:
            spread_row(to_p, from, full, depth, 32);
            break;
        default:
            spread_row(to_p, from, full, depth, nr);
        }
        for (ptrdiff_t l = 0; full < columns && l < nr; l++)
            to_p[full * depth + l] = full + l < columns ? from[full + l] : 0;
    }
}
