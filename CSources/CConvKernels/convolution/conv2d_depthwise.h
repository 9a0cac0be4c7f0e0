// SPDX-License-Identifier: MIT
//
// Depthwise convolution: groups of one channel. What its forward pass and its gradients have in
// common.
#ifndef CONVK_CONV2D_DEPTHWISE_H
#define CONVK_CONV2D_DEPTHWISE_H

#include "convolution/conv2d_algorithms.h"
#include "convolution/conv2d_phases.h"

enum {
    CONVK_DEPTHWISE_BAND = 1 << 12,    ///< floats of a copied band: it stays in the first level
    CONVK_DEPTHWISE_TASKS = 16,        ///< that keep a machine busy
    CONVK_DEPTHWISE_MOST_TAPS = 256,   ///< of a filter
    CONVK_DEPTHWISE_LARGEST = 1 << 16, ///< floats that one row of outputs may read
};

/// Whether there is a micro-kernel that reads the images as they lie.
static inline bool convk_has_strips(const convk_window *w) {
    return w->kh == w->kw && (w->kh == 3 || w->kh == 5) && w->dilation_h == 1 &&
           w->dilation_w == 1 && w->stride_h == w->stride_w && w->stride_h <= 2 &&
           w->w <= CONVK_DEPTHWISE_LARGEST;
}

/// How many bands of rows a plane is cut into: such as fit the first-level cache, and more where
/// there are few planes for threads. `first` rows are read for one row of outputs, and `step` more
/// for each further one, of so many floats. Bands change no sum.
static inline ptrdiff_t convk_depthwise_bands(ptrdiff_t rows, ptrdiff_t planes, ptrdiff_t first,
                                              ptrdiff_t step, ptrdiff_t floats, int threads) {
    const ptrdiff_t fit = (CONVK_DEPTHWISE_BAND / floats - first) / step + 1;
    const ptrdiff_t tasks = threads > 1 ? convk_ceil_div(CONVK_DEPTHWISE_TASKS, planes) : 1;
    return convk_min(convk_max(convk_ceil_div(rows, convk_max(fit, 1)), tasks), rows);
}

#endif
