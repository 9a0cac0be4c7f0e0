// SPDX-License-Identifier: MIT
//
// im2col: the patches of images as rows of a matrix. At strides 1 and 2 along a row, blocks of taps
// and places are transposed (columns_block.h). At others runs of taps are copied: what of a window
// lies inside the image is worked out once a row and once a place, so that the inner loop only
// copies. Threads share the rows of output pixels.
#include "kernels/kernels.h"

#include <stdatomic.h>
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
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    const ptrdiff_t pixels = w->h * w->w, blocks = convk_ceil_div(pixels, PIXELS);
    const int threads = convk_threads_for(w->n * w->c * pixels, execution);
    // Each block of rows is written by one thread.
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (block, w->n * blocks) {
            const ptrdiff_t n = block / blocks, pixel = block % blocks * PIXELS;
            kernels->pack_strip(columns + (n * pixels + pixel) * w->c,
                                x + n * w->c * pixels + pixel, pixels, 1, w->c,
                                convk_min(PIXELS, pixels - pixel), w->c);
        }
    }
}

/// Whether the matrix is written past the caches: where it would not fit in them anyway, lines need
/// not be read before they are written, nor drive the images out. Whole lines only.
static bool streams(const float *columns, const convk_window *w) {
    // Milliseconds on Zen 5 with 32 MiB of third-level cache, one thread, through the caches and
    // past them: 25 MB (alex.conv3) 1.47 and 1.21, 112 MB (alex.conv2) 10.4 and 4.1.
    enum { SMALLEST = 16 << 20, LINE = 64 };
    const ptrdiff_t patch = w->c * w->kh * w->kw;
    return (uintptr_t)columns % LINE == 0 && patch % CONVK_BLOCK_TAPS == 0 &&
           w->n * w->oh * w->ow * patch * (ptrdiff_t)sizeof(float) >= SMALLEST;
}

/// Whether blocks are transposed: their columns are counted in 32 bits.
static bool in_blocks(const convk_window *w) {
    return w->stride_w <= 2 && convk_blocks_pay(w) && w->w + w->pad_left + w->pad_right < 1 << 30;
}

/// A row of places, a block of taps at a time. first: the image's row under the places' first taps.
static void unfold_row(float *restrict to, const float *restrict image, ptrdiff_t first,
                       const convk_window *w, const convk_columns_blocks *blocks,
                       bool past_caches) {
    const ptrdiff_t patch = w->c * w->kh * w->kw;
    convk_block_taps taps = {.width = w->w,
                             .stride = w->stride_w,
                             .first_column = -w->pad_left,
                             .last_column = (w->kw - 1) * w->dilation_w - w->pad_left};
    ptrdiff_t c = 0, u = 0, v = 0;
    for (ptrdiff_t k = 0; k < patch; k += CONVK_BLOCK_TAPS) {
        taps.taps = convk_min(CONVK_BLOCK_TAPS, patch - k);
        taps.inside = true;
        for (ptrdiff_t t = 0; t < CONVK_BLOCK_TAPS; t++) {
            const ptrdiff_t y = first + u * w->dilation_h;
            const bool inside = c < w->c && y >= 0 && y < w->h;
            taps.inside &= inside;
            // Elsewhere no place reads anything.
            const ptrdiff_t column = v * w->dilation_w - w->pad_left;
            taps.from[t] = inside ? image + (c * w->h + y) * w->w + column : image;
            taps.column[t] = inside ? column : w->w;
            if (++v < w->kw) continue;
            v = 0;
            if (++u < w->kh) continue;
            u = 0;
            c++;
        }
        blocks->unfold(to + k, patch, &taps, w->ow, past_caches);
    }
}

/// Copies runs of taps, a place at a time.
static void unfold_row_of_runs(float *restrict to, const float *restrict image, ptrdiff_t i,
                               const convk_window *w) {
    const ptrdiff_t patch = w->c * w->kh * w->kw;
    const convk_taps rows = convk_rows_at(w, i);
    for (ptrdiff_t j = 0; j < w->ow; j++, to += patch)
        unfold_place(to, image, w, rows, convk_columns_at(w, j));
}

void convk_im2col(float *restrict columns, const float *restrict x, const convk_window *window,
                  convk_execution execution) {
    const convk_window w = *window;
    if (convk_is_pointwise(&w) && w.h * w.w > 1) return transpose_images(columns, x, &w, execution);
    const convk_columns_blocks *blocks = convk_kernels_for(execution.isa)->columns;
    const ptrdiff_t patch = w.c * w.kh * w.kw;
    const bool blocked = in_blocks(&w);
    const bool past_caches = blocked && streams(columns, &w);
    const int threads = convk_threads_for(w.n * w.oh * w.ow * patch, execution);
    CONVK_PARALLEL (threads) {
        // Each row of places is written by one thread.
        CONVK_SHARED_LOOP (row, w.n * w.oh) {
            const float *image = x + row / w.oh * w.c * w.h * w.w;
            const ptrdiff_t i = row % w.oh;
            float *to = columns + row * w.ow * patch;
            if (blocked)
                unfold_row(to, image, i * w.stride_h - w.pad_top, &w, blocks, past_caches);
            else
                unfold_row_of_runs(to, image, i, &w);
        }
        // What went past the caches is not ordered by the barrier at the end.
        if (past_caches) atomic_thread_fence(memory_order_seq_cst);
    }
}
