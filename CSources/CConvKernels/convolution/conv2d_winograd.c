// SPDX-License-Identifier: MIT
//
// Winograd's convolution, a block of tiles at a time: a task transforms all channels of nr tiles,
// multiplies them at each of the 36 points with some panels of filters, transforms the products
// back, and goes on to the next panels. The transformed tiles stay in the second-level cache, the
// filters stream through it.
#include "convolution/conv2d_winograd.h"

_Static_assert(CONVK_LARGEST_NR <= CONVK_WINOGRAD_BLOCK, "a block has nr tiles");

enum {
    FILTER_PANELS = 4, // panels of filters between two transforms back
    ENOUGH_TASKS = 16,
};

static ptrdiff_t outputs_of_tile(const convk_window *w) {
    return CONVK_WINOGRAD_TILE - w->kh + 1;
}

ptrdiff_t convk_conv2d_winograd_tiles(const convk_window *w) {
    const ptrdiff_t m = outputs_of_tile(w);
    return w->n * convk_ceil_div(w->oh, m) * convk_ceil_div(w->ow, m);
}

bool convk_conv2d_winograd_can(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    // Transforms, one for each channel and one for each filter, are paid for by the products of the
    // two. GFLOP/s of the direct algorithm and of this one on Zen 4, one thread, one image, 3 x 3:
    // 16 -> 16 channels of 32 x 32 98 and 130 (AVX2 87 and 109), 32 -> 32 of 16 x 16 101 and 143
    // (150), 16 -> 64 of 55 x 55 105 and 163 (150), 128 -> 32 of 56 x 56 108 and 198.
    enum { FEWEST_PRODUCTS = 8 };
    const ptrdiff_t rows = conv->filters / conv->groups;
    return execution.winograd && w->kh == w->kw && (w->kh == 3 || w->kh == 5) && w->stride_h == 1 &&
           w->stride_w == 1 && w->dilation_h == 1 && w->dilation_w == 1 &&
           w->c * rows >= FEWEST_PRODUCTS * (w->c + rows);
}

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    // With fewer, what conv2d_winograd_few.c says.
    enum { FEWEST_TILES = 128 };
    return convk_conv2d_winograd_can(conv, execution) &&
           convk_conv2d_winograd_tiles(&conv->window) >= FEWEST_TILES;
}

convk_conv2d_winograd convk_conv2d_winograd_make(const convk_conv2d *conv,
                                                 convk_execution execution) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    const ptrdiff_t groups = conv->groups, rows = conv->filters / groups;
    convk_conv2d_winograd p = {.kernels = convk_kernels_for(execution.isa),
                               .transforms = convk_kernels_for(execution.isa)->winograd,
                               .window = window,
                               .groups = groups,
                               .x_image = convk_x_image(conv),
                               .y_image = convk_y_image(conv),
                               .rows = rows,
                               .tile_outputs = outputs_of_tile(w)};
    p.panel = convk_panel_height(rows, p.kernels);
    p.row_panels = convk_ceil_div(rows, p.panel);
    // A transform may write a vector beyond the last filter.
    p.point_stride = convk_round_up(w->c * p.panel, 16) + 16;
    p.tiles_stride = w->c * p.kernels->nr + CONVK_WINOGRAD_GAP;
    p.tiles_h = convk_ceil_div(w->oh, p.tile_outputs);
    p.tiles_w = convk_ceil_div(w->ow, p.tile_outputs);
    p.blocks = convk_ceil_div(w->n * p.tiles_h * p.tiles_w, p.kernels->nr);
    // With few tiles, threads share the filters too, and transform the tiles again.
    p.row_tasks =
        convk_max(1, convk_min(ENOUGH_TASKS / (p.blocks * groups), p.row_panels / FILTER_PANELS));
    return p;
}

CONVK_FITS_A_PLAN(convk_conv2d_winograd);

