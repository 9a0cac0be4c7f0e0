// SPDX-License-Identifier: MIT
//
// The direct gradient of a convolution with respect to its filters: no patches are gathered.
#ifndef CONVK_CONV2D_DIRECT_WEIGHTS_H
#define CONVK_CONV2D_DIRECT_WEIGHTS_H

#include "sgemm_pack.h"

/// Whether the micro-kernel knows this filter's width.
bool convk_conv2d_direct_weights_pays(const convk_conv2d *conv, convk_execution execution);

/// The floats of workspace.
ptrdiff_t convk_conv2d_direct_weights_workspace(const convk_conv2d *conv,
                                                convk_execution execution);

/// dw as convk_conv2d_backward_weights.
void convk_conv2d_direct_weights(float *restrict dw, const float *restrict dy,
                                 const float *restrict x, const convk_conv2d *conv,
                                 float *restrict workspace, convk_execution execution);

#endif
