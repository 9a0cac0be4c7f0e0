// SPDX-License-Identifier: MIT
//
// The blocked matrix product, after Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008, and the BLIS framework. The loops, from the outermost in:
//
//   1. columns of C in blocks of nc: the packed block of B stays in the last-level cache
//   2. k in blocks of kc: a panel of B (kc x nr) stays in the first-level cache
//   3. rows of C in blocks of shared_mc: the packed block of A that all threads share
//   4. tasks of mc x task_columns: what a thread takes at a time; its part of A stays in the
//      second-level cache
//   5. panels of B, panels of A: one call of the micro-kernel each
//
// Threads share the packing and the tasks, and never a sum: blocks of k follow one another, so the
// bits don't depend on how many threads there are. The block sizes depend on the shape alone.
#include "sgemm_pack.h"

enum {
    LARGEST_NC = 4096,        // columns of a packed block of B
    LARGEST_SHARED_MC = 4096, // rows of a packed block of A
    ENOUGH_TASKS = 64,        // tasks that keep a large machine busy
    FEWEST_TASKS = 16,        // tasks that a small product is cut into
    IN_PLACE_PANELS = 8,      // with so few panels of B, packing A costs more than it gains
    IN_PLACE_ROW_PANELS = 20, // with so few panels of A, packing B does
};

typedef struct {
    const convk_sgemm_entry *entry;
    ptrdiff_t panel;       // height of A's panels
    ptrdiff_t row_panels;  // panels of A in all
    ptrdiff_t mc, nc;      // block sizes, multiples of panel and nr
    ptrdiff_t shared_mc;   // a multiple of mc
    ptrdiff_t kc;          // depth of a block
    ptrdiff_t task_panels; // panels of B in a task, at most
    bool packs_a, packs_b;
} plan;

static plan make_plan(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, bool a_rows_contiguous,
                      bool b_rows_contiguous, convk_execution execution) {
    plan p = {.entry = convk_sgemm_entry_for(execution.isa)};
    const ptrdiff_t nr = p.entry->nr;
    const ptrdiff_t column_panels = convk_ceil_div(n, nr);
    p.panel = convk_panel_height(m, p.entry);
    p.row_panels = convk_ceil_div(m, p.panel);
    ptrdiff_t row_blocks = convk_ceil_div(m, p.entry->mc);
    // With few columns, rows are cut finer, so that threads find enough to share.
    row_blocks = convk_min(convk_max(row_blocks, FEWEST_TASKS / column_panels), p.row_panels);
    p.mc = convk_ceil_div(p.row_panels, row_blocks) * p.panel;
    p.nc = convk_min(convk_round_up(n, nr), LARGEST_NC / nr * nr);
    p.kc = convk_ceil_div(k, convk_ceil_div(k, p.entry->kc));
    // Operands that the second-level cache holds are read in place. Product of 512 on Emerald
    // Rapids: 1.64 ms packed, 1.55 in place with one thread, 0.85 and 0.75 with two, who need not
    // wait for each other.
    const bool fits =
        (double)(m + n) * (double)k * sizeof(float) <= (double)convk_second_level_cache();
    p.packs_a = !(a_rows_contiguous && (fits || column_panels <= IN_PLACE_PANELS));
    p.packs_b = !(b_rows_contiguous && (fits || p.row_panels <= IN_PLACE_ROW_PANELS));
    p.shared_mc = p.packs_a ? convk_max(LARGEST_SHARED_MC / p.mc, 1) * p.mc : row_blocks * p.mc;
    const ptrdiff_t panels = convk_ceil_div(column_panels * row_blocks, ENOUGH_TASKS);
    // The wider a task is, the less often its part of A comes from afar: half of the second-level
    // cache is for B. Product of 1024 on Emerald Rapids, one thread: tasks of 112 rows by 8 panels
    // give 157 GFLOP/s, 56 by 16 give 164, and 56 by 32 no more.
    const ptrdiff_t cached_panels =
        convk_second_level_cache() / 2 / (p.kc * nr * (ptrdiff_t)sizeof(float));
    p.task_panels = convk_max(1, convk_min(panels, cached_panels));
    return p;
}

static ptrdiff_t packed_a_size(const plan *p, ptrdiff_t m) {
    if (!p->packs_a) return 0;
    const ptrdiff_t rows = convk_min(p->row_panels * p->panel, p->shared_mc);
    (void)m;
    return convk_round_up(rows * p->kc, 16);
}

