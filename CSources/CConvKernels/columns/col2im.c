// SPDX-License-Identifier: MIT
//
// col2im, the adjoint of im2col: every patch is added back to where it came from. Threads share
// blocks of channels of an image, which no other thread writes to. At stride 1 along a row, patches
// are transposed and added as vectors (columns_block.h); at others run by run.
#include "kernels/kernels.h"

#include <string.h>

// Planes that are added to at the same time should stay in the second-level cache; the more there
// are, the longer the runs in which columns are read. But a small batch is cut into this many
// tasks.
enum { BLOCK_PIXELS = 65536, FEWEST_TASKS = 16 };

/// Adds one place's patches where all their columns lie inside the image. to and from: the pixel
/// of the first tap inside, and that tap. kw is a constant where this is inlined.
static inline __attribute__((always_inline)) void
fold_inside(float *restrict to, const float *restrict from, ptrdiff_t channels,
            const convk_window *w, convk_taps rows, const ptrdiff_t kw) {
    const ptrdiff_t plane = w->h * w->w, step = w->dilation_h * w->w;
    const ptrdiff_t inside = rows.end - rows.begin;
    for (ptrdiff_t c = 0; c < channels; c++, to += plane, from += w->kh * kw)
        for (ptrdiff_t u = 0; u < inside; u++)
            for (ptrdiff_t v = 0; v < kw; v++) to[u * step + v] += from[u * kw + v];
}

/// The same for any place and dilation, leaving out what lies outside the image.
static void fold_at_edge(float *restrict planes, const float *restrict from, ptrdiff_t channels,
                         const convk_window *w, convk_taps rows, convk_taps columns) {
    for (ptrdiff_t c = 0; c < channels; c++) {
        for (ptrdiff_t u = rows.begin; u < rows.end; u++) {
            float *row = planes + (c * w->h + rows.first + u * w->dilation_h) * w->w;
            const float *from_u = from + (c * w->kh + u) * w->kw;
            for (ptrdiff_t v = columns.begin; v < columns.end; v++)
                row[columns.first + v * w->dilation_w] += from_u[v];
        }
    }
}

static inline void fold_place(float *restrict planes, const float *restrict from,
                              ptrdiff_t channels, const convk_window *w, convk_taps rows,
                              convk_taps columns) {
    if (w->dilation_w != 1 || columns.end - columns.begin != w->kw || rows.begin == rows.end)
        return fold_at_edge(planes, from, channels, w, rows, columns);
    float *to = planes + (rows.first + rows.begin * w->dilation_h) * w->w + columns.first;
    from += rows.begin * w->kw;
    switch (w->kw) {
    case 1:
        return fold_inside(to, from, channels, w, rows, 1);
    case 2:
        return fold_inside(to, from, channels, w, rows, 2);
    case 3:
        return fold_inside(to, from, channels, w, rows, 3);
    case 5:
        return fold_inside(to, from, channels, w, rows, 5);
    case 7:
        return fold_inside(to, from, channels, w, rows, 7);
    case 11:
        return fold_inside(to, from, channels, w, rows, 11);
    default:
        return fold_inside(to, from, channels, w, rows, w->kw);
    }
}

/// Adds the patches of some channels of one image. columns: the image's rows of the matrix, at the
/// first of those channels.
static void fold_channels(float *restrict planes, const float *restrict columns, ptrdiff_t channels,
                          const convk_window *w) {
    const ptrdiff_t patch = w->c * w->kh * w->kw;
    memset(planes, 0, (size_t)(channels * w->h * w->w) * sizeof(float));
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const convk_taps rows = convk_rows_at(w, i);
        for (ptrdiff_t j = 0; j < w->ow; j++, columns += patch)
            fold_place(planes, columns, channels, w, rows, convk_columns_at(w, j));
    }
}

