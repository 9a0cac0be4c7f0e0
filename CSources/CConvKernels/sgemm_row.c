// SPDX-License-Identifier: MIT
//
// A product whose C has one row. B is read once, in place, so the threads share what they read:
// columns where there are many, otherwise blocks of k, each summed for itself and added in order.
#include "sgemm_row.h"

typedef struct {
    ptrdiff_t width;  // columns of a task
    ptrdiff_t chunks; // of k; as many as the shape says, so the bits don't depend on threads
} plan;

static plan make_plan(ptrdiff_t n, ptrdiff_t k, const convk_sgemm_entry *entry) {
    enum { CHUNK_FLOATS = 1 << 17, MOST_TASKS = 16 };
    const ptrdiff_t most = CONVK_ROW_VECTORS * entry->lanes;
    const ptrdiff_t needed = (ptrdiff_t)((double)n * (double)k / CHUNK_FLOATS) + 1;
    const ptrdiff_t chunks =
        convk_min(convk_min(needed, MOST_TASKS / convk_ceil_div(n, most)), k) / 2 * 2;
    // Whole rows come from a cache faster than parts of them, and from the second-level one where
    // each thread has its own: 100 sums over 4320 take 15.8 microseconds on Zen 5, 6.4 with two
    // threads.
    if (chunks >= 2) return (plan){.width = convk_min(most, n), .chunks = chunks};
    const ptrdiff_t half = convk_round_up(convk_ceil_div(n, 2), entry->lanes);
    return (plan){.width = convk_min(most, half), .chunks = 1};
}

ptrdiff_t convk_sgemm_row_workspace(ptrdiff_t n, ptrdiff_t k, convk_execution execution) {
    const ptrdiff_t chunks = make_plan(n, k, convk_sgemm_entry_for(execution.isa)).chunks;
    return chunks > 1 ? chunks * n : 0;
}

/// c = alpha * (the chunks' sums in order) + beta * c + bias.
static void add_row_chunks(float *restrict c, const float *restrict sums, ptrdiff_t n,
                           ptrdiff_t chunks, convk_sgemm_ending end) {
    for (ptrdiff_t j = 0; j < n; j++) {
        float total = sums[j];
        for (ptrdiff_t chunk = 1; chunk < chunks; chunk++) total += sums[chunk * n + j];
        total *= end.alpha;
        if (end.beta != 0) total += end.beta * c[j];
        if (end.bias) total += end.bias[j];
        c[j] = end.relu && total <= 0 ? 0 : total;
    }
}

void convk_sgemm_row(float *restrict c, convk_matrix a, convk_matrix b, ptrdiff_t n, ptrdiff_t k,
                     convk_sgemm_ending end, float *restrict sums, convk_execution execution) {
    const convk_sgemm_entry *entry = convk_sgemm_entry_for(execution.isa);
    const plan p = make_plan(n, k, entry);
    const bool is_whole = p.chunks == 1;
    const ptrdiff_t columns = convk_ceil_div(n, p.width);
    const int threads = convk_sgemm_threads(1, n, k, execution);
    // Each task writes its own columns of its own chunk's sums.
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        const convk_share share = convk_share_of(p.chunks * columns);
        for (ptrdiff_t task = share.begin; task < share.end; task++) {
            const ptrdiff_t chunk = task / columns, j = task % columns * p.width;
            const ptrdiff_t begin = chunk * k / p.chunks, end_k = (chunk + 1) * k / p.chunks;
            const convk_tile tile = {.c = (is_whole ? c : sums + chunk * n) + j,
                                     .ldc = n,
                                     .a = a.data + begin * a.column_stride,
                                     .panel = 1,
                                     .a_row_stride = a.column_stride,
                                     .b = b.data + begin * b.row_stride + j,
                                     .b_row_stride = b.row_stride,
                                     .k = end_k - begin,
                                     .rows = 1,
                                     .columns = convk_min(p.width, n - j),
                                     .alpha = is_whole ? end.alpha : 1,
                                     .beta = is_whole ? end.beta : 0,
                                     .column_bias = is_whole && end.bias ? end.bias + j : NULL,
                                     .relu = is_whole && end.relu};
            entry->row(&tile);
        }
    }
    if (!is_whole) add_row_chunks(c, sums, n, p.chunks, end);
}
