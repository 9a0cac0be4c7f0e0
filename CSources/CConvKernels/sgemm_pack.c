// SPDX-License-Identifier: MIT
//
// Packing the operands of a product into panels. Each panel is a strip of the operand in which the
// short axis runs fastest; whether that means copying or transposing depends on the operand.
#include "sgemm_pack.h"

#include <string.h>

/// to[p * width + i] = from[i + p * stride]: the short axis lies together already.
static void copy_strip(float *restrict to, const float *restrict from, ptrdiff_t stride,
                       ptrdiff_t used, ptrdiff_t k, ptrdiff_t width) {
    for (ptrdiff_t p = 0; p < k; p++) {
        const float *from_p = from + p * stride;
        float *to_p = to + p * width;
        for (ptrdiff_t i = 0; i < used; i++) to_p[i] = from_p[i];
        for (ptrdiff_t i = used; i < width; i++) to_p[i] = 0;
    }
}

/// to[p * width + i] = from[i * stride + p]: the short axis is strided. Blocks of 8 along k, so
/// that a cache line that was fetched from each strip is used before the next.
static void transpose_strip(float *restrict to, const float *restrict from, ptrdiff_t stride,
                            ptrdiff_t used, ptrdiff_t k, ptrdiff_t width) {
    enum { BLOCK = 8 };
    ptrdiff_t p = 0;
    for (; p + BLOCK <= k; p += BLOCK) {
        for (ptrdiff_t i = 0; i < used; i++) {
            const float *from_i = from + i * stride + p;
            float *to_i = to + p * width + i;
            for (ptrdiff_t q = 0; q < BLOCK; q++) to_i[q * width] = from_i[q];
        }
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
