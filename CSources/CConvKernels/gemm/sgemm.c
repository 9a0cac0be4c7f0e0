// SPDX-License-Identifier: MIT
//
// The blocked matrix product, after Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008, and the BLIS framework. The loops, from the outermost in:
//
//   1. columns of C in blocks of nc: what is packed of B stays in the last-level cache
//   2. k in blocks of kc
//   3. rows of C in blocks of shared_mc: the packed block of A that all threads share
//   4. tasks of mc rows x one panel of B, what a thread takes at a time, in groups of panels that
//      stay in its second-level cache beside the task's part of A
//   5. panels of A: one call of the micro-kernel each
//
// Packing is avoided where it can be. A is read in place unless its rows collide in the cache. B is
// packed by the tiles that read it first, on the way: two stores beside 28 multiply-adds cost
// nothing, and no thread waits for another. On Zen 5, one thread and two, a product of 384 x 729 x
// 1200 with both packed beforehand takes 2.76 and 1.46 ms, and 2.62 and 1.31 so; one of 2048,
// whose rows collide, 70.8 and 35.3, and 66.9 and 34.5 with B packed on the way.
//
// Threads share the packing and the tasks, and never a sum: blocks of k follow one another, so the
// bits don't depend on how many threads there are. The block sizes depend on the shape alone.
#include "gemm/sgemm_dots.h"
#include "gemm/sgemm_pack.h"
#include "gemm/sgemm_plan.h"
#include "gemm/sgemm_row.h"

#include <stdint.h>

static convk_matrix turned_matrix(convk_matrix m) {
    return (convk_matrix){m.data, m.column_stride, m.row_stride};
}

/// From one row of C' to the next: whole vectors.
static ptrdiff_t turned_width(ptrdiff_t m, convk_execution execution) {
    return convk_round_up(m, convk_kernels_for(execution.isa)->lanes);
}

/// The floats of C'.
static ptrdiff_t turned_size(ptrdiff_t m, ptrdiff_t n, convk_execution execution) {
    return convk_round_up(n * turned_width(m, execution), 16);
}

/// The floats of workspace of a product that goes by a plan.
static ptrdiff_t plan_workspace(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix a,
                                convk_matrix b, convk_execution execution) {
    const convk_sgemm_plan p = convk_sgemm_plan_make(m, n, k, a, b, execution);
    return convk_sgemm_packed_a_size(&p) + convk_sgemm_packed_b_size(&p) +
           execution.threads * convk_sgemm_own_panels_size(&p);
}

ptrdiff_t convk_sgemm_workspace(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix a,
                                convk_matrix b, convk_execution execution) {
    if (m == 0 || n == 0 || k == 0) return 0;
    if (convk_sgemm_is_row(m, b)) return convk_sgemm_row_workspace(n, k, execution);
    if (convk_sgemm_is_dots(m, k, a, b)) return 0;
    if (convk_sgemm_is_turned(m, n, k, b, execution)) {
        const ptrdiff_t turned =
            turned_size(m, n, execution) +
            plan_workspace(n, m, k, turned_matrix(b), turned_matrix(a), execution);
        // Where C counts or is more than a product, it is not turned.
        return convk_max(turned, plan_workspace(m, n, k, a, b, execution));
    }
    if (convk_sgemm_is_small(m, n, k, a, b, execution))
        return n % convk_kernels_for(execution.isa)->nr == 0 ? 0 : CONVK_SMALL_EDGE;
    return plan_workspace(m, n, k, a, b, execution);
}

/// What one block of k does, the same for all its tasks.
typedef struct {
    const convk_sgemm_plan *p;
    float *c; // row row_0 of the shared block, column column_0 of the block of B
    ptrdiff_t ldc;
    const float *packed_a, *packed_b;
    float *own_panels;   // the thread's
    ptrdiff_t group;     // of B, that the own panels belong to, or -1
    uint64_t own_packed; // which of them are packed, a bit each
    convk_matrix a, b;   // the shared block of A and the block of B, in place
    ptrdiff_t rows, columns, k;
    convk_sgemm_ending end; // its bias that of the block's first column
} block;

/// Where a tile finds its panel of B.
typedef struct {
    const float *data;
    ptrdiff_t row_stride;
    float *packed; // where the first tile packs it to, or NULL
} b_panel;

