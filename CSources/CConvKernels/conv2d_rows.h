// SPDX-License-Identifier: MIT
//
// Convolution by rows: lanes are neighbouring pixels of an output row, and weights are broadcast.
// For few filters, which would leave most lanes of the direct convolution's tiles empty. The
// forward pass is one; so is the gradient with respect to the images at stride 1, with the filters
// turned round.
#ifndef CONVK_CONV2D_ROWS_H
#define CONVK_CONV2D_ROWS_H

#include "sgemm_pack.h"

/// y[n, g, i, p] = sum over k of A_g(i, k) * patch(n, g, k, p) + bias[g, i], for each group g.
typedef struct {
    const convk_sgemm_entry *entry;
    convk_window window; ///< the images [n, groups * c, h, w]; c counts the channels of one group
    ptrdiff_t groups;
    ptrdiff_t rows;        ///< output channels of a group
    ptrdiff_t panel;       ///< height of the filters' panels
    ptrdiff_t taps;        ///< of a group, c * kh * kw
    ptrdiff_t output_rows; ///< of a task
    ptrdiff_t bands;       ///< tasks of a group of an image
} convk_conv2d_rows;

/// Whether a convolution of the window's images, with this many output channels a group, is fastest
/// by rows. The window's c counts the channels of one group.
bool convk_conv2d_rows_pays(const convk_window *window, ptrdiff_t rows, convk_execution execution);

/// Block sizes for such a convolution.
convk_conv2d_rows convk_conv2d_rows_make(const convk_window *window, ptrdiff_t groups,
                                         ptrdiff_t rows, convk_execution execution);

/// The floats that the packed filters take.
ptrdiff_t convk_conv2d_rows_filters_size(const convk_conv2d_rows *by_rows);

/// The floats of workspace beside them.
ptrdiff_t convk_conv2d_rows_workspace(const convk_conv2d_rows *by_rows, int threads);

/// Packs the filters of all groups: weights[(g * rows + i) * taps + k].
void convk_conv2d_rows_pack(const convk_conv2d_rows *by_rows, float *restrict filters,
                            const float *restrict weights);

/// The convolution, rectified where asked for. Called by every thread of a parallel region, after
/// the filters are packed.
void convk_conv2d_rows_run(const convk_conv2d_rows *by_rows, float *restrict y,
                           const float *restrict x, const float *restrict filters,
                           const float *restrict bias, bool relu, float *restrict workspace);

#endif
