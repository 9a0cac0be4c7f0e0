// SPDX-License-Identifier: MIT
//
// Reductions of an array over some of its axes. Each number of the result is a total in double,
// taken in an order that the shape alone decides; threads share the results.
#include "base/convk_cursor.h"
#include "kernels/kernels.h"

#include <math.h>

/// Results that a thread takes at a time where they lie beside one another: so many totals are
/// kept.
enum { REDUCTION_BLOCK = 256 };

const char *convk_reduction_name(convk_reduction_kind kind) {
#define CONVK_REDUCTION_NAME(name, start, next, join, finish) #name,
    static const char *const names[] = {CONVK_REDUCTIONS(CONVK_REDUCTION_NAME)};
#undef CONVK_REDUCTION_NAME
    return names[kind];
}

/// One call.
typedef struct {
    float *y;
    const float *x;
    const convk_axes *kept, *reduced;
    convk_reduction_leaf leaf;
} reduction;

/// Results from begin to end, each of runs of numbers that lie beside one another.
static void reduce_runs(const reduction *r, ptrdiff_t begin, ptrdiff_t end) {
    const ptrdiff_t outer = r->reduced->rank - 1, run = r->reduced->shape[outer];
    const ptrdiff_t runs = convk_places(r->reduced, outer);
    convk_cursor result, place;
    convk_cursor_set(&result, r->kept, r->kept->rank, begin);
    for (ptrdiff_t i = begin; i < end; i++) {
        double total = r->leaf.start;
        convk_cursor_set(&place, r->reduced, outer, 0);
        for (ptrdiff_t n = 0; n < runs; n++) {
            total = r->leaf.run(total, r->x + result.offset[0] + place.offset[0], run);
            convk_cursor_advance(&place, r->reduced, outer);
        }
        r->leaf.end(r->y + i, &total, 1, runs * run);
        convk_cursor_advance(&result, r->kept, r->kept->rank);
    }
}

/// Some results of a row that lies beside one another, as the numbers do that they are made of.
static void reduce_rows(const reduction *r, ptrdiff_t row, ptrdiff_t begin, ptrdiff_t count) {
    const ptrdiff_t outer = r->kept->rank - 1, length = r->kept->shape[outer];
    const ptrdiff_t rows = convk_places(r->reduced, r->reduced->rank);
    double totals[REDUCTION_BLOCK];
    convk_cursor result, place;
    convk_cursor_set(&result, r->kept, outer, row);
    convk_cursor_set(&place, r->reduced, r->reduced->rank, 0);
    for (ptrdiff_t i = 0; i < count; i++) totals[i] = r->leaf.start;
    for (ptrdiff_t n = 0; n < rows; n++) {
        r->leaf.rows(totals, r->x + result.offset[0] + begin + place.offset[0], count);
        convk_cursor_advance(&place, r->reduced, r->reduced->rank);
    }
    r->leaf.end(r->y + row * length + begin, totals, count, rows);
}

void convk_reduce(float *restrict y, const float *restrict x, const convk_axes *kept,
                  const convk_axes *reduced, convk_reduction_kind kind, convk_execution execution) {
    const reduction r = {
        .y = y,
        .x = x,
        .kept = kept,
        .reduced = reduced,
        .leaf = convk_kernels_for(execution.isa)->leaves->reductions[kind],
    };
    const ptrdiff_t results = convk_places(kept, kept->rank);
    const ptrdiff_t count = results * convk_places(reduced, reduced->rank);
    const int threads = convk_threads_for(count, execution);
    if (reduced->strides[reduced->rank - 1] == 1) {
        CONVK_PARALLEL (threads) {
            const convk_share share = convk_share_of(results);
            reduce_runs(&r, share.begin, share.end);
        }
        return;
    }
    const ptrdiff_t length = kept->shape[kept->rank - 1];
    const ptrdiff_t blocks = convk_ceil_div(length, REDUCTION_BLOCK);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (i, results / length * blocks) {
            const ptrdiff_t begin = i % blocks * REDUCTION_BLOCK;
            reduce_rows(&r, i / blocks, begin, convk_min(REDUCTION_BLOCK, length - begin));
        }
    }
}