/// The floats of one thread's last, narrow panel of an operand B that is read in place.
static ptrdiff_t edge_size(const plan *p) {
    return convk_round_up(p->kc * p->entry->nr, 16);
}

/// What is done to C besides: C = alpha A B + beta C + bias, a number a column, and ReLU at last.
typedef struct {
    float alpha, beta;
    const float *bias; // NULL for none
    bool relu;
} ending;

/// What one block of k does, the same for all its tasks.
typedef struct {
    const plan *p;
    float *c; // row row_0 of the shared block, column column_0 of the block of B
    ptrdiff_t ldc;
    const float *packed_a, *packed_b;
    float *edge;       // the thread's
    bool has_edge;     // whether it is packed already
    convk_matrix a, b; // the shared block of A and the block of B, in place
    ptrdiff_t rows, columns, k;
    ending end; // its bias that of the block's first column
} block;

/// Loop 5 over one task: rows row ..< row_end and columns column ..< column_end of the block.
static void multiply_task(block *s, ptrdiff_t row, ptrdiff_t row_end, ptrdiff_t column,
                          ptrdiff_t column_end) {
    const plan *p = s->p;
    const ptrdiff_t nr = p->entry->nr;
    for (ptrdiff_t j = column; j < column_end; j += nr) {
        // A micro-kernel reads whole rows of a panel: in place, a narrow one is packed for itself.
        const bool is_edge = !p->packs_b && column_end - j < nr;
        if (is_edge && !s->has_edge) {
            s->has_edge = true;
            convk_pack_b(p->entry, s->edge, convk_submatrix(s->b, 0, j), s->k, column_end - j);
        }
        for (ptrdiff_t i = row; i < row_end; i += p->panel) {
            const ptrdiff_t rows = convk_min(p->panel, row_end - i);
            const convk_tile tile = {
                .c = s->c + i * s->ldc + j,
                .ldc = s->ldc,
                .a = p->packs_a ? s->packed_a + i * s->k : s->a.data + i * s->a.row_stride,
                .panel = p->packs_a ? p->panel : rows,
                .a_row_stride = p->packs_a ? 0 : s->a.row_stride,
                .b = is_edge      ? s->edge
                     : p->packs_b ? s->packed_b + j * s->k
                                  : s->b.data + j,
                .b_row_stride = is_edge || p->packs_b ? nr : s->b.row_stride,
                .k = s->k,
                .rows = rows,
                .columns = convk_min(nr, column_end - j),
                .alpha = s->end.alpha,
                .beta = s->end.beta,
                .column_bias = s->end.bias ? s->end.bias + j : NULL,
                .relu = s->end.relu,
            };
            p->entry->kernel(&tile);
        }
    }
}

/// Packs a block of B, inside a parallel region. Each number is written by one thread; the barrier
/// at a loop's end waits for all.
static void pack_block(float *packed_b, convk_matrix b, ptrdiff_t k, ptrdiff_t columns,
                       const plan *plan) {
    enum { ROWS = 16 };
    const ptrdiff_t nr = plan->entry->nr;
    if (!plan->packs_b) return;
    if (b.column_stride == 1) {
#pragma omp for schedule(static)
        for (ptrdiff_t p = 0; p < k; p += ROWS)
            convk_pack_b_rows(plan->entry, packed_b + p * nr, convk_submatrix(b, p, 0),
                              convk_min(ROWS, k - p), columns, k);
        return;
    }
#pragma omp for schedule(static)
    for (ptrdiff_t j = 0; j < columns; j += nr)
        convk_pack_b(plan->entry, packed_b + j * k, convk_submatrix(b, 0, j), k,
                     convk_min(nr, columns - j));
}

