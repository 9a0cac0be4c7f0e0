// SPDX-License-Identifier: MIT
//
// Resampling: a linear map along each axis of a plane. An output row is first summed of the input's
// rows, all columns at once, and then mapped along the columns. Threads share the output rows.
#include "kernels/kernels.h"

#include <string.h>

/// Floats from the row of one thread to that of the next, in cache lines of their own.
static ptrdiff_t row_distance(const convk_resampling *columns) {
    return convk_round_up(columns->in, 16);
}

ptrdiff_t convk_resample_workspace(const convk_resampling *columns, convk_execution execution) {
    return row_distance(columns) * execution.threads;
}

static void resample_row(float *restrict y, const float *restrict plane, ptrdiff_t row,
                         const convk_resampling *rows, const convk_resampling *columns,
                         float *restrict sums, const convk_leaves *leaves) {
    const ptrdiff_t first = rows->first[row], taps = rows->first[row + 1] - first;
    if (taps == 0) {
        memset(y, 0, (size_t)columns->out * sizeof *y);
    } else if (taps == 1 && rows->weight[first] == 1) {
        leaves->resample_columns(y, plane + rows->place[first] * columns->in, columns);
    } else {
        leaves->resample_rows(sums, plane, columns->in, rows->place + first, rows->weight + first,
                              taps);
        leaves->resample_columns(y, sums, columns);
    }
}

void convk_resample(float *restrict y, const float *restrict x, ptrdiff_t planes,
                    const convk_resampling *rows, const convk_resampling *columns,
                    float *restrict workspace, convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const ptrdiff_t turns = planes * rows->out;
    const int threads = convk_threads_for(turns * convk_max(columns->in, columns->out), execution);
    CONVK_PARALLEL (threads) {
        float *sums = workspace + convk_thread_number() * row_distance(columns);
        CONVK_SHARED_LOOP (turn, turns)
            resample_row(y + turn * columns->out, x + turn / rows->out * rows->in * columns->in,
                         turn % rows->out, rows, columns, sums, leaves);
    }
}
