// SPDX-License-Identifier: MIT
//
// ReLU and its gradient. Threads share the elements.
#include "convk_leaves.h"

void convk_relu(float *y, const float *x, ptrdiff_t count, convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaves->relu(y, x, count);
#pragma omp parallel num_threads(threads)
    {
        convk_enter_region();
        const convk_share share = convk_share_of(convk_ceil_div(count, CONVK_ELEMENT_BLOCK));
        for (ptrdiff_t block = share.begin; block < share.end; block++) {
            const ptrdiff_t i = block * CONVK_ELEMENT_BLOCK;
            leaves->relu(y + i, x + i, convk_min(CONVK_ELEMENT_BLOCK, count - i));
        }
    }
}

void convk_relu_backward(float *dx, const float *dy, const float *y, ptrdiff_t count,
                         convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaves->relu_backward(dx, dy, y, count);
#pragma omp parallel num_threads(threads)
    {
        convk_enter_region();
        const convk_share share = convk_share_of(convk_ceil_div(count, CONVK_ELEMENT_BLOCK));
        for (ptrdiff_t block = share.begin; block < share.end; block++) {
            const ptrdiff_t i = block * CONVK_ELEMENT_BLOCK;
            leaves->relu_backward(dx + i, dy + i, y + i, convk_min(CONVK_ELEMENT_BLOCK, count - i));
        }
    }
}
