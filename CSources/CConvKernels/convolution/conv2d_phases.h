// SPDX-License-Identifier: MIT
//
// Rows of a plane as depthwise convolution reads them: with zeros where it is padded, and the
// columns that a stride steps over sorted apart. Of a row's padded columns every stride-th, from
// the first on, lie side by side, then every stride-th from the second on, and so forth: the
// row's phases. At any stride the pixels that a tap reads for neighbouring outputs are then
// neighbours.
#ifndef CONVK_CONV2D_PHASES_H
#define CONVK_CONV2D_PHASES_H

#include "base/convk_base.h"
#include "kernels/kernels.h"

#include <string.h>

typedef struct {
    ptrdiff_t h, w;      ///< of the plane
    ptrdiff_t top, left; ///< padded rows and columns before its first ones, or, negative, cropped
    ptrdiff_t stride;    ///< how many phases a row has
    ptrdiff_t columns;   ///< padded columns that are read
    ptrdiff_t width;     ///< from one phase to the next
} convk_phases;

/// Sets the columns and the width for a row of so many outputs, once the rest is set. reach: the
/// padded columns between the first and the last tap. There is room for whole vectors of outputs,
/// and for the zeros that are written behind a row's pixels.
static inline void convk_phases_fit(convk_phases *p, ptrdiff_t outputs, ptrdiff_t reach,
                                    ptrdiff_t lanes) {
    p->columns = (outputs - 1) * p->stride + reach + 1;
    const ptrdiff_t read = convk_round_up(outputs, lanes) + reach / p->stride;
    const ptrdiff_t begin = convk_max(p->left, 0) / p->stride + 1;
    const ptrdiff_t pixels = convk_ceil_div(convk_min(p->w, p->columns), p->stride);
    p->width = convk_max(read, begin + convk_round_up(pixels, lanes));
}

/// From one row of a copy to the next.
static inline ptrdiff_t convk_phases_row(const convk_phases *p) {
    return p->stride * p->width;
}

/// Where a padded column lies in a row.
static inline ptrdiff_t convk_phases_column(const convk_phases *p, ptrdiff_t column) {
    return column % p->stride * p->width + column / p->stride;
}

/// Copies padded rows row ..< row + rows. Beside pixels the copy has to hold zeros already, but
/// for rows that lie outside the plane where clears says so.
static inline void convk_phases_read(const convk_phases *p, const convk_kernels *kernels,
                                     float *restrict copy, const float *restrict plane,
                                     ptrdiff_t row, ptrdiff_t rows, bool clears) {
    const ptrdiff_t begin = convk_max(p->left, 0);
    const ptrdiff_t first = begin - p->left;
    const ptrdiff_t count = convk_min(p->w - first, p->columns - begin);
    const ptrdiff_t step = convk_phases_row(p);
    for (ptrdiff_t i = 0; i < rows; i++) {
        const ptrdiff_t y = row + i - p->top;
        if (y >= 0 && y < p->h && count > 0)
            kernels->split_row(copy + i * step, plane + y * p->w + first, begin, count, p->stride,
                               p->width);
        else if (clears)
            memset(copy + i * step, 0, (size_t)step * sizeof(float));
    }
}

#endif
