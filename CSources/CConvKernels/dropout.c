// SPDX-License-Identifier: MIT
//
// Dropout; Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
// 2014. The mask is not stored: the gradient draws it again, which takes about as long as reading
// it would. Threads share the elements.
#include "convk_leaves.h"

void convk_dropout(float *y, const float *x, ptrdiff_t count, const convk_dropout_mask *mask,
                   convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
            leaves->dropout(y + i, x + i, i, convk_min(CONVK_ELEMENT_BLOCK, count - i), mask);
    }
}