/// The block sizes of a plan.
static convk_conv2d_winograd read(const convk_conv2d_plan *plan) {
    convk_conv2d_winograd p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

ptrdiff_t convk_conv2d_winograd_filters_size(const convk_conv2d_winograd *p) {
    return p->groups * p->row_panels * CONVK_WINOGRAD_POINTS * p->point_stride;
}

ptrdiff_t convk_conv2d_winograd_tiles_size(const convk_conv2d_winograd *p) {
    return CONVK_WINOGRAD_POINTS * p->tiles_stride;
}

ptrdiff_t convk_conv2d_winograd_products_stride(const convk_conv2d_winograd *p, ptrdiff_t panels) {
    return panels * p->panel * p->kernels->nr + CONVK_WINOGRAD_GAP;
}

/// The floats of one thread's products.
static ptrdiff_t products_size(const convk_conv2d_winograd *p) {
    return CONVK_WINOGRAD_POINTS * convk_conv2d_winograd_products_stride(p, FILTER_PANELS);
}

static ptrdiff_t thread_size(const convk_conv2d_winograd *p) {
    return convk_conv2d_winograd_tiles_size(p) + products_size(p);
}

/// The calling thread's part of the workspace.
static float *scratch_of_thread(const convk_conv2d_winograd *p, float *workspace) {
    return workspace + convk_thread_number() * thread_size(p);
}

void convk_conv2d_winograd_pack_panel(const convk_conv2d_winograd *p, float *restrict filters,
                                      const float *restrict weights, ptrdiff_t index,
                                      float *restrict packed) {
    const ptrdiff_t k = p->window.c * p->window.kh * p->window.kw;
    const ptrdiff_t row = index % p->row_panels * p->panel;
    const convk_matrix a = {weights + (index / p->row_panels * p->rows + row) * k, k, 1};
    convk_pack_a(p->kernels, packed, a, convk_min(p->panel, p->rows - row), k, p->panel);
    p->transforms->filters(filters, p->point_stride, packed, p->window.c, p->panel,
                           (int)p->window.kh);
}

void convk_conv2d_winograd_pack(const convk_conv2d_winograd *p, float *restrict filters,
                                const float *restrict weights, float *restrict workspace,
                                ptrdiff_t thread_floats) {
    // A packed panel has at most 25 * c * MR numbers and is followed by more.
    float *packed = workspace + convk_thread_number() * thread_floats;
    // Each panel is written by one thread; all wait for the last.
    const convk_share share = convk_share_of(p->groups * p->row_panels);
    for (ptrdiff_t index = share.begin; index < share.end; index++)
        convk_conv2d_winograd_pack_panel(
            p, filters + index * CONVK_WINOGRAD_POINTS * p->point_stride, weights, index, packed);
    convk_wait_for_all();
}

static void pack(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace) {
    const convk_conv2d_winograd p = read(plan);
    convk_conv2d_winograd_pack(&p, filters, weights, workspace, thread_size(&p));
}

/// One task: a block of tiles, some panels of one group.
typedef struct {
    convk_winograd_outputs outputs;
    const float *x; // the group's first channel of the first image
    float *tiles;
} task;

void convk_conv2d_winograd_block(convk_tile_block *block, const convk_conv2d_winograd *p,
                                 ptrdiff_t tile, ptrdiff_t tile_end, bool of_outputs) {
    const convk_window *w = &p->window;
    const ptrdiff_t image_size = of_outputs ? p->y_image : p->x_image;
    const ptrdiff_t first = tile;
    block->m = p->tile_outputs;
    block->lanes = p->kernels->nr;
    block->h = of_outputs ? w->oh : w->h;
    block->w = of_outputs ? w->ow : w->w;
    block->run_count = 0;
    while (tile < tile_end) {
        const ptrdiff_t column = tile % p->tiles_w, row = tile / p->tiles_w % p->tiles_h;
        const ptrdiff_t length = convk_min(p->tiles_w - column, tile_end - tile);
        block->runs[block->run_count++] =
            (convk_tile_run){.place = tile - first,
                             .count = length,
                             .row = row * p->tile_outputs - (of_outputs ? 0 : w->pad_top),
                             .column = column * p->tile_outputs - (of_outputs ? 0 : w->pad_left),
                             .image = tile / p->tiles_w / p->tiles_h * image_size};
        tile += length;
    }
    convk_tile_block_find_eights(block);
}

/// The products of all points with the panels.
static void multiply(const convk_winograd_outputs *t, const float *tiles) {
    const convk_conv2d_winograd *p = t->p;
    const ptrdiff_t nr = p->kernels->nr;
    const ptrdiff_t stride = convk_conv2d_winograd_products_stride(p, t->panel_end - t->panel);
    for (ptrdiff_t point = 0; point < CONVK_WINOGRAD_POINTS; point++) {
        for (ptrdiff_t i = t->panel; i < t->panel_end; i++) {
            const convk_tile tile = {
                .c = t->products + point * stride + (i - t->panel) * p->panel * nr,
                .ldc = nr,
                .a = t->filters + (i * CONVK_WINOGRAD_POINTS + point) * p->point_stride,
                .panel = p->panel,
                .b = tiles + point * p->tiles_stride,
                .b_row_stride = nr,
                .k = p->window.c,
                .rows = p->panel,
                .columns = nr,
                .alpha = 1,
                .beta = 0,
            };
            p->kernels->kernel(&tile);
        }
    }
}

/// What is left to do to the outputs of some runs of tiles of one filter.
static void finish(const convk_winograd_outputs *t, ptrdiff_t row, const convk_tile_block *block) {
    const convk_conv2d_winograd *p = t->p;
    const convk_window *w = &p->window;
    float *y = t->y + row * w->oh * w->ow;
    for (const convk_tile_run *run = block->runs; run < block->runs + block->run_count; run++) {
        const ptrdiff_t width = convk_min(run->count * p->tile_outputs, w->ow - run->column);
        const ptrdiff_t end = convk_min(run->row + p->tile_outputs, w->oh);
        // Whole rows are one long run.
        const ptrdiff_t rows = width == w->ow ? end - run->row : 1;
        for (ptrdiff_t i = run->row; i < end; i += rows)
            convk_finish(t->plan, t->operands, y + run->image + i * w->ow + run->column,
                         t->filter + row, rows * width);
    }
}

void convk_conv2d_winograd_write(const convk_winograd_outputs *t) {
    const convk_conv2d_winograd *p = t->p;
    const convk_window *w = &p->window;
    const ptrdiff_t nr = p->kernels->nr;
    convk_tile_block block;
    convk_conv2d_winograd_block(&block, p, t->tile, t->tile_end, true);
    const ptrdiff_t stride = convk_conv2d_winograd_products_stride(p, t->panel_end - t->panel);
    const ptrdiff_t first = t->panel * p->panel;
    for (ptrdiff_t row = first; row < convk_min(t->panel_end * p->panel, p->rows); row++) {
        p->transforms->output(t->y + row * w->oh * w->ow, t->products + (row - first) * nr, stride,
                              &block, t->bias ? t->bias[row] : 0, t->operands->relu);
        if (t->operands->finish) finish(t, row, &block);
    }
}

static void run_task(const task *t) {
    const convk_conv2d_winograd *p = t->outputs.p;
    const convk_window *w = &p->window;
    const ptrdiff_t nr = p->kernels->nr;
    convk_tile_block block;
    convk_conv2d_winograd_block(&block, p, t->outputs.tile, t->outputs.tile_end, false);
    for (ptrdiff_t c = 0; c < w->c; c++)
        p->transforms->input(t->tiles + c * nr, p->tiles_stride, t->x + c * w->h * w->w, &block);
    convk_winograd_outputs some = t->outputs;
    for (; some.panel < t->outputs.panel_end; some.panel += FILTER_PANELS) {
        some.panel_end = convk_min(some.panel + FILTER_PANELS, t->outputs.panel_end);
        multiply(&some, t->tiles);
        convk_conv2d_winograd_write(&some);
    }
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const convk_conv2d_winograd p = read(plan);
    const convk_window *w = &p.window;
    const ptrdiff_t tiles = w->n * p.tiles_h * p.tiles_w;
    float *scratch = scratch_of_thread(&p, workspace);
    // Each task writes its own tiles of its own output channels.
    CONVK_SHARED_LOOP (index, p.groups * p.blocks * p.row_tasks) {
        const ptrdiff_t g = index / (p.blocks * p.row_tasks);
        const ptrdiff_t block = index / p.row_tasks % p.blocks, i = index % p.row_tasks;
        const task t = {
            .outputs = {.p = &p,
                        .plan = plan,
                        .operands = o,
                        .filter = g * p.rows,
                        .y = o->to + g * p.rows * w->oh * w->ow,
                        .filters =
                            o->filters + g * p.row_panels * CONVK_WINOGRAD_POINTS * p.point_stride,
                        .bias = o->bias ? o->bias + g * p.rows : NULL,
                        .tile = block * p.kernels->nr,
                        .tile_end = convk_min((block + 1) * p.kernels->nr, tiles),
                        .panel = i * p.row_panels / p.row_tasks,
                        .panel_end = (i + 1) * p.row_panels / p.row_tasks,
                        .products = scratch + convk_conv2d_winograd_tiles_size(&p)},
            .x = o->from + g * w->c * w->h * w->w,
            .tiles = scratch,
        };
        run_task(&t);
    }
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const convk_conv2d_winograd p = convk_conv2d_winograd_make(&plan->conv, plan->execution);
    plan->prepacked_floats = convk_conv2d_winograd_filters_size(&p);
    plan->workspace_floats = plan->threads * thread_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

const convk_conv2d_algorithm convk_forward_winograd = {
    .name = "winograd",
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
};
