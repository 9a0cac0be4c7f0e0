// SPDX-License-Identifier: MIT
//
// The transforms of Winograd's minimal filtering, after Lavin and Gray, "Fast algorithms for
// convolutional neural networks", 2016: a tile of 6 x 6 pixels gives 4 x 4 outputs of a 3 x 3
// filter or 2 x 2 outputs of a 5 x 5 filter, with 36 multiplications instead of 144 or 100. The
// points are 0, 1, -1, 2, -2 and infinity for both, so that both share the transform of the image.
//
//   Y = A' [ (G g G') * (B' d B) ] A      * element by element, summed over channels
//
// That is linear in g, so the gradient with respect to the filter is the same read backwards:
//
//   dg = G' [ (A dY A') * (B' d B) ] G    summed over tiles
//
// Textbooks divide by 4, 6 and 24 in G. Here G, B and A are whole numbers: those factors stand in
// A, as multiples of 1/24, and what is left is one division of the output by 24 * 24. So as long as
// no sum passes 2^24, whole numbers give exact results.
//
// Otherwise a result y is off by at most the sum of |dy/dr| h(r) over all numbers r that are
// rounded on the way, h(r) being half a unit in the last place, and but with a probability of 2
// exp(-l^2/2) by l times the root of the sum of squares.
// Sources/ConvNetReference/WinogradSteps.swift repeats the steps to compute that: a step that is
// changed here is to be changed there.
#ifndef CONVK_WINOGRAD_TRANSFORM_H
#define CONVK_WINOGRAD_TRANSFORM_H

#include "base/convk_base.h"

enum {
    CONVK_WINOGRAD_TILE = 6,    ///< pixels along each side of a tile
    CONVK_WINOGRAD_POINTS = 36, ///< numbers of a transformed tile
    CONVK_WINOGRAD_BLOCK = 32,  ///< tiles that are transformed at a time, at most
};

/// A run of neighbouring tiles of one row of tiles.
typedef struct {
    ptrdiff_t place; ///< the first one's lane in its block
    ptrdiff_t count;
    ptrdiff_t row;    ///< first row of its pixels, perhaps negative; or of its outputs
    ptrdiff_t column; ///< likewise
    ptrdiff_t image;  ///< offset of the image's first plane
} convk_tile_run;

/// Eight tiles, side by side in their block, from up to four places where two of them are.
typedef struct {
    ptrdiff_t place;  ///< the first one's lane
    ptrdiff_t run[4]; ///< which run has the two
    ptrdiff_t tile[4];
    ptrdiff_t width[4], height[4]; ///< of the two's outputs that exist; 8 and 4 at most
    bool whole;                    ///< all are 8 and 4
} convk_tile_eight;

/// A block of tiles, as the image sees them or as the outputs do.
typedef struct {
    ptrdiff_t m;     ///< outputs along each side of a tile: 4 or 2
    ptrdiff_t lanes; ///< tiles of a whole block
    ptrdiff_t h, w;  ///< of a plane of pixels, or of outputs
    ptrdiff_t run_count;
    convk_tile_run runs[CONVK_WINOGRAD_BLOCK];
    ptrdiff_t eight_count; ///< 0 for m = 2
    convk_tile_eight eights[CONVK_WINOGRAD_BLOCK];
} convk_tile_block;

/// Finds a block's eights: once for all channels.
void convk_tile_block_find_eights(convk_tile_block *block);

typedef struct {
    /// Transforms filters: u[point * u_stride + c * panel + i] for channels c and filters i <
    /// panel, from packed[(c * r * r + tap) * panel + i]. Up to lanes - 1 numbers behind the last
    /// of each point are overwritten; as many behind the packed filters are read.
    void (*filters)(float *restrict u, ptrdiff_t u_stride, const float *restrict packed,
                    ptrdiff_t channels, ptrdiff_t panel, int r);
    /// Transforms a block of tiles of one channel: v[point * v_stride + lane], lane < lanes. Lanes
    /// that no run covers become 0.
    void (*input)(float *restrict v, ptrdiff_t v_stride, const float *restrict x,
                  const convk_tile_block *restrict block);
    /// The outputs of a block of tiles for one filter, from m[point * m_stride + lane], with bias
    /// added and, if asked for, ReLU.
    void (*output)(float *restrict y, const float *restrict products, ptrdiff_t products_stride,
                   const convk_tile_block *restrict block, float bias, bool relu);
    /// Transforms the gradients of a block of tiles' outputs for one filter, A dy A': v[point *
    /// v_stride + lane]. Lanes that no run covers become 0.
    void (*gradient)(float *restrict v, ptrdiff_t v_stride, const float *restrict dy,
                     const convk_tile_block *restrict block);
    /// The gradients of one filter's taps for some channels, taps[tap * taps_stride + c], from what
    /// all tiles add up to, sums[point * sums_stride + c]. Both have whole vectors of channels.
    void (*weights)(float *restrict taps, ptrdiff_t taps_stride, const float *restrict sums,
                    ptrdiff_t sums_stride, ptrdiff_t channels, int r);
} convk_winograd_transforms;

#endif
