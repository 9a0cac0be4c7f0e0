// SPDX-License-Identifier: MIT
//
// Work of the caller's own, shared by threads. Each block is done by one thread.
#include "CConvKernels.h"
#include "base/convk_parallel.h"

void convk_for_each_block(ptrdiff_t count, ptrdiff_t block, convk_block_body body, void *context,
                          convk_execution execution) {
    CONVK_PARALLEL (execution.threads) {
        CONVK_SHARED_BLOCKS (begin, count, block) {
            const ptrdiff_t end = begin + block;
            body(context, begin, end < count ? end : count);
        }
    }
}
