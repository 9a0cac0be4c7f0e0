// SPDX-License-Identifier: MIT
//
// Operations on two arrays, number by number, with broadcasting. Threads share blocks of the
// output's elements; within a block a row of the innermost axis goes to a leaf at a time.
#include "base/convk_cursor.h"
#include "kernels/kernels.h"

const char *convk_binary_name(convk_binary_kind kind) {
#define CONVK_BINARY_NAME(name, value, slope_a, slope_b) #name,
    static const char *const names[] = {CONVK_BINARY_OPERATIONS(CONVK_BINARY_NAME)};
#undef CONVK_BINARY_NAME
    return names[kind];
}

/// The arrays of one call, in the order of the axes' strides.
typedef struct {
    const float *a, *b, *dy;
} operands;

/// The elements of y from begin to end.
static void elements(float *restrict y, operands x, const convk_axes *axes, convk_binary_leaf leaf,
                     ptrdiff_t begin, ptrdiff_t end) {
    const ptrdiff_t outer = axes->rank - 1, row = axes->shape[outer];
    const ptrdiff_t *strides = axes->strides;
    const ptrdiff_t step_a = strides[outer], step_b = strides[axes->rank + outer];
    // Without dy a leaf makes nothing of the numbers that it reads in its place.
    const ptrdiff_t step_dy = x.dy ? strides[2 * axes->rank + outer] : step_a | step_b;
    const convk_binary_steps steps = {.dy = step_dy, .a = step_a, .b = step_b};
    convk_cursor cursor;
    convk_cursor_set(&cursor, axes, outer, begin / row);
    ptrdiff_t column = begin % row;
    while (begin < end) {
        const ptrdiff_t count = convk_min(row - column, end - begin);
        const float *a = x.a + cursor.offset[0] + column * step_a;
        const float *b = x.b + cursor.offset[1] + column * step_b;
        const float *instead = step_a ? a : b;
        const float *dy = x.dy ? x.dy + cursor.offset[2] + column * step_dy : instead;
        leaf(y + begin, dy, a, b, count, steps);
        convk_cursor_advance(&cursor, axes, outer);
        begin += count;
        column = 0;
    }
}

static void all_elements(float *restrict y, operands x, const convk_axes *axes,
                         convk_binary_leaf leaf, convk_execution execution) {
    const ptrdiff_t count = convk_places(axes, axes->rank);
    const int threads = convk_threads_for(count, execution);
    if (threads == 1) return elements(y, x, axes, leaf, 0, count);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (i, count, CONVK_ELEMENT_BLOCK)
            elements(y, x, axes, leaf, i, convk_min(i + CONVK_ELEMENT_BLOCK, count));
    }
}

void convk_binary(float *restrict y, const float *a, const float *b, const convk_axes *axes,
                  convk_binary_kind kind, convk_execution execution) {
    const convk_binary_leaf leaf = convk_kernels_for(execution.isa)->leaves->binary[kind].values;
    all_elements(y, (operands){.a = a, .b = b}, axes, leaf, execution);
}

void convk_binary_backward(float *restrict dx, const float *dy, const float *a, const float *b,
                           const convk_axes *axes, convk_binary_kind kind, bool of_b,
                           convk_execution execution) {
    const convk_binary_leaves leaves = convk_kernels_for(execution.isa)->leaves->binary[kind];
    const convk_binary_leaf leaf = of_b ? leaves.slopes_b : leaves.slopes_a;
    all_elements(dx, (operands){.a = a, .b = b, .dy = dy}, axes, leaf, execution);
}
