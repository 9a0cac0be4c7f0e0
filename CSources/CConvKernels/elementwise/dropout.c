// SPDX-License-Identifier: MIT
//
// Dropout; Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
// 2014. The mask is not stored: the gradient draws it again, which takes about as long as reading
// it would. Threads share the elements.
#include "kernels/kernels.h"

void convk_dropout(float *y, const float *x, ptrdiff_t count, const convk_dropout_mask *mask,
                   convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(count, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            leaves->dropout(y + i, x + i, i, convk_min(CONVK_ELEMENT_BLOCK, count - i), mask);
    }
}
