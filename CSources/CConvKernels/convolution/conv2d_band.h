// SPDX-License-Identifier: MIT
//
// The part of images that a band of output rows sees. With padding it is copied, zeros included, so
// that readers need not check where the image ends; without padding, it is read in place.
#ifndef CONVK_CONV2D_BAND_H
#define CONVK_CONV2D_BAND_H

#include "base/convk_base.h"

typedef struct {
    const convk_window *window;
    ptrdiff_t output_rows; ///< in a band, at most
    bool copies;
    ptrdiff_t rows;  ///< of a copied band
    ptrdiff_t width; ///< from one row of what is read to the next
    ptrdiff_t plane; ///< from one channel to the next
} convk_band;

/// The input rows under so many output rows.
static inline ptrdiff_t convk_rows_under(const convk_window *w, ptrdiff_t output_rows) {
    return (output_rows - 1) * w->stride_h + (w->kh - 1) * w->dilation_h + 1;
}

/// The input columns under an output row.
static inline ptrdiff_t convk_columns_under(const convk_window *w) {
    return (w->ow - 1) * w->stride_w + (w->kw - 1) * w->dilation_w + 1;
}

/// How many of `rows` rows of outputs, of each group of each image, a task takes: as many as need
/// no more than so many floats of input, and fewer where threads would be without work. The
/// window's c counts the channels of one group.
static inline ptrdiff_t convk_rows_of_task(const convk_window *w, ptrdiff_t groups, ptrdiff_t rows,
                                           ptrdiff_t band_floats, int threads) {
    enum { ENOUGH_TASKS = 16 };
    const ptrdiff_t floats = w->c * convk_rows_under(w, w->oh) * convk_columns_under(w);
    // One thread needs no extra bands. How rows are cut into bands changes no sum.
    const ptrdiff_t tasks = threads > 1 ? ENOUGH_TASKS : 1;
    const ptrdiff_t bands =
        convk_max(convk_ceil_div(floats, band_floats), convk_ceil_div(tasks, w->n * groups));
    return convk_ceil_div(rows, convk_min(bands, rows));
}

static inline convk_band convk_band_make(const convk_window *w, ptrdiff_t output_rows) {
    const ptrdiff_t columns = convk_columns_under(w);
    convk_band band = {.window = w, .output_rows = output_rows};
    band.copies =
        w->pad_top != 0 || w->pad_left != 0 || convk_rows_under(w, w->oh) > w->h || columns > w->w;
    band.rows = convk_rows_under(w, output_rows);
    band.width = band.copies ? columns : w->w;
    band.plane = band.copies ? band.rows * columns : w->h * w->w;
    return band;
}

/// The floats of a copy with so many channels.
static inline ptrdiff_t convk_band_size(const convk_band *band, ptrdiff_t channels) {
    return band->copies ? convk_round_up(channels * band->plane, 16) : 0;
}

/// The distances of the runs of `run` taps from tap (0, 0, 0), in the order (c, kh, kw).
static inline void convk_band_offsets(const convk_band *band, ptrdiff_t run,
                                      ptrdiff_t *restrict offsets) {
    const convk_window *w = band->window;
    for (ptrdiff_t c = 0; c < w->c; c++)
        for (ptrdiff_t u = 0; u < w->kh; u++)
            for (ptrdiff_t v = 0; v < w->kw; v += run)
                *offsets++ = c * band->plane + u * w->dilation_h * band->width + v * w->dilation_w;
}

/// Tap (0, 0) of the first pixel of output row `row`, of channels that begin at x: there, or in the
/// copy that is made of them.
static inline const float *convk_band_read(const convk_band *band, float *restrict copy,
                                           const float *restrict x, ptrdiff_t row,
                                           ptrdiff_t channels) {
    const convk_window *w = band->window;
    if (!band->copies) return x + row * w->stride_h * w->w;
    const ptrdiff_t begin = convk_min(convk_max(w->pad_left, 0), band->width);
    const ptrdiff_t end = convk_max(convk_min(w->w + w->pad_left, band->width), begin);
    for (ptrdiff_t c = 0; c < channels; c++) {
        for (ptrdiff_t i = 0; i < band->rows; i++) {
            const ptrdiff_t y = row * w->stride_h - w->pad_top + i;
            float *to = copy + c * band->plane + i * band->width;
            if (y < 0 || y >= w->h) {
                convk_clear_short(to, band->width);
                continue;
            }
            convk_clear_short(to, begin);
            convk_copy_short(to + begin, x + (c * w->h + y) * w->w + begin - w->pad_left,
                             end - begin);
            convk_clear_short(to + end, band->width - end);
        }
    }
    return copy;
}

#endif
