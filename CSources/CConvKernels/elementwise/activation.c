// SPDX-License-Identifier: MIT
//
// The activations and their gradients. Threads share the elements.
#include "kernels/kernels.h"

const char *convk_activation_name(convk_activation_kind kind) {
#define CONVK_ACTIVATION_NAME(name, value, gradient) #name,
    static const char *const names[] = {CONVK_ACTIVATIONS(CONVK_ACTIVATION_NAME)};
#undef CONVK_ACTIVATION_NAME
    return names[kind];
}

void convk_activation_forward(float *y, const float *x, ptrdiff_t count,
                              convk_activation activation, convk_execution execution) {
    const convk_activation_leaf leaf =
        convk_kernels_for(execution.isa)->leaves->activations[activation.kind];
    const float a = activation.a, b = activation.b;
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaf.forward(y, x, count, a, b);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            leaf.forward(y + i, x + i, convk_min(CONVK_ELEMENT_BLOCK, count - i), a, b);
    }
}

void convk_activation_backward(float *dx, const float *dy, const float *v, ptrdiff_t count,
                               convk_activation activation, convk_execution execution) {
    const convk_activation_leaf leaf =
        convk_kernels_for(execution.isa)->leaves->activations[activation.kind];
    const float a = activation.a, b = activation.b;
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return leaf.backward(dx, dy, v, count, a, b);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            leaf.backward(dx + i, dy + i, v + i, convk_min(CONVK_ELEMENT_BLOCK, count - i), a, b);
    }
}
