// SPDX-License-Identifier: MIT
//
// im2col: the patches of images as rows of a matrix. What of a window lies inside the image is
// worked out once a row and once a place, so that the inner loop only copies runs of taps. Threads
// share the rows of output pixels.
#include "convk_window.h"
#include "sgemm_kernels.h"

#include <string.h>

/// Copies the patch of one place whose columns all lie inside the image. from: the pixel under the
/// first tap inside. kw is a constant where this is inlined: a few moves instead of a call.
static inline __attribute__((always_inline)) void
unfold_inside(float *restrict to, const float *restrict from, const convk_window *w,
              convk_taps rows, const ptrdiff_t kw) {
    const ptrdiff_t plane = w->h * w->w, step = w->dilation_h * w->w;
    const ptrdiff_t above = rows.begin * kw, inside = rows.end - rows.begin;
    const ptrdiff_t below = (w->kh - rows.end) * kw;
    for (ptrdiff_t c = 0; c < w->c; c++, from += plane, to += w->kh * kw) {
        if (above > 0) memset(to, 0, (size_t)above * sizeof(float));
        for (ptrdiff_t u = 0; u < inside; u++)
            memcpy(to + above + u * kw, from + u * step, (size_t)kw * sizeof(float));
        if (below > 0) memset(to + rows.end * kw, 0, (size_t)below * sizeof(float));
    }
}

/// The same for any place and dilation: taps outside the image read 0.
static void unfold_at_edge(float *restrict to, const float *restrict image, const convk_window *w,
                           convk_taps rows, convk_taps columns) {
    memset(to, 0, (size_t)(w->c * w->kh * w->kw) * sizeof(float));
    for (ptrdiff_t c = 0; c < w->c; c++) {
        for (ptrdiff_t u = rows.begin; u < rows.end; u++) {
            const float *row = image + (c * w->h + rows.first + u * w->dilation_h) * w->w;
            float *to_u = to + (c * w->kh + u) * w->kw;
            for (ptrdiff_t v = columns.begin; v < columns.end; v++)
                to_u[v] = row[columns.first + v * w->dilation_w];
        }
    }
}

static inline void unfold_place(float *restrict to, const float *restrict image,
                                const convk_window *w, convk_taps rows, convk_taps columns) {
    if (w->dilation_w != 1 || columns.end - columns.begin != w->kw || rows.begin == rows.end)
        return unfold_at_edge(to, image, w, rows, columns);
    const float *from = image + (rows.first + rows.begin * w->dilation_h) * w->w + columns.first;
    switch (w->kw) {
    case 1:
        return unfold_inside(to, from, w, rows, 1);
    case 2:
        return unfold_inside(to, from, w, rows, 2);
    case 3:
        return unfold_inside(to, from, w, rows, 3);
    case 5:
        return unfold_inside(to, from, w, rows, 5);
    case 7:
        return unfold_inside(to, from, w, rows, 7);
    case 11:
        return unfold_inside(to, from, w, rows, 11);
    default:
        return unfold_inside(to, from, w, rows, w->kw);
    }
}

/// With windows of one pixel, the matrix is each image transposed.
static void transpose_images(float *restrict columns, const float *restrict x,
                             const convk_window *w, convk_execution execution) {
    enum { PIXELS = 64 };
    const convk_sgemm_entry *entry = convk_sgemm_entry_for(execution.isa);
    const ptrdiff_t pixels = w->h * w->w, blocks = convk_ceil_div(pixels, PIXELS);
    const int threads = convk_threads_for(w->n * w->c * pixels, execution);
    // Each block of rows is written by one thread.
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t block = 0; block < w->n * blocks; block++) {
        const ptrdiff_t n = block / blocks, pixel = block % blocks * PIXELS;
        entry->pack_strip(columns + (n * pixels + pixel) * w->c, x + n * w->c * pixels + pixel,
                          pixels, 1, w->c, convk_min(PIXELS, pixels - pixel), w->c);
    }
}

void convk_im2col(float *restrict columns, const float *restrict x, const convk_window *window,
                  convk_execution execution) {
    const convk_window w = *window;
    if (w.kh * w.kw == 1 && w.stride_h == 1 && w.stride_w == 1 && w.oh == w.h && w.ow == w.w &&
        w.pad_top == 0 && w.pad_left == 0 && w.h * w.w > 1)
        return transpose_images(columns, x, &w, execution);
    const ptrdiff_t patch = w.c * w.kh * w.kw;
    const int threads = convk_threads_for(w.n * w.oh * w.ow * patch, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t row = 0; row < w.n * w.oh; row++) {
        const float *image = x + row / w.oh * w.c * w.h * w.w;
        const convk_taps rows = convk_rows_at(&w, row % w.oh);
        float *to = columns + row * w.ow * patch;
        for (ptrdiff_t j = 0; j < w.ow; j++, to += patch)
            unfold_place(to, image, &w, rows, convk_columns_at(&w, j));
    }
}
