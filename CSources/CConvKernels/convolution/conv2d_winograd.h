// SPDX-License-Identifier: MIT
//
// Convolution at stride 1 by Winograd's minimal filtering: 3 x 3 and 5 x 5 filters, with about a
// third of the multiplications. The forward pass is one; so is the gradient with respect to the
// images, with flipped filters.
#ifndef CONVK_CONV2D_WINOGRAD_H
#define CONVK_CONV2D_WINOGRAD_H

#include "convolution/conv2d_algorithms.h"
#include "gemm/sgemm_pack.h"
#include "kernels/kernels.h"

/// y[n, g, i, p] = sum over k of A_g(i, k) * patch(n, g, k, p) + bias[g, i], for each group g.
typedef struct {
    const convk_kernels *kernels;
    const convk_winograd_transforms *transforms;
    convk_window window; ///< the images [n, groups * c, h, w]; c counts the channels of one group
    ptrdiff_t groups;
    ptrdiff_t x_image;      ///< from one image to the next
    ptrdiff_t y_image;      ///< the same of outputs
    ptrdiff_t rows;         ///< output channels of a group
    ptrdiff_t panel;        ///< height of the filters' panels
    ptrdiff_t row_panels;   ///< panels of filters in a group
    ptrdiff_t point_stride; ///< floats of one point of a transformed panel of filters
    ptrdiff_t tiles_stride; ///< floats of one point of a block's transformed tiles
    ptrdiff_t tile_outputs; ///< outputs along each side of a tile: 4 or 2
    ptrdiff_t tiles_h, tiles_w;
    ptrdiff_t blocks;    ///< blocks of nr tiles, counted over (n, tile row, tile column)
    ptrdiff_t row_tasks; ///< tasks that share one block of tiles, each with its filters
} convk_conv2d_winograd;

enum {
    /// What points lie apart besides their numbers: transforms go from point to point, and a
    /// multiple of some KiB leads into the same few lines of the first-level cache. On Zen 4 a
    /// block of tiles of 16 channels of 32 x 32 takes 0.7 of the time that it takes without.
    CONVK_WINOGRAD_GAP = 16,
};

/// The products of some panels of filters with a block of tiles at all points, and the outputs that
/// they give.
typedef struct {
    const convk_conv2d_winograd *p;
    const convk_conv2d_plan *plan;
    const convk_conv2d_operands *operands;
    ptrdiff_t filter;     ///< the group's first
    float *y;             ///< the group's first output channel of the first image
    const float *filters; ///< the group's, transformed
    const float *bias;    ///< of the group, or NULL
    ptrdiff_t tile, tile_end;
    ptrdiff_t panel, panel_end;
    float *products; ///< 36 times all rows of the panels and nr, products_stride apart
} convk_winograd_outputs;

/// Whether the algorithm can compute the convolution.
bool convk_conv2d_winograd_can(const convk_conv2d *conv, convk_execution execution);

/// How many tiles there are, of all images.
ptrdiff_t convk_conv2d_winograd_tiles(const convk_window *window);

/// The floats of all transformed filters, and of one block's transformed tiles.
ptrdiff_t convk_conv2d_winograd_filters_size(const convk_conv2d_winograd *winograd);
ptrdiff_t convk_conv2d_winograd_tiles_size(const convk_conv2d_winograd *winograd);

/// The floats of one point of the products of some panels of filters with a block of tiles.
ptrdiff_t convk_conv2d_winograd_products_stride(const convk_conv2d_winograd *winograd,
                                                ptrdiff_t panels);

/// Transforms the panel of filters of that number, counted over groups and panels. packed has room
/// for a panel of c * kh * kw + 16 numbers for each filter.
void convk_conv2d_winograd_pack_panel(const convk_conv2d_winograd *winograd,
                                      float *restrict filters, const float *restrict weights,
                                      ptrdiff_t index, float *restrict packed);

/// Transforms the filters; an algorithm's `pack`. The workspace has thread_floats floats per
/// thread.
void convk_conv2d_winograd_pack(const convk_conv2d_winograd *winograd, float *restrict filters,
                                const float *restrict weights, float *restrict workspace,
                                ptrdiff_t thread_floats);

/// Transforms the products back and writes the outputs.
void convk_conv2d_winograd_write(const convk_winograd_outputs *outputs);

/// Block sizes for a convolution that this algorithm accepts.
convk_conv2d_winograd convk_conv2d_winograd_make(const convk_conv2d *conv,
                                                 convk_execution execution);

/// Tiles tile ..< tile_end as a block, as the image sees them or as the outputs do.
void convk_conv2d_winograd_block(convk_tile_block *block, const convk_conv2d_winograd *winograd,
                                 ptrdiff_t tile, ptrdiff_t tile_end, bool of_outputs);

#endif
