// SPDX-License-Identifier: MIT
//
// Convolution at stride 1 by Winograd's minimal filtering: 3 x 3 and 5 x 5 filters, with about a
// third of the multiplications. The forward pass is one; so is the gradient with respect to the
// images, with the filters turned round.
#ifndef CONVK_CONV2D_WINOGRAD_H
#define CONVK_CONV2D_WINOGRAD_H

#include "sgemm_pack.h"
#include "winograd_transform.h"

/// y[n, g, i, p] = sum over k of A_g(i, k) * patch(n, g, k, p) + bias[g, i], for each group g.
typedef struct {
    const convk_sgemm_entry *entry;
    const convk_winograd_transforms *transforms;
    convk_window window; ///< the images [n, groups * c, h, w]; c counts the channels of one group
    ptrdiff_t groups;
    ptrdiff_t rows;         ///< output channels of a group
    ptrdiff_t panel;        ///< height of the filters' panels
    ptrdiff_t row_panels;   ///< panels of filters in a group
    ptrdiff_t point_stride; ///< floats of one point of a transformed panel of filters
    ptrdiff_t tile_outputs; ///< outputs along each side of a tile: 4 or 2
    ptrdiff_t tiles_h, tiles_w;
    ptrdiff_t blocks;    ///< blocks of nr tiles, counted over (n, tile row, tile column)
    ptrdiff_t row_tasks; ///< tasks that share one block of tiles, each with its filters
} convk_conv2d_winograd;

/// Whether a convolution of the window's images, with this many output channels a group, is faster
/// by Winograd's way.
bool convk_conv2d_winograd_pays(const convk_window *window, ptrdiff_t rows,
                                convk_execution execution);

/// Block sizes for such a convolution.
convk_conv2d_winograd convk_conv2d_winograd_make(const convk_window *window, ptrdiff_t groups,
                                                 ptrdiff_t rows, convk_execution execution);

/// The floats that the transformed filters take.
ptrdiff_t convk_conv2d_winograd_filters_size(const convk_conv2d_winograd *winograd);

/// The floats of workspace beside them.
ptrdiff_t convk_conv2d_winograd_workspace(const convk_conv2d_winograd *winograd, int threads);

/// Transforms the filters of all groups, weights[(g * rows + i) * c * kh * kw + tap]. Called by
/// every thread of a parallel region; none returns before all is written.
void convk_conv2d_winograd_pack(const convk_conv2d_winograd *winograd, float *restrict filters,
                                const float *restrict weights, float *restrict workspace);

/// The convolution, rectified where asked for. Called by every thread of a parallel region, after
/// the filters are transformed.
void convk_conv2d_winograd_run(const convk_conv2d_winograd *winograd, float *restrict y,
                               const float *restrict x, const float *restrict filters,
                               const float *restrict bias, bool relu, float *restrict workspace);

/// Cuts tiles tile ..< tile_end, of one block, into runs within one row of tiles, as the image sees
/// them or as the outputs do; returns how many.
ptrdiff_t convk_conv2d_winograd_runs(convk_tile_run *runs, const convk_conv2d_winograd *winograd,
                                     ptrdiff_t tile, ptrdiff_t tile_end, bool of_outputs);

#endif
