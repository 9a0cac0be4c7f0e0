// SPDX-License-Identifier: MIT
//
// The optimisers' updates: one pass over a parameter, its gradient and the optimiser's state.
// Threads share the elements.
#include "convk_leaves.h"

void convk_update_sgd(float *restrict p, const float *restrict g, ptrdiff_t count,
                      float learning_rate, convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
        leaves->update_sgd(p + i, g + i, convk_min(CONVK_ELEMENT_BLOCK, count - i), learning_rate);
}

void convk_update_momentum(float *restrict p, float *restrict v, const float *restrict g,
                           ptrdiff_t count, float learning_rate, float momentum,
                           convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
        leaves->update_momentum(p + i, v + i, g + i, convk_min(CONVK_ELEMENT_BLOCK, count - i),
                                learning_rate, momentum);
}

void convk_update_adam(float *restrict p, float *restrict m, float *restrict v,
                       const float *restrict g, ptrdiff_t count, const convk_adam *adam,
                       convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(count, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t i = 0; i < count; i += CONVK_ELEMENT_BLOCK)
        leaves->update_adam(p + i, m + i, v + i, g + i, convk_min(CONVK_ELEMENT_BLOCK, count - i),
                            adam);
}