/// The same at stride 1, in blocks of places. Rows are cleared just before they are first added to,
/// when they are about to be in the cache anyway.
static void fold_channels_in_blocks(float *restrict planes, const float *restrict columns,
                                    ptrdiff_t channels, const convk_window *w,
                                    const convk_columns_blocks *blocks) {
    const ptrdiff_t patch = w->c * w->kh * w->kw;
    float ring[CONVK_FOLD_RING] __attribute__((aligned(64)));
    memset(ring, 0, sizeof ring);
    ptrdiff_t cleared = 0;
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const ptrdiff_t row = i * w->stride_h - w->pad_top;
        const ptrdiff_t below = row + (w->kh - 1) * w->dilation_h + 1;
        const ptrdiff_t end = i == w->oh - 1 ? w->h : convk_min(convk_max(below, cleared), w->h);
        for (ptrdiff_t c = 0; c < channels && cleared < end; c++)
            memset(planes + (c * w->h + cleared) * w->w, 0,
                   (size_t)((end - cleared) * w->w) * sizeof(float));
        cleared = end;
        for (ptrdiff_t j = 0; j < w->ow; j += CONVK_FOLD_PLACES) {
            const convk_fold_run run = {.x = planes,
                                        .columns = columns + (i * w->ow + j) * patch,
                                        .channels = channels,
                                        .row = row,
                                        .column = j - w->pad_left,
                                        .places = convk_min(CONVK_FOLD_PLACES, w->ow - j)};
            blocks->fold(&run, w, ring);
        }
    }
}

/// Whether windows are of one pixel and each image is its rows of the matrix transposed, in whole
/// vectors.
static bool is_transposition(const convk_window *w) {
    enum { VECTOR = 16, FOUR = 4 };
    return convk_is_pointwise(w) && w->h * w->w % VECTOR == 0 && w->c % FOUR == 0;
}

static void transpose_rows(float *restrict x, const float *restrict columns, const convk_window *w,
                           convk_execution execution) {
    enum { PIXELS = 64 };
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    const ptrdiff_t pixels = w->h * w->w, blocks = convk_ceil_div(pixels, PIXELS);
    const int threads = convk_threads_for(w->n * w->c * pixels, execution);
    // Each block of pixels is written by one thread.
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (block, w->n * blocks) {
            const ptrdiff_t n = block / blocks, pixel = block % blocks * PIXELS;
            const ptrdiff_t used = convk_min(PIXELS, pixels - pixel);
            kernels->pack_strip(x + n * w->c * pixels + pixel,
                                columns + (n * pixels + pixel) * w->c, w->c, 1, used, w->c, pixels);
        }
    }
}

/// The channels that a task adds up. What is added to at the same time should stay in the
/// second-level cache: whole planes, or in blocks the rows under a window.
static ptrdiff_t channels_of_task(const convk_window *w, bool in_blocks) {
    // However large the planes are: fewer channels would use too little of each line of the matrix.
    enum { FEWEST_CHANNELS = 8 };
    const ptrdiff_t pixels = (in_blocks ? w->kh : w->h) * w->w;
    const ptrdiff_t fitting = convk_max(BLOCK_PIXELS / pixels, FEWEST_CHANNELS);
    const ptrdiff_t shared = convk_ceil_div(w->n * w->c, FEWEST_TASKS);
    return convk_max(1, convk_min(convk_min(w->c, shared), fitting));
}

void convk_col2im(float *restrict x, const float *restrict columns, const convk_window *window,
                  convk_execution execution) {
    const convk_window w = *window;
    if (is_transposition(&w) && w.c > 1) return transpose_rows(x, columns, &w, execution);
    const bool in_blocks = w.stride_w == 1 && convk_blocks_pay(&w) && w.kw <= CONVK_BLOCK_TAPS &&
                           (w.kw - 1) * w.dilation_w <= CONVK_LARGEST_REACH;
    const convk_columns_blocks *leaves = convk_kernels_for(execution.isa)->columns;
    const ptrdiff_t plane = w.h * w.w, taps = w.kh * w.kw;
    const ptrdiff_t channels = channels_of_task(&w, in_blocks);
    const ptrdiff_t blocks = convk_ceil_div(w.c, channels);
    const int threads = convk_threads_for(w.n * w.oh * w.ow * w.c * taps, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (task, w.n * blocks) {
            const ptrdiff_t n = task / blocks, c = task % blocks * channels;
            float *planes = x + (n * w.c + c) * plane;
            const float *from = columns + n * w.oh * w.ow * w.c * taps + c * taps;
            const ptrdiff_t some = convk_min(channels, w.c - c);
            if (in_blocks)
                fold_channels_in_blocks(planes, from, some, &w, leaves);
            else
                fold_channels(planes, from, some, &w);
        }
    }
}
