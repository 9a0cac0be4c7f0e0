// SPDX-License-Identifier: MIT
//
// The product of one row with a transposed matrix, as a layer's that keeps its weights by output:
// each sum is a dot product with numbers that lie together. Bound by reading the matrix, of which
// nothing is packed; threads share the sums.
#include "gemm/sgemm_dots.h"

void convk_sgemm_dots(float *restrict c, const float *restrict a, const float *restrict b,
                      ptrdiff_t row_stride, ptrdiff_t n, ptrdiff_t k, convk_sgemm_ending end,
                      convk_execution execution) {
    enum { COLUMNS = 32 }; // of c that a thread takes at a time
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_sgemm_threads(1, n, k, execution);
    // Each task writes its own columns.
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (j, n, COLUMNS) {
            const ptrdiff_t count = convk_min(COLUMNS, n - j);
            float sums[COLUMNS];
            leaves->dots(sums, a, b + j * row_stride, row_stride, k, count);
            for (ptrdiff_t i = 0; i < count; i++)
                c[j + i] = convk_sgemm_ended(sums[i], c, end, j + i);
        }
    }
}
