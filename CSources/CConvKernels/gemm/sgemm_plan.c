// SPDX-License-Identifier: MIT
//
// The plan of a matrix product: block sizes from the shape and the second-level cache, with the
// figures behind each threshold.
#include "gemm/sgemm_plan.h"

enum {
    LARGEST_NC = 4096,        // columns of a packed block of B
    LARGEST_SHARED_MC = 4096, // rows of a packed block of A
    FEWEST_ROW_TASKS = 16, // row blocks by panels of B that a small product is cut into, at least
    IN_PLACE_PANELS = 8,   // with so few panels of B, packing A costs more than it gains
    IN_PLACE_ROW_PANELS = 20, // with so few panels of A, packing B does
    SHALLOW_TIMES = 8,        // rows of a task, as a multiple of mc, at most
    LARGEST_GROUP = 64,       // panels of B that a thread packs along the way
    // Operands of so many bytes together are read in place, if twice the second-level cache is as
    // large. Product of 512, which is 2 MiB: on Emerald Rapids 1.64 ms packed, 1.55 in place with
    // one thread, 0.85 and 0.75 with two; on Zen 5 with a cache of 1 MiB 1.02 and 0.99, 0.534 and
    // 0.511.
    LARGEST_IN_PLACE = 2 << 20,
};

/// Whether so many rows of a panel fall on the same set of a cache that they push each other out: a
/// first-level cache repeats every 4 KiB and has 8 or 12 ways. Product of 1024 on Zen 5, whose rows
/// are 4 KiB: 8.1 ms packed, 8.6 in place.
static bool rows_collide(ptrdiff_t row_stride, ptrdiff_t panel) {
    enum { PERIOD = 4096 / sizeof(float), LINE = 64 / sizeof(float), MOST = 4 };
    ptrdiff_t rows = 0;
    for (ptrdiff_t i = 0; i < panel; i++) rows += (i * row_stride + LINE / 2) % PERIOD < LINE;
    return rows > MOST;
}

convk_sgemm_plan convk_sgemm_plan_make(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix a,
                                       convk_matrix b, convk_execution execution) {
    convk_sgemm_plan p = {.kernels = convk_kernels_for(execution.isa)};
    const ptrdiff_t nr = p.kernels->nr;
    const ptrdiff_t column_panels = convk_ceil_div(n, nr);
    p.panel = convk_panel_height(m, p.kernels);
    p.row_panels = convk_ceil_div(m, p.panel);
    p.kc = convk_ceil_div(k, convk_ceil_div(k, p.kernels->product_kc));
    // Shallow rows are soon done with: a task takes more of them.
    const ptrdiff_t times = convk_max(1, convk_min(p.kernels->kc / p.kc, SHALLOW_TIMES));
    ptrdiff_t row_blocks = convk_ceil_div(m, p.kernels->mc * times);
    // With few columns, rows are cut finer, so that threads find enough to share.
    row_blocks = convk_min(convk_max(row_blocks, FEWEST_ROW_TASKS / column_panels), p.row_panels);
    p.mc = convk_ceil_div(p.row_panels, row_blocks) * p.panel;
    p.nc = convk_min(convk_round_up(n, nr), LARGEST_NC / nr * nr);
    const ptrdiff_t cache = convk_second_level_cache();
    const double bytes = (double)(m + n) * (double)k * sizeof(float);
    const bool fits = bytes <= (double)convk_min(2 * cache, LARGEST_IN_PLACE);
    p.packs_a = !(a.column_stride == 1 && (fits || column_panels <= IN_PLACE_PANELS ||
                                           !rows_collide(a.row_stride, p.panel)));
    const bool in_place = b.column_stride == 1 && (fits || p.row_panels <= IN_PLACE_ROW_PANELS);
    p.packs_b = in_place               ? CONVK_IN_PLACE
                : b.column_stride == 1 ? CONVK_PACKED_ALONG
                                       : CONVK_PACKED_FIRST;
    p.shared_mc = p.packs_a ? convk_max(LARGEST_SHARED_MC / p.mc, 1) * p.mc : row_blocks * p.mc;
    // The wider a group is, the less often its part of A comes from afar: half of the second-level
    // cache is for B. A narrow B is one group, and threads share the rows.
    const ptrdiff_t cached_panels = cache / 2 / (p.kc * nr * (ptrdiff_t)sizeof(float));
    const ptrdiff_t fewest = column_panels <= IN_PLACE_PANELS ? IN_PLACE_PANELS : 1;
    p.group_panels =
        convk_min(column_panels, convk_max(fewest, convk_min(cached_panels, LARGEST_GROUP)));
    return p;
}

int convk_sgemm_threads(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_execution execution) {
    const double b_size = (double)n * (double)k;
    return b_size * (double)m < 1 << 20 && b_size < 1 << 17 ? 1 : execution.threads;
}

bool convk_sgemm_is_small(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix a, convk_matrix b,
                          convk_execution execution) {
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    return m <= CONVK_SMALL && n <= CONVK_SMALL && k <= CONVK_SMALL && k <= kernels->product_kc &&
           a.column_stride == 1 && b.column_stride == 1 &&
           convk_sgemm_threads(m, n, k, execution) == 1;
}

bool convk_sgemm_is_turned(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix b,
                           convk_execution execution) {
    enum { SMALLEST_B = 1 << 18 };
    const ptrdiff_t nr = convk_kernels_for(execution.isa)->nr;
    return b.column_stride != 1 && m <= nr && n > nr && (double)n * (double)k >= SMALLEST_B;
}

ptrdiff_t convk_sgemm_packed_a_size(const convk_sgemm_plan *p) {
    if (!p->packs_a) return 0;
    const ptrdiff_t rows = convk_min(p->row_panels * p->panel, p->shared_mc);
    return convk_round_up(rows * p->kc, 16);
}

ptrdiff_t convk_sgemm_packed_b_size(const convk_sgemm_plan *p) {
    return p->packs_b == CONVK_PACKED_FIRST ? p->nc * p->kc : 0;
}

ptrdiff_t convk_sgemm_own_panels_size(const convk_sgemm_plan *p) {
    if (p->packs_b == CONVK_PACKED_FIRST) return 0;
    const ptrdiff_t panels = p->packs_b == CONVK_PACKED_ALONG ? p->group_panels : 1;
    return convk_round_up(panels * p->kc * p->kernels->nr, 16);
}
