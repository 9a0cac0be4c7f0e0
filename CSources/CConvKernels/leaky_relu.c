// SPDX-License-Identifier: MIT
//
// The leaky rectifier and its gradient. Threads share the elements.
#include "convk_leaves.h"

void convk_leaky_relu(float *y, const float *x, ptrdiff_t count, float slope,
                      convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaves->leaky_relu(y, x, count, slope);
#pragma omp parallel num_threads(threads)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
            leaves->leaky_relu(y + i, x + i, convk_min(CONVK_ELEMENT_BLOCK, count - i), slope);
    }
}

void convk_leaky_relu_backward(float *dx, const float *dy, const float *x, ptrdiff_t count,
                               float slope, convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaves->leaky_relu_backward(dx, dy, x, count, slope);
#pragma omp parallel num_threads(threads)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
            leaves->leaky_relu_backward(dx + i, dy + i, x + i,
                                        convk_min(CONVK_ELEMENT_BLOCK, count - i), slope);
    }
}
