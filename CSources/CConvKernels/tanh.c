// SPDX-License-Identifier: MIT
//
// The hyperbolic tangent and its gradient. Threads share the elements.
#include "convk_leaves.h"

void convk_tanh(float *y, const float *x, ptrdiff_t count, convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaves->tanh(y, x, count);
#pragma omp parallel num_threads(threads)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
            leaves->tanh(y + i, x + i, convk_min(CONVK_ELEMENT_BLOCK, count - i));
    }
}

void convk_tanh_backward(float *dx, const float *dy, const float *y, ptrdiff_t count,
                         convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaves->tanh_backward(dx, dy, y, count);
#pragma omp parallel num_threads(threads)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
            leaves->tanh_backward(dx + i, dy + i, y + i, convk_min(CONVK_ELEMENT_BLOCK, count - i));
    }
}