/// The panel at column j, which is the thread's own panel `own` if it has to be packed.
static b_panel panel_of_b(block *s, ptrdiff_t j, ptrdiff_t columns, ptrdiff_t own) {
    const convk_sgemm_plan *p = s->p;
    const ptrdiff_t nr = p->kernels->nr;
    if (p->packs_b == CONVK_PACKED_FIRST) return (b_panel){s->packed_b + j * s->k, nr, NULL};
    const bool is_edge = columns < nr;
    const b_panel in_place = {s->b.data + j, s->b.row_stride, NULL};
    if (p->packs_b == CONVK_IN_PLACE && !is_edge) return in_place;
    // A micro-kernel reads whole rows of a panel: a narrow one is packed for itself.
    own = p->packs_b == CONVK_IN_PLACE ? 0 : own;
    float *packed = s->own_panels + own * s->k * nr;
    const uint64_t bit = (uint64_t)1 << own;
    const bool is_packed = (s->own_packed & bit) != 0;
    s->own_packed |= bit;
    if (!is_packed && !is_edge) return (b_panel){in_place.data, in_place.row_stride, packed};
    if (!is_packed) convk_pack_b(p->kernels, packed, convk_submatrix(s->b, 0, j), s->k, columns);
    return (b_panel){packed, nr, NULL};
}

/// Loop 5 over rows row ..< row_end and the panel of B at column j.
static void multiply_panel(const block *s, ptrdiff_t row, ptrdiff_t row_end, ptrdiff_t j,
                           ptrdiff_t columns, b_panel b) {
    const convk_sgemm_plan *p = s->p;
    for (ptrdiff_t i = row; i < row_end; i += p->panel) {
        const ptrdiff_t rows = convk_min(p->panel, row_end - i);
        const convk_tile tile = {
            .c = s->c + i * s->ldc + j,
            .ldc = s->ldc,
            .a = p->packs_a ? s->packed_a + i * s->k : s->a.data + i * s->a.row_stride,
            .panel = p->packs_a ? p->panel : rows,
            .a_row_stride = p->packs_a ? 0 : s->a.row_stride,
            .b = b.data,
            .b_row_stride = b.row_stride,
            .packed_b = b.packed,
            .k = s->k,
            .rows = rows,
            .columns = columns,
            .alpha = s->end.alpha,
            .beta = s->end.beta,
            .column_bias = s->end.bias ? s->end.bias + j : NULL,
            .relu = s->end.relu,
        };
        p->kernels->kernel(&tile);
        if (b.packed != NULL) b = (b_panel){b.packed, p->kernels->nr, NULL};
    }
}

/// Packs a block of B, inside a parallel region. Each number is written by one thread; the barrier
/// at a loop's end waits for all.
static void pack_block(float *packed_b, convk_matrix b, ptrdiff_t k, ptrdiff_t columns,
                       const convk_sgemm_plan *plan) {
    enum { ROWS = 16 };
    const ptrdiff_t nr = plan->kernels->nr;
    if (plan->packs_b != CONVK_PACKED_FIRST) return;
    if (b.column_stride == 1) {
        CONVK_SHARED_BLOCKS (p, k, ROWS)
            convk_pack_b_rows(plan->kernels, packed_b + p * nr, convk_submatrix(b, p, 0),
                              convk_min(ROWS, k - p), columns, k);
        convk_wait_for_all();
        return;
    }
    CONVK_SHARED_BLOCKS (j, columns, nr)
        convk_pack_b(plan->kernels, packed_b + j * k, convk_submatrix(b, 0, j), k,
                     convk_min(nr, columns - j));
    convk_wait_for_all();
}

/// How a block is cut into tasks.
typedef struct {
    ptrdiff_t rows, row_panels, row_tasks; // panels and tasks along the rows
    ptrdiff_t column_panels, groups;       // panels of B and groups of them
} cut;

