// SPDX-License-Identifier: MIT
//
// Convolution by planes, for groups of one channel at stride 1 whose outputs are as wide as the
// images: a pixel's taps are then at fixed distances from it in the image as it lies, over the ends
// of rows, and masks, the same for all planes, leave out what lies outside. Rows need not fill
// vectors, and nothing is copied. The forward pass, the gradient with respect to images (with the
// filters turned round), and the one with respect to filters.
#ifndef CONVK_CONV2D_PLANES_H
#define CONVK_CONV2D_PLANES_H

#include "sgemm_kernels.h"

/// y[n, g, i, p] = sum over k of weights[g, i, k] * patch(n, g, k, p) + bias[g, i].
typedef struct {
    const convk_sgemm_entry *entry;
    convk_window window; ///< the images [n, groups, h, w]; c is 1
    ptrdiff_t groups;
    ptrdiff_t rows;    ///< output channels of a group
    ptrdiff_t taps;    ///< of a filter
    ptrdiff_t vectors; ///< of pixels in a plane of outputs
} convk_conv2d_planes;

/// Whether a convolution of the window's images, with this many output channels a group, is fastest
/// by planes, and its gradients too. The window's c counts the channels of one group.
bool convk_conv2d_planes_pays(const convk_window *window, ptrdiff_t rows,
                              convk_execution execution);

/// What such a convolution needs to know.
convk_conv2d_planes convk_conv2d_planes_make(const convk_window *window, ptrdiff_t groups,
                                             ptrdiff_t rows, convk_execution execution);

/// The floats that the filters take.
ptrdiff_t convk_conv2d_planes_filters_size(const convk_conv2d_planes *by_planes);

/// The floats of workspace beside them.
ptrdiff_t convk_conv2d_planes_workspace(const convk_conv2d_planes *by_planes, int threads);

/// Copies the filters of all groups.
void convk_conv2d_planes_pack(const convk_conv2d_planes *by_planes, float *restrict filters,
                              const float *restrict weights);

/// The convolution. Called by every thread of a parallel region, after the filters are copied.
void convk_conv2d_planes_run(const convk_conv2d_planes *by_planes, float *restrict y,
                             const float *restrict x, const float *restrict filters,
                             const float *restrict bias, bool relu, float *restrict workspace);

/// dw [groups, rows, taps] = the gradient with respect to the filters. Called by every thread.
void convk_conv2d_planes_weights(const convk_conv2d_planes *by_planes, float *restrict dw,
                                 const float *restrict dy, const float *restrict x,
                                 float *restrict workspace);

#endif
