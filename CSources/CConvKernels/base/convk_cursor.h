// SPDX-License-Identifier: MIT
//
// Walks over the axes of arrays that lie in memory with strides: one index per axis, counted up
// like an odometer, and how far in each array they are.
#ifndef CONVK_CURSOR_H
#define CONVK_CURSOR_H

#include "base/convk_base.h"

typedef struct {
    ptrdiff_t index[CONVK_LARGEST_RANK];
    ptrdiff_t offset[CONVK_LARGEST_OPERANDS];
} convk_cursor;

/// The product of the first axes' extents, as many as rank.
static inline ptrdiff_t convk_places(const convk_axes *axes, ptrdiff_t rank) {
    ptrdiff_t count = 1;
    for (ptrdiff_t axis = 0; axis < rank; axis++) count *= axes->shape[axis];
    return count;
}

/// Puts a cursor over the first axes, as many as rank, at a place in row-major order.
static inline void convk_cursor_set(convk_cursor *cursor, const convk_axes *axes, ptrdiff_t rank,
                                    ptrdiff_t place) {
    for (ptrdiff_t o = 0; o < axes->operands; o++) cursor->offset[o] = 0;
    for (ptrdiff_t axis = rank - 1; axis >= 0; axis--) {
        const ptrdiff_t index = place % axes->shape[axis];
        place /= axes->shape[axis];
        cursor->index[axis] = index;
        for (ptrdiff_t o = 0; o < axes->operands; o++)
            cursor->offset[o] += index * axes->strides[o * axes->rank + axis];
    }
}

/// Moves a cursor over the first axes, as many as rank, on by one place; behind the last comes the
/// first.
static inline void convk_cursor_advance(convk_cursor *cursor, const convk_axes *axes,
                                        ptrdiff_t rank) {
    for (ptrdiff_t axis = rank - 1; axis >= 0; axis--) {
        const ptrdiff_t extent = axes->shape[axis];
        const bool ends = ++cursor->index[axis] == extent;
        const ptrdiff_t steps = ends ? 1 - extent : 1;
        for (ptrdiff_t o = 0; o < axes->operands; o++)
            cursor->offset[o] += steps * axes->strides[o * axes->rank + axis];
        if (!ends) return;
        cursor->index[axis] = 0;
    }
}

#endif
