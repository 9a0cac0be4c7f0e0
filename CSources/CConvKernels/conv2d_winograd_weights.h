// SPDX-License-Identifier: MIT
//
// The gradient of a convolution with respect to 3 x 3 and 5 x 5 filters by Winograd's minimal
// filtering: what an image and the output's gradient are at each of 36 points is multiplied and
// summed over tiles.
#ifndef CONVK_CONV2D_WINOGRAD_WEIGHTS_H
#define CONVK_CONV2D_WINOGRAD_WEIGHTS_H

#include "convk_base.h"

/// Whether the gradient with respect to the filters is faster this way.
bool convk_conv2d_winograd_weights_pays(const convk_conv2d *conv, convk_execution execution);

/// The floats of workspace that it needs.
ptrdiff_t convk_conv2d_winograd_weights_workspace(const convk_conv2d *conv,
                                                  convk_execution execution);

/// dw [f, c/groups, kh, kw] from dy [n, f, oh, ow] and the images.
void convk_conv2d_winograd_weights(float *restrict dw, const float *restrict dy,
                                   const float *restrict x, const convk_conv2d *conv,
                                   float *restrict workspace, convk_execution execution);

#endif