/// Loops 3 and 4, inside a parallel region: packs A and multiplies with the packed block of B.
static void multiply_block(block s, float *packed_a, ptrdiff_t m) {
    const plan *p = s.p;
    float *const c = s.c;
    const convk_matrix a = s.a;
    for (ptrdiff_t row_0 = 0; row_0 < m; row_0 += p->shared_mc) {
        const ptrdiff_t rows = convk_min(p->shared_mc, m - row_0);
        s.a = convk_submatrix(a, row_0, 0);
        s.c = c + row_0 * s.ldc;
        s.packed_a = packed_a;
        if (p->packs_a) {
            // Each panel is written by one thread; the barrier at the loop's end waits for all.
#pragma omp for schedule(static)
            for (ptrdiff_t i = 0; i < rows; i += p->panel)
                convk_pack_a(p->entry, packed_a + i * s.k, convk_submatrix(s.a, i, 0),
                             convk_min(p->panel, rows - i), s.k, p->panel);
        }
        const ptrdiff_t nr = p->entry->nr;
        const ptrdiff_t row_panels = convk_ceil_div(rows, p->panel);
        const ptrdiff_t column_panels = convk_ceil_div(s.columns, nr);
        const ptrdiff_t row_tasks = convk_ceil_div(rows, p->mc);
        const ptrdiff_t column_tasks = convk_ceil_div(column_panels, p->task_panels);
        // Each task writes its own tile of C. Where nothing is packed, no thread waits for another:
        // the next block of k is cut alike, and each thread goes on with the tiles it has.
#pragma omp for schedule(static) nowait
        for (ptrdiff_t task = 0; task < row_tasks * column_tasks; task++) {
            // Neighbouring tasks share their panels of B, the larger part of what they read; those
            // of a narrow B fit in the cache together, and threads share the rows, which are cut
            // more evenly. Panels are dealt out evenly: a small last task would leave its thread
            // waiting.
            const bool by_rows = column_panels <= IN_PLACE_PANELS;
            const ptrdiff_t i = by_rows ? task / column_tasks : task % row_tasks;
            const ptrdiff_t j = by_rows ? task % column_tasks : task / row_tasks;
            multiply_task(&s, i * row_panels / row_tasks * p->panel,
                          convk_min((i + 1) * row_panels / row_tasks * p->panel, rows),
                          j * column_panels / column_tasks * nr,
                          convk_min((j + 1) * column_panels / column_tasks * nr, s.columns));
        }
        if (p->packs_a || p->packs_b) {
#pragma omp barrier
        }
    }
}

/// The threads for a product. Below some microseconds of multiplying, or of reading B, the others
/// would wake up too late.
static int threads_for(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_execution execution) {
    const double b_size = (double)n * (double)k;
    return b_size * (double)m < 1 << 20 && b_size < 1 << 17 ? 1 : execution.threads;
}

