// SPDX-License-Identifier: MIT
//
// The gradient of a convolution with respect to its filters, and that of one whose output was
// max-pooled: then the output's gradient is mostly zeros and stands in few numbers, and the direct
// algorithm makes it of them in the cache.
#include "convolution/conv2d_algorithms.h"
#include "base/convk_base.h"

static void run(const convk_conv2d_plan *plan, convk_conv2d_operands operands,
                float *restrict workspace) {
    CONVK_PARALLEL (plan->threads) {
        plan->algorithm->run(plan, &operands, workspace);
    }
}

void convk_conv2d_backward_weights(float *restrict dw, const float *restrict dy,
                                   const float *restrict x, const convk_conv2d_plan *plan,
                                   float *restrict workspace) {
    run(plan, (convk_conv2d_operands){.to = dw, .from = dy, .images = x}, workspace);
}

bool convk_conv2d_pool_max_backward_weights_pays(const convk_conv2d_plan *plan) {
    return plan->algorithm == &convk_weights_direct;
}

void convk_conv2d_pool_max_backward_weights(float *restrict dw, const float *restrict dy,
                                            const int32_t *restrict argmax, const float *restrict x,
                                            const convk_conv2d_plan *plan,
                                            const convk_window *pooling,
                                            float *restrict workspace) {
    const convk_conv2d_operands operands = {
        .to = dw, .from = dy, .images = x, .argmax = argmax, .pooling = pooling};
    run(plan, operands, workspace);
}
