// SPDX-License-Identifier: MIT
//
// im2col: the patches of images as rows of a matrix. Threads share the rows of output pixels.
#include "convk_base.h"

#include <string.h>

/// Copies width floats, a constant where this is inlined: a few moves instead of a call.
static inline __attribute__((always_inline)) void
copy(float *restrict to, const float *restrict from, const ptrdiff_t width) {
    memcpy(to, from, (size_t)width * sizeof(float));
}

static inline void copy_taps(float *restrict to, const float *restrict from, ptrdiff_t width) {
    switch (width) {
    case 1:
        return copy(to, from, 1);
    case 2:
        return copy(to, from, 2);
    case 3:
        return copy(to, from, 3);
    case 5:
        return copy(to, from, 5);
    case 7:
        return copy(to, from, 7);
    case 11:
        return copy(to, from, 11);
    default:
        return copy(to, from, width);
    }
}

/// One row of taps: to[v] = row[column + v * dilation], zero outside the image.
static inline void unfold_row(float *restrict to, const float *restrict row, ptrdiff_t column,
                              const convk_window *w) {
    if (w->dilation_w == 1 && column >= 0 && column + w->kw <= w->w)
        return copy_taps(to, row + column, w->kw);
    for (ptrdiff_t v = 0; v < w->kw; v++) {
        const ptrdiff_t x = column + v * w->dilation_w;
        to[v] = x >= 0 && x < w->w ? row[x] : 0;
    }
}

void convk_im2col(float *restrict columns, const float *restrict x, const convk_window *window,
                  convk_execution execution) {
    const convk_window w = *window;
    const ptrdiff_t patch = w.c * w.kh * w.kw;
    const int threads = convk_threads_for(w.n * w.oh * w.ow * patch, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t row = 0; row < w.n * w.oh; row++) {
        const float *image = x + row / w.oh * w.c * w.h * w.w;
        const ptrdiff_t top = row % w.oh * w.stride_h - w.pad_top;
        float *to = columns + row * w.ow * patch;
        for (ptrdiff_t j = 0; j < w.ow; j++) {
            const ptrdiff_t column = j * w.stride_w - w.pad_left;
            for (ptrdiff_t c = 0; c < w.c; c++) {
                for (ptrdiff_t u = 0; u < w.kh; u++, to += w.kw) {
                    const ptrdiff_t y = top + u * w.dilation_h;
                    if (y >= 0 && y < w.h)
                        unfold_row(to, image + (c * w.h + y) * w.w, column, &w);
                    else
                        memset(to, 0, (size_t)w.kw * sizeof(float));
                }
            }
        }
    }
}
