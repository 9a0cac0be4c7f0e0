// SPDX-License-Identifier: MIT
//
// Which taps of a sliding window lie inside the image.
#ifndef CONVK_WINDOW_H
#define CONVK_WINDOW_H

#include "base/convk_base.h"

/// The window with the channels of one group.
static inline convk_window convk_window_of_group(const convk_conv2d *conv) {
    convk_window window = conv->window;
    window.c /= conv->groups;
    return window;
}

/// The floats from one image of x to the next.
static inline ptrdiff_t convk_x_image(const convk_conv2d *conv) {
    return conv->x_image ? conv->x_image : conv->window.c * conv->window.h * conv->window.w;
}

/// The floats from one image of y to the next.
static inline ptrdiff_t convk_y_image(const convk_conv2d *conv) {
    return conv->y_image ? conv->y_image : conv->filters * conv->window.oh * conv->window.ow;
}

/// The taps of one place along one axis.
typedef struct {
    ptrdiff_t begin, end; ///< those inside the image; equal where there are none
    ptrdiff_t first;      ///< the pixel that tap 0 stands for, perhaps negative
} convk_taps;

static inline convk_taps convk_taps_at(ptrdiff_t first, ptrdiff_t extent, ptrdiff_t size,
                                       ptrdiff_t dilation) {
    convk_taps taps = {.begin = 0, .end = size, .first = first};
    // Most places lie inside: they are spared the divisions.
    if (first < 0) taps.begin = convk_min(convk_ceil_div(-first, dilation), size);
    if (first + (size - 1) * dilation >= extent)
        taps.end = first >= extent ? taps.begin
                                   : convk_max(taps.begin, (extent - 1 - first) / dilation + 1);
    return taps;
}

/// The taps of output row i.
static inline convk_taps convk_rows_at(const convk_window *w, ptrdiff_t i) {
    return convk_taps_at(i * w->stride_h - w->pad_top, w->h, w->kh, w->dilation_h);
}

/// The taps of output column j.
static inline convk_taps convk_columns_at(const convk_window *w, ptrdiff_t j) {
    return convk_taps_at(j * w->stride_w - w->pad_left, w->w, w->kw, w->dilation_w);
}

/// Whether each place of the window is one pixel, and the places lie as the image's pixels do.
static inline bool convk_is_pointwise(const convk_window *w) {
    return w->kh * w->kw == 1 && w->stride_h == 1 && w->stride_w == 1 && w->oh == w->h &&
           w->ow == w->w && w->pad_top == 0 && w->pad_left == 0;
}

/// How many pixels one place sees at most. A window may have far more taps, too many to multiply.
static inline ptrdiff_t convk_pixels_seen(const convk_window *w) {
    return convk_min(w->kh, w->h) * convk_min(w->kw, w->w);
}

#endif
