// SPDX-License-Identifier: MIT
//
// The squared L2 norm of a tensor. Threads share blocks of a fixed size; the blocks' sums are
// added up in order.
#include "kernels/kernels.h"

ptrdiff_t convk_sum_of_squares_workspace(ptrdiff_t count) {
    return convk_ceil_div(count, CONVK_ELEMENT_BLOCK);
}

double convk_sum_of_squares(const float *restrict x, ptrdiff_t count, double *restrict block_sums,
                            convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const ptrdiff_t blocks = convk_sum_of_squares_workspace(count);
    const int threads = convk_threads_for(count, execution);
    // Each block writes its own sum.
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (b, blocks) {
            const ptrdiff_t begin = b * CONVK_ELEMENT_BLOCK;
            block_sums[b] =
                leaves->sum_of_squares(x + begin, convk_min(CONVK_ELEMENT_BLOCK, count - begin));
        }
    }
    double total = 0;
    for (ptrdiff_t b = 0; b < blocks; b++) total += block_sums[b];
    return total;
}
