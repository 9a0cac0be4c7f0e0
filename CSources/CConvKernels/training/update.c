// SPDX-License-Identifier: MIT
//
// The optimisers' updates: one pass over a parameter, its gradient and the optimiser's state.
// Threads share the elements.
#include "kernels/kernels.h"

void convk_update_sgd(float *restrict p, const float *restrict g, ptrdiff_t count,
                      float learning_rate, const convk_gradient_adjustment *adjustment,
                      convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(count, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            leaves->update_sgd(p + i, g + i, convk_min(CONVK_ELEMENT_BLOCK, count - i),
                               learning_rate, adjustment);
    }
}

void convk_update_momentum(float *restrict p, float *restrict v, const float *restrict g,
                           ptrdiff_t count, const convk_momentum *momentum,
                           const convk_gradient_adjustment *adjustment, convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(count, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            leaves->update_momentum(p + i, v + i, g + i, convk_min(CONVK_ELEMENT_BLOCK, count - i),
                                    momentum, adjustment);
    }
}

void convk_update_squares(float *restrict p, float *restrict v, const float *restrict g,
                          ptrdiff_t count, const convk_squares *squares,
                          const convk_gradient_adjustment *adjustment, convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(count, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            leaves->update_squares(p + i, v + i, g + i, convk_min(CONVK_ELEMENT_BLOCK, count - i),
                                   squares, adjustment);
    }
}

void convk_update_adam(float *restrict p, float *restrict m, float *restrict v,
                       const float *restrict g, ptrdiff_t count, const convk_adam *adam,
                       const convk_gradient_adjustment *adjustment, convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(count, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            leaves->update_adam(p + i, m + i, v + i, g + i,
                                convk_min(CONVK_ELEMENT_BLOCK, count - i), adam, adjustment);
    }
}
