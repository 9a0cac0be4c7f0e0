// SPDX-License-Identifier: MIT
//
// Biases: adding one number per channel, and summing each channel's gradients.
#include "kernels/kernels.h"

/// Adds the bias to some of the samples, or, where a channel has several numbers, of the planes.
static void add(float *restrict x, const float *restrict bias, ptrdiff_t channels, ptrdiff_t plane,
                const convk_leaves *leaves, convk_share share) {
    for (ptrdiff_t i = share.begin; i < share.end; i++) {
        if (plane == 1)
            leaves->add(x + i * channels, bias, channels);
        else
            leaves->add_constant(x + i * plane, bias[i % channels], plane);
    }
}

void convk_bias_add(float *restrict x, const float *restrict bias, ptrdiff_t n, ptrdiff_t channels,
                    ptrdiff_t plane, convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const ptrdiff_t turns = plane == 1 ? n : n * channels;
    const int threads = convk_threads_for(n * channels * plane, execution);
    if (threads == 1) return add(x, bias, channels, plane, leaves, (convk_share){0, turns});
    CONVK_PARALLEL (threads) {
        add(x, bias, channels, plane, leaves, convk_share_of(turns));
    }
}

/// Sums of channels next to one another, each sample's numbers being next to one another too.
static void sum_rows(float *restrict sums, const float *restrict x, ptrdiff_t n, ptrdiff_t channels,
                     ptrdiff_t begin, ptrdiff_t count, const convk_leaves *leaves) {
    enum { LARGEST = 64 };
    double totals[LARGEST] = {0};
    assert(count <= LARGEST);
    for (ptrdiff_t i = 0; i < n; i++) leaves->accumulate(totals, x + i * channels + begin, count);
    for (ptrdiff_t c = 0; c < count; c++) sums[begin + c] = (float)totals[c];
}

void convk_bias_backward(float *restrict sums, const float *restrict x, ptrdiff_t n,
                         ptrdiff_t channels, ptrdiff_t plane, convk_execution execution) {
    enum { BLOCK = 64 };
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(n * channels * plane, execution);
    if (plane == 1) {
        // Threads share blocks of channels; samples are added in order.
        CONVK_PARALLEL (threads) {
            CONVK_SHARED_BLOCKS (c, channels, BLOCK)
                sum_rows(sums, x, n, channels, c, convk_min(BLOCK, channels - c), leaves);
        }
        return;
    }
    // Threads share the channels; planes are added in order.
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (c, channels) {
            double total = 0;
            for (ptrdiff_t i = 0; i < n; i++)
                total += leaves->sum(x + (i * channels + c) * plane, plane);
            sums[c] = (float)total;
        }
    }
}