/// Loop 4: task `index` of row_tasks * column_panels. Group by group, and in a group row by row:
/// neighbouring tasks share their part of A, and their group of B stays in the cache. Rows and
/// panels are dealt out evenly: a small last task would leave its thread waiting.
static void run_task(block *s, ptrdiff_t index, const cut *t) {
    const convk_sgemm_plan *p = s->p;
    const ptrdiff_t nr = p->kernels->nr;
    // The last group that starts at or before panel index / row_tasks.
    const ptrdiff_t group = ((index / t->row_tasks + 1) * t->groups - 1) / t->column_panels;
    const ptrdiff_t first = group * t->column_panels / t->groups;
    const ptrdiff_t width = (group + 1) * t->column_panels / t->groups - first;
    const ptrdiff_t i = (index - first * t->row_tasks) / width;
    const ptrdiff_t own = (index - first * t->row_tasks) % width;
    const ptrdiff_t j = (first + own) * nr, columns = convk_min(nr, s->columns - j);
    if (group != s->group && p->packs_b == CONVK_PACKED_ALONG) s->own_packed = 0;
    s->group = group;
    multiply_panel(s, i * t->row_panels / t->row_tasks * p->panel,
                   convk_min((i + 1) * t->row_panels / t->row_tasks * p->panel, t->rows), j,
                   columns, panel_of_b(s, j, columns, own));
}

/// Loops 3 and 4, inside a parallel region: packs A and multiplies with the packed block of B.
static void multiply_block(block s, float *packed_a, ptrdiff_t m) {
    const convk_sgemm_plan *p = s.p;
    float *const c = s.c;
    const convk_matrix a = s.a;
    for (ptrdiff_t row_0 = 0; row_0 < m; row_0 += p->shared_mc) {
        const ptrdiff_t rows = convk_min(p->shared_mc, m - row_0);
        s.a = convk_submatrix(a, row_0, 0);
        s.c = c + row_0 * s.ldc;
        s.packed_a = packed_a;
        if (p->packs_a) {
            // Each panel is written by one thread; the barrier at the loop's end waits for all.
            CONVK_SHARED_BLOCKS (i, rows, p->panel)
                convk_pack_a(p->kernels, packed_a + i * s.k, convk_submatrix(s.a, i, 0),
                             convk_min(p->panel, rows - i), s.k, p->panel);
            convk_wait_for_all();
        }
        // Each task writes its own tile of C. Where nothing is packed, no thread waits for another:
        // the next block of k is cut alike, and each thread goes on with the tiles it has.
        cut t = {.rows = rows,
                 .row_panels = convk_ceil_div(rows, p->panel),
                 .row_tasks = convk_ceil_div(rows, p->mc),
                 .column_panels = convk_ceil_div(s.columns, p->kernels->nr)};
        t.groups = convk_ceil_div(t.column_panels, p->group_panels);
        CONVK_SHARED_LOOP (index, t.row_tasks * t.column_panels) run_task(&s, index, &t);
        if (p->packs_a || p->packs_b == CONVK_PACKED_FIRST) convk_wait_for_all();
    }
}

