// SPDX-License-Identifier: MIT
//
// One task of a convolution as a product with patches: what it is given.
#ifndef CONVK_CONV2D_GEMM_TASK_H
#define CONVK_CONV2D_GEMM_TASK_H

#include "convolution/conv2d_algorithms.h"

enum {
    /// Panels of patches in a task, at most: with kc taps they stay in the second-level cache.
    CONVK_TASK_PANELS = 8,
};

/// y[n, g, i, p] = sum over k of A_g(i, k) * patch(n, g, k, p) + bias[g, i], for each group g.
typedef struct {
    const convk_kernels *kernels;
    convk_window window; ///< the images [n, groups * c, h, w]; c counts the channels of one group
    ptrdiff_t groups;
    ptrdiff_t x_image;      ///< from one image to the next
    ptrdiff_t y_image;      ///< the same of outputs
    ptrdiff_t m;            ///< output channels of a group: rows of A
    ptrdiff_t k;            ///< taps of a group, c * kh * kw
    ptrdiff_t panel;        ///< height of A's panels
    ptrdiff_t kc;           ///< depth of a block
    ptrdiff_t mc;           ///< rows of A that a task works through at a time
    ptrdiff_t blocks;       ///< of panels of patches, in a group
    ptrdiff_t block_panels; ///< panels in a block, at most
    ptrdiff_t row_tasks;    ///< tasks that share one block of patches, each with its rows of A
    bool is_pointwise;      ///< each pixel is its own patch; the window has an image in one row
} convk_conv2d_gemm;

/// One task: some panels of output pixels, some rows of one group.
typedef struct {
    const convk_conv2d_gemm *p;
    const convk_conv2d_plan *plan;
    const convk_conv2d_operands *operands;
    ptrdiff_t filter;     ///< the group's first
    float *y;             ///< the group's first output channel of the first image
    const float *weights; ///< the group's packed weights
    const float *bias;    ///< of the group, or NULL
    bool relu;
    float *patches;               ///< the thread's block
    ptrdiff_t column, column_end; ///< output pixels, counted over (n, oh, ow)
    ptrdiff_t row, row_end;       ///< output channels of the group
} convk_gemm_task;

/// x: the group's first channel of the first image.
void convk_gemm_task_run(const convk_gemm_task *task, const float *x);

#endif
