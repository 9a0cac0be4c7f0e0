// SPDX-License-Identifier: MIT
//
// A product whose C has one row. B is read once, in place, so the threads share what they read:
// columns where there are many, otherwise blocks of k, each summed for itself and added in order.
#include "gemm/sgemm_row.h"

typedef struct {
    ptrdiff_t width;  // columns of a task
    ptrdiff_t chunks; // of k; as many as the shape says, so the bits don't depend on threads
} plan;

static plan make_plan(ptrdiff_t n, ptrdiff_t k, const convk_kernels *kernels) {
    enum { CHUNK_FLOATS = 1 << 17, MOST_TASKS = 16 };
    const ptrdiff_t most = CONVK_ROW_VECTORS * kernels->lanes;
    const ptrdiff_t needed = (ptrdiff_t)((double)n * (double)k / CHUNK_FLOATS) + 1;
    const ptrdiff_t chunks =
        convk_min(convk_min(needed, MOST_TASKS / convk_ceil_div(n, most)), k) / 2 * 2;
    // Whole rows come from a cache faster than parts of them, and from the second-level one where
    // each thread has its own: 100 sums over 4320 take 15.8 microseconds on Zen 5, 6.4 with two
    // threads.
    if (chunks >= 2) return (plan){.width = convk_min(most, n), .chunks = chunks};
    const ptrdiff_t half = convk_round_up(convk_ceil_div(n, 2), kernels->lanes);
    return (plan){.width = convk_min(most, half), .chunks = 1};
}

ptrdiff_t convk_sgemm_row_workspace(ptrdiff_t n, ptrdiff_t k, convk_execution execution) {
    const ptrdiff_t chunks = make_plan(n, k, convk_kernels_for(execution.isa)).chunks;
    return chunks > 1 ? chunks * n : 0;
}

/// c = alpha * (the chunks' sums in order) + beta * c + bias.
static void add_row_chunks(float *restrict c, const float *restrict sums, ptrdiff_t n,
                           ptrdiff_t chunks, convk_sgemm_ending end) {
    for (ptrdiff_t j = 0; j < n; j++) {
        float total = sums[j];
        for (ptrdiff_t chunk = 1; chunk < chunks; chunk++) total += sums[chunk * n + j];
        c[j] = convk_sgemm_ended(total, c, end, j);
    }
}

/// The product, or where k is cut up the sums of the chunks, c [chunks, n].
typedef struct {
    const plan *p;
    const convk_kernels *kernels;
    float *c;
    convk_matrix a, b;
    ptrdiff_t n, k;
    convk_sgemm_ending end;
} product;

static void run_tasks(const product *q, convk_share tasks) {
    const ptrdiff_t chunks = q->p->chunks, columns = convk_ceil_div(q->n, q->p->width);
    for (ptrdiff_t task = tasks.begin; task < tasks.end; task++) {
        const ptrdiff_t chunk = task / columns, j = task % columns * q->p->width;
        const ptrdiff_t begin = chunk * q->k / chunks, end = (chunk + 1) * q->k / chunks;
        const convk_tile tile = {.c = q->c + chunk * q->n + j,
                                 .ldc = q->n,
                                 .a = q->a.data + begin * q->a.column_stride,
                                 .panel = 1,
                                 .a_row_stride = q->a.column_stride,
                                 .b = q->b.data + begin * q->b.row_stride + j,
                                 .b_row_stride = q->b.row_stride,
                                 .k = end - begin,
                                 .rows = 1,
                                 .columns = convk_min(q->p->width, q->n - j),
                                 .alpha = q->end.alpha,
                                 .beta = q->end.beta,
                                 .column_bias = q->end.bias ? q->end.bias + j : NULL,
                                 .relu = q->end.relu};
        q->kernels->row(&tile);
    }
}

void convk_sgemm_row(float *restrict c, convk_matrix a, convk_matrix b, ptrdiff_t n, ptrdiff_t k,
                     convk_sgemm_ending end, float *restrict sums, convk_execution execution) {
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    const plan p = make_plan(n, k, kernels);
    const bool is_whole = p.chunks == 1;
    const ptrdiff_t tasks = p.chunks * convk_ceil_div(n, p.width);
    const int threads = convk_sgemm_threads(1, n, k, execution);
    const product q = {.p = &p,
                       .kernels = kernels,
                       .c = is_whole ? c : sums,
                       .a = a,
                       .b = b,
                       .n = n,
                       .k = k,
                       .end = is_whole ? end : (convk_sgemm_ending){.alpha = 1}};
    if (threads == 1) {
        run_tasks(&q, (convk_share){0, tasks});
    } else {
        // Each task writes its own columns of its own chunk's sums.
        CONVK_PARALLEL (threads) {
            run_tasks(&q, convk_share_of(tasks));
        }
    }
    if (!is_whole) add_row_chunks(c, sums, n, p.chunks, end);
}