/// C = beta * C, for alpha 0 or an empty sum.
static void scale(float *c, ptrdiff_t ldc, ptrdiff_t m, ptrdiff_t n, float beta) {
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

/// A small product.
static void multiply_small(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b,
                           ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_sgemm_ending end,
                           float *restrict workspace, convk_execution execution) {
    convk_sgemm_plan p = {.kernels = convk_kernels_for(execution.isa), .packs_b = CONVK_IN_PLACE};
    p.panel = convk_panel_height(m, p.kernels);
    block s = {
        .p = &p, .c = c, .ldc = ldc, .own_panels = workspace, .a = a, .b = b, .k = k, .end = end};
    const ptrdiff_t nr = p.kernels->nr;
    for (ptrdiff_t j = 0; j < n; j += nr) {
        const ptrdiff_t columns = convk_min(nr, n - j);
        multiply_panel(&s, 0, m, j, columns, panel_of_b(&s, j, columns, 0));
    }
}

/// A product that goes by a plan.
static void multiply_planned(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b,
                             ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_sgemm_ending end,
                             float *restrict workspace, convk_execution execution) {
    const convk_sgemm_plan p = convk_sgemm_plan_make(m, n, k, a, b, execution);
    float *packed_a = workspace;
    float *packed_b = workspace + convk_sgemm_packed_a_size(&p);
    float *own_panels = packed_b + convk_sgemm_packed_b_size(&p);
    const int threads = convk_sgemm_threads(m, n, k, execution);

    CONVK_PARALLEL (threads) {
        for (ptrdiff_t column = 0; column < n; column += p.nc) {
            const ptrdiff_t columns = convk_min(p.nc, n - column);
            for (ptrdiff_t k_0 = 0; k_0 < k; k_0 += p.kc) {
                const ptrdiff_t depth = convk_min(p.kc, k - k_0);
                pack_block(packed_b, convk_submatrix(b, k_0, column), depth, columns, &p);
                // The first block of k takes what C holds, the last one adds the bias.
                const bool is_last = k_0 + depth == k;
                const convk_sgemm_ending part = {.alpha = end.alpha,
                                                 .beta = k_0 == 0 ? end.beta : 1,
                                                 .bias =
                                                     is_last && end.bias ? end.bias + column : NULL,
                                                 .relu = is_last && end.relu};
                const block s = {.p = &p,
                                 .c = c + column,
                                 .ldc = ldc,
                                 .packed_b = packed_b,
                                 .own_panels = own_panels + convk_thread_number() *
                                                                convk_sgemm_own_panels_size(&p),
                                 .group = -1,
                                 .a = convk_submatrix(a, 0, k_0),
                                 .b = convk_submatrix(b, k_0, column),
                                 .columns = columns,
                                 .k = depth,
                                 .end = part};
                multiply_block(s, packed_a, m);
            }
        }
    }
}

/// A product whose C is computed the other way round and turned back. C is not read.
static void multiply_turned(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b,
                            ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_sgemm_ending end,
                            float *restrict workspace, convk_execution execution) {
    enum { COLUMNS = 512 }; // of C that a thread turns at a time
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    const ptrdiff_t width = turned_width(m, execution);
    multiply_planned(workspace, width, turned_matrix(b), turned_matrix(a), n, m, k, end,
                     workspace + turned_size(m, n, execution), execution);
    const int threads = convk_threads_for(m * n, execution);
    // Each turn writes its own columns of C.
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_BLOCKS (j, n, COLUMNS)
            kernels->unpack_planes(c + j, ldc, workspace + j * width, width, m,
                                   convk_min(COLUMNS, n - j));
    }
}

static void multiply(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b, ptrdiff_t m,
                     ptrdiff_t n, ptrdiff_t k, convk_sgemm_ending end, float *restrict workspace,
                     convk_execution execution) {
    assert(m > 0 && n > 0 && k > 0 && ldc >= n);
    assert(a.row_stride == 1 || a.column_stride == 1);
    assert(b.row_stride == 1 || b.column_stride == 1);
    if (convk_sgemm_is_row(m, b)) return convk_sgemm_row(c, a, b, n, k, end, workspace, execution);
    if (convk_sgemm_is_dots(m, k, a, b))
        return convk_sgemm_dots(c, a.data, b.data, b.column_stride, n, k, end, execution);
    if (convk_sgemm_is_small(m, n, k, a, b, execution))
        return multiply_small(c, ldc, a, b, m, n, k, end, workspace, execution);
    if (end.beta == 0 && end.bias == NULL && convk_sgemm_is_turned(m, n, k, b, execution))
        return multiply_turned(c, ldc, a, b, m, n, k, end, workspace, execution);
    multiply_planned(c, ldc, a, b, m, n, k, end, workspace, execution);
}

void convk_sgemm(float *restrict c, ptrdiff_t ldc, convk_matrix a, convk_matrix b, ptrdiff_t m,
                 ptrdiff_t n, ptrdiff_t k, float alpha, float beta, float *restrict workspace,
                 convk_execution execution) {
    if (alpha == 0 || k == 0 || m == 0 || n == 0) return scale(c, ldc, m, n, beta);
    const convk_sgemm_ending end = {.alpha = alpha, .beta = beta};
    multiply(c, ldc, a, b, m, n, k, end, workspace, execution);
}

ptrdiff_t convk_affine_workspace(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_execution execution) {
    return convk_sgemm_workspace(m, n, k, (convk_matrix){NULL, k, 1}, (convk_matrix){NULL, n, 1},
                                 execution);
}

void convk_affine(float *restrict y, const float *restrict x, const float *restrict weights,
                  const float *restrict bias, bool relu, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k,
                  float *restrict workspace, convk_execution execution) {
    const convk_sgemm_ending end = {.alpha = 1, .bias = bias, .relu = relu};
    multiply(y, n, (convk_matrix){x, k, 1}, (convk_matrix){weights, n, 1}, m, n, k, end, workspace,
             execution);
}
