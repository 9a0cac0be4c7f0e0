// SPDX-License-Identifier: MIT
//
// Convolution at any stride as a product of packed weights with patches that are packed straight
// from the images, a block at a time. The forward pass is one; so is the gradient with respect to
// the images at stride 1, with the filters turned round.
#ifndef CONVK_CONV2D_PRODUCT_H
#define CONVK_CONV2D_PRODUCT_H

#include "sgemm_pack.h"

/// y[n, g, i, p] = sum over k of A_g(i, k) * patch(n, g, k, p) + bias[g, i], for each group g.
typedef struct {
    const convk_sgemm_entry *entry;
    convk_window window; ///< the images [n, groups * c, h, w]; c counts the channels of one group
    ptrdiff_t groups;
    ptrdiff_t m;            ///< output channels of a group: rows of A
    ptrdiff_t k;            ///< taps of a group, c * kh * kw
    ptrdiff_t panel;        ///< height of A's panels
    ptrdiff_t kc;           ///< depth of a block
    ptrdiff_t mc;           ///< rows of A that a task works through at a time
    ptrdiff_t block_panels; ///< panels of patches in a task
    ptrdiff_t row_tasks;    ///< tasks that share one block of patches, each with its rows of A
    bool is_pointwise;      ///< each pixel is its own patch; the window has an image in one row
} convk_conv2d_product;

/// Block sizes for a convolution of the window's images, with m output channels a group.
convk_conv2d_product convk_conv2d_product_make(const convk_window *window, ptrdiff_t groups,
                                               ptrdiff_t m, convk_execution execution);

/// The floats that the packed weights take. Panel i of group g starts at
/// (g * panels + i) * k * panel.
ptrdiff_t convk_conv2d_product_weights_size(const convk_conv2d_product *product);

/// The floats of workspace beside them.
ptrdiff_t convk_conv2d_product_workspace(const convk_conv2d_product *product, int threads);

/// Packs the weights of all groups: A_g(i, j) = weights[(g * m + i) * k + j]. Called by every
/// thread of a parallel region; none returns before all is written.
void convk_conv2d_product_pack(const convk_conv2d_product *product, float *restrict packed_weights,
                               const float *restrict weights);

/// The product, rectified where asked for. Called by every thread of a parallel region, after the
/// weights are packed.
void convk_conv2d_product_run(const convk_conv2d_product *product, float *restrict y,
                              const float *restrict x, const float *restrict packed_weights,
                              const float *restrict bias, bool relu, float *restrict workspace);

/// The threads for a convolution with this many multiply-adds.
static inline int convk_conv2d_threads(const convk_conv2d *conv, convk_execution execution) {
    const convk_window *w = &conv->window;
    const double work = (double)w->n * (double)w->oh * (double)w->ow * (double)conv->filters *
                        (double)(w->c / conv->groups) * (double)(w->kh * w->kw);
    // Below a few microseconds of work the others would wake up too late.
    return work < 1 << 18 ? 1 : execution.threads;
}

/// The window with the channels of one group.
static inline convk_window convk_window_of_group(const convk_conv2d *conv) {
    convk_window window = conv->window;
    window.c /= conv->groups;
    return window;
}

#endif
