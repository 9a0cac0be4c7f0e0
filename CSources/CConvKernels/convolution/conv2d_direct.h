// SPDX-License-Identifier: MIT
//
// Direct convolution: lanes are filters, and the micro-kernel broadcasts pixels from where they
// lie, so that only filters are packed. The forward pass is one; so is the gradient with respect to
// the images at stride 1, with flipped filters. Here are its parts, for callers that do more with a
// row than to store it.
#ifndef CONVK_CONV2D_DIRECT_H
#define CONVK_CONV2D_DIRECT_H

#include "convolution/conv2d_band.h"
#include "gemm/sgemm_pack.h"

/// y[n, g, i, p] = sum over k of A_g(i, k) * patch(n, g, k, p) + bias[g, i], for each group g.
typedef struct {
    const convk_kernels *kernels;
    convk_window window; ///< the images [n, groups * c, h, w]; c counts the channels of one group
    ptrdiff_t groups;
    ptrdiff_t rows;        ///< output channels of a group
    ptrdiff_t taps;        ///< of a group, c * kh * kw
    ptrdiff_t output_rows; ///< of a task
    ptrdiff_t bands;       ///< tasks of a group of an image
} convk_conv2d_direct;

/// The block sizes of a plan with this algorithm.
convk_conv2d_direct convk_conv2d_direct_of(const convk_conv2d_plan *plan);

/// The floats of all packed filters.
ptrdiff_t convk_conv2d_direct_filters_size(const convk_conv2d_direct *direct);

/// Packs the filters, in a parallel region, for a plan with these block sizes.
void convk_conv2d_direct_pack(const convk_conv2d_plan *plan, float *restrict filters,
                              const float *restrict weights, float *restrict workspace);

/// The floats that the offsets of all taps take.
ptrdiff_t convk_conv2d_direct_offsets_size(const convk_conv2d_direct *direct);

/// Where the taps lie in a band, from tap (0, 0, 0) on.
void convk_conv2d_direct_set_offsets(const convk_conv2d_direct *direct, const convk_band *band,
                                     ptrdiff_t *offsets);

/// What is the same in all calls of the micro-kernel for the block of filters from f of a group on.
/// filters: all that were packed. bias: of all groups, or NULL.
convk_direct_tile convk_conv2d_direct_tile(const convk_conv2d_direct *direct, const float *filters,
                                           const float *bias, const ptrdiff_t *offsets,
                                           ptrdiff_t group, ptrdiff_t f);

/// One output row of a block of filters. x: tap (0, 0, 0) of its first pixel.
void convk_conv2d_direct_row(const convk_conv2d_direct *direct, convk_direct_tile tile, float *y,
                             const float *x);

#endif