/// C = beta * C, for alpha 0 or an empty sum.
static void scale(float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n, float beta) {
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

/// How a product whose C has one row is cut up. B is read once, in place, so the threads share what
/// they read: columns where there are many, otherwise blocks of k, each summed for itself.
typedef struct {
    ptrdiff_t width;  // columns of a task
    ptrdiff_t chunks; // of k; as many as the shape says, so the bits don't depend on threads
} row_plan;

static row_plan make_row_plan(ptrdiff_t n, ptrdiff_t k, const convk_sgemm_entry *entry) {
    enum { CHUNK_FLOATS = 1 << 17, MOST_TASKS = 16 };
    const ptrdiff_t most = CONVK_ROW_VECTORS * entry->lanes;
    const ptrdiff_t needed = (ptrdiff_t)((double)n * (double)k / CHUNK_FLOATS) + 1;
    const ptrdiff_t chunks =
        convk_min(convk_min(needed, MOST_TASKS / convk_ceil_div(n, most)), k) / 2 * 2;
    // Whole rows come from a cache faster than parts of them, and from the second-level one where
    // each thread has its own: 100 sums over 4320 take 15.8 microseconds on Zen 5, 6.4 with two
    // threads.
    if (chunks >= 2) return (row_plan){.width = convk_min(most, n), .chunks = chunks};
    const ptrdiff_t half = convk_round_up(convk_ceil_div(n, 2), entry->lanes);
    return (row_plan){.width = convk_min(most, half), .chunks = 1};
}

static ptrdiff_t row_workspace(ptrdiff_t n, ptrdiff_t k, const convk_sgemm_entry *entry) {
    return make_row_plan(n, k, entry).chunks * n;
}

/// c = alpha * (the chunks' sums in order) + beta * c + bias.
static void add_row_chunks(float *restrict c, const float *restrict sums, ptrdiff_t n,
                           ptrdiff_t chunks, ending end) {
    for (ptrdiff_t j = 0; j < n; j++) {
        float total = sums[j];
        for (ptrdiff_t chunk = 1; chunk < chunks; chunk++) total += sums[chunk * n + j];
        total *= end.alpha;
        if (end.beta != 0) total += end.beta * c[j];
        if (end.bias) total += end.bias[j];
        c[j] = end.relu && total <= 0 ? 0 : total;
    }
}

static void multiply_one_row(float *restrict c, convk_matrix a, convk_matrix b, ptrdiff_t n,
                             ptrdiff_t k, ending end, float *restrict sums,
                             convk_execution execution) {
    const convk_sgemm_entry *entry = convk_sgemm_entry_for(execution.isa);
    const row_plan p = make_row_plan(n, k, entry);
    const bool is_whole = p.chunks == 1;
    const ptrdiff_t columns = convk_ceil_div(n, p.width);
    const int threads = threads_for(1, n, k, execution);
    // Each task writes its own columns of its own chunk's sums.
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (ptrdiff_t task = 0; task < p.chunks * columns; task++) {
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
    if (!is_whole) add_row_chunks(c, sums, n, p.chunks, end);
}

ptrdiff_t convk_sgemm_workspace(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_execution execution) {
    const plan p = make_plan(m, n, k, false, false, execution);
    const ptrdiff_t blocks = packed_a_size(&p, m) + p.nc * p.kc + execution.threads * edge_size(&p);
    return m == 1 ? convk_max(blocks, row_workspace(n, k, p.entry)) : blocks;
}

static void multiply(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b, ptrdiff_t m,
                     ptrdiff_t n, ptrdiff_t k, ending end, float *restrict workspace,
                     convk_execution execution) {
    assert(m > 0 && n > 0 && k > 0 && ldc >= n);
    assert(a.row_stride == 1 || a.column_stride == 1);
    assert(b.row_stride == 1 || b.column_stride == 1);
    if (m == 1 && b.column_stride == 1)
        return multiply_one_row(c, a, b, n, k, end, workspace, execution);
    const plan p = make_plan(m, n, k, a.column_stride == 1, b.column_stride == 1, execution);
    float *packed_a = workspace;
    float *packed_b = workspace + packed_a_size(&p, m);
    float *edges = packed_b + p.nc * p.kc;
    const int threads = threads_for(m, n, k, execution);

#pragma omp parallel num_threads(threads) if (threads > 1)
    for (ptrdiff_t column = 0; column < n; column += p.nc) {
        const ptrdiff_t columns = convk_min(p.nc, n - column);
        for (ptrdiff_t k_0 = 0; k_0 < k; k_0 += p.kc) {
            const ptrdiff_t depth = convk_min(p.kc, k - k_0);
            pack_block(packed_b, convk_submatrix(b, k_0, column), depth, columns, &p);
            // The first block of k takes what C holds, the last one adds the bias.
            const bool is_last = k_0 + depth == k;
            const ending part = {.alpha = end.alpha,
                                 .beta = k_0 == 0 ? end.beta : 1,
                                 .bias = is_last && end.bias ? end.bias + column : NULL,
                                 .relu = is_last && end.relu};
            const block s = {.p = &p,
                             .c = c + column,
                             .ldc = ldc,
                             .packed_b = packed_b,
                             .edge = edges + omp_get_thread_num() * edge_size(&p),
                             .a = convk_submatrix(a, 0, k_0),
                             .b = convk_submatrix(b, k_0, column),
                             .columns = columns,
                             .k = depth,
                             .end = part};
            multiply_block(s, packed_a, m);
        }
    }
}

void convk_sgemm(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b, ptrdiff_t m,
                 ptrdiff_t n, ptrdiff_t k, float alpha, float beta, float *restrict workspace,
                 convk_execution execution) {
    if (alpha == 0) return scale(c, ldc, m, n, beta);
    const ending end = {.alpha = alpha, .beta = beta};
    multiply(c, ldc, a, b, m, n, k, end, workspace, execution);
}

void convk_affine(float *restrict y, const float *restrict x, const float *restrict weights,
                  const float *restrict bias, bool relu, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                  float *restrict workspace, convk_execution execution) {
    const ending end = {.alpha = 1, .bias = bias, .relu = relu};
    multiply(y, n, (convk_matrix){x, k, 1}, (convk_matrix){weights, n, 1}, m, n, k, end, workspace,
             execution);
}
