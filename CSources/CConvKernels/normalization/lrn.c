// SPDX-License-Identifier: MIT
//
// Local response normalization and its gradient; Krizhevsky et al., "ImageNet classification with
// deep convolutional neural networks", 2012. Threads share blocks of pixels: all channels of a
// block are one task.
#include "kernels/kernels.h"

/// How the pixels of an image are cut into blocks of about the same size.
static ptrdiff_t block_size(ptrdiff_t plane) {
    const ptrdiff_t blocks = convk_ceil_div(plane, CONVK_LRN_BLOCK);
    return convk_min(convk_round_up(convk_ceil_div(plane, blocks), 64), CONVK_LRN_BLOCK);
}

static ptrdiff_t tasks(const convk_lrn *lrn) {
    return lrn->n * convk_ceil_div(lrn->plane, block_size(lrn->plane));
}

static int threads_for(const convk_lrn *lrn, convk_execution execution) {
    return convk_threads_for(lrn->n * lrn->channels * lrn->plane, execution);
}

/// The place of a task's first pixel in the first channel, and how many pixels it has.
static ptrdiff_t place_of(ptrdiff_t task, const convk_lrn *lrn, ptrdiff_t *count) {
    const ptrdiff_t size = block_size(lrn->plane);
    const ptrdiff_t blocks = convk_ceil_div(lrn->plane, size);
    const ptrdiff_t begin = task % blocks * size;
    *count = convk_min(size, lrn->plane - begin);
    return task / blocks * lrn->channels * lrn->plane + begin;
}

void convk_lrn_forward(float *restrict y, const float *restrict x, const convk_lrn *lrn,
                       convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = threads_for(lrn, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (task, tasks(lrn)) {
            ptrdiff_t count;
            const ptrdiff_t place = place_of(task, lrn, &count);
            leaves->lrn_forward(y + place, x + place, count, lrn);
        }
    }
}

ptrdiff_t convk_lrn_backward_workspace(const convk_lrn *lrn, convk_execution execution) {
    return threads_for(lrn, execution) * convk_lrn_slots(lrn->channels, lrn->size) *
           CONVK_LRN_BLOCK;
}

void convk_lrn_backward(float *restrict dx, const float *restrict dy, const float *restrict x,
                        const convk_lrn *lrn, float *restrict workspace,
                        convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = threads_for(lrn, execution);
    const ptrdiff_t terms = convk_lrn_slots(lrn->channels, lrn->size) * CONVK_LRN_BLOCK;
    // Each thread keeps terms in its own part of the workspace.
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (task, tasks(lrn)) {
            ptrdiff_t count;
            const ptrdiff_t place = place_of(task, lrn, &count);
            leaves->lrn_backward(dx + place, dy + place, x + place,
                                 workspace + convk_thread_number() * terms, count, lrn);
        }
    }
}
