// SPDX-License-Identifier: MIT
//
// What the forward pass and the gradient with respect to the images have in common.
#ifndef CONVK_CONV2D_FORWARD_H
#define CONVK_CONV2D_FORWARD_H

#include "convolution/conv2d_algorithms.h"
#include "base/convk_base.h"

/// Packs the filters, unless the operands have them, and runs the plan.
void convk_conv2d_pack_and_run(const convk_conv2d_plan *plan, convk_conv2d_operands operands,
                               const float *restrict weights, float *restrict workspace);

#endif
