// SPDX-License-Identifier: MIT
//
// col2im, the adjoint of im2col: every patch is added back to where it came from. Threads share
// blocks of channels of an image, which nobody else writes to.
#include "convk_base.h"

#include <string.h>

// Planes that are added to at the same time should stay in the first-level cache.
static const ptrdiff_t block_pixels = 8192;

/// row[column + v * dilation] += from[v], leaving out what lies outside the image.
static inline void fold_row(float *restrict row, const float *restrict from, ptrdiff_t column,
                            const convk_window *w) {
    if (w->dilation_w == 1 && column >= 0 && column + w->kw <= w->w) {
        for (ptrdiff_t v = 0; v < w->kw; v++) row[column + v] += from[v];
        return;
    }
    for (ptrdiff_t v = 0; v < w->kw; v++) {
        const ptrdiff_t x = column + v * w->dilation_w;
        if (x >= 0 && x < w->w) row[x] += from[v];
    }
}

/// Adds the patches of some channels of one image. columns: the image's rows of the matrix, at the
/// first of those channels.
static void fold_channels(float *restrict planes, const float *restrict columns, ptrdiff_t channels,
                          const convk_window *w) {
    const ptrdiff_t patch = w->c * w->kh * w->kw;
    memset(planes, 0, (size_t)(channels * w->h * w->w) * sizeof(float));
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        for (ptrdiff_t j = 0; j < w->ow; j++, columns += patch) {
            const float *from = columns;
            for (ptrdiff_t c = 0; c < channels; c++) {
                for (ptrdiff_t u = 0; u < w->kh; u++, from += w->kw) {
                    const ptrdiff_t y = i * w->stride_h + u * w->dilation_h - w->pad_top;
                    if (y >= 0 && y < w->h)
                        fold_row(planes + (c * w->h + y) * w->w, from,
                                 j * w->stride_w - w->pad_left, w);
                }
            }
        }
    }
}

void convk_col2im(float *restrict x, const float *restrict columns, const convk_window *window,
                  convk_execution execution) {
    const convk_window w = *window;
    const ptrdiff_t plane = w.h * w.w, taps = w.kh * w.kw;
    const ptrdiff_t channels = convk_max(1, convk_min(w.c, block_pixels / plane));
    const ptrdiff_t blocks = convk_ceil_div(w.c, channels);
    const int threads = convk_threads_for(w.n * w.oh * w.ow * w.c * taps, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t task = 0; task < w.n * blocks; task++) {
        const ptrdiff_t n = task / blocks, c = task % blocks * channels;
        fold_channels(x + (n * w.c + c) * plane, columns + n * w.oh * w.ow * w.c * taps + c * taps,
                      convk_min(channels, w.c - c), &w);
    }
}
