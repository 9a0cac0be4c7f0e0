// SPDX-License-Identifier: MIT
//
// Winograd's convolution, a block of tiles at a time: a task transforms all channels of nr tiles,
// multiplies them at each of the 36 points with some panels of filters, transforms the products
// back, and goes on to the next panels. The transformed tiles stay in the second-level cache, the
// filters stream through it.
#include "conv2d_winograd.h"

enum {
    FILTER_PANELS = 4, // panels of filters between two transforms back
    ENOUGH_TASKS = 16,
};

static ptrdiff_t outputs_of_tile(const convk_window *w) {
    return CONVK_WINOGRAD_TILE - w->kh + 1;
}

bool convk_conv2d_winograd_pays(const convk_window *w, ptrdiff_t rows, convk_execution execution) {
    enum { FEWEST_CHANNELS = 48, FEWEST_ROWS = 48, FEWEST_TILES = 128 };
    if (!execution.winograd || w->kh != w->kw || (w->kh != 3 && w->kh != 5)) return false;
    if (w->stride_h != 1 || w->stride_w != 1 || w->dilation_h != 1 || w->dilation_w != 1)
        return false;
    // Transforms are paid for by many channels and filters. Milliseconds on Emerald Rapids, one
    // thread, Winograd's way against the direct one, 3 x 3: 32 -> 32 channels 2.76 against 2.58, 64
    // -> 64 14.0 against 25.3 (56 x 56) and 2.30 against 2.58 (7 x 7, tiles half empty), 256 ->
    // 256 14.3 against 27.0; 5 x 5, 96 -> 256 47 against 100. With few tiles, the transformed
    // filters, four times as large at 3 x 3, take longer to read than to multiply with.
    const ptrdiff_t m = outputs_of_tile(w);
    const ptrdiff_t tiles = w->n * convk_ceil_div(w->oh, m) * convk_ceil_div(w->ow, m);
    return w->c >= FEWEST_CHANNELS && rows >= FEWEST_ROWS && tiles >= FEWEST_TILES;
}

convk_conv2d_winograd convk_conv2d_winograd_make(const convk_window *window, ptrdiff_t groups,
                                                 ptrdiff_t rows, convk_execution execution) {
    convk_conv2d_winograd p = {.entry = convk_sgemm_entry_for(execution.isa),
                               .transforms = convk_winograd_transforms_for(execution.isa),
                               .window = *window,
                               .groups = groups,
                               .rows = rows,
                               .tile_outputs = outputs_of_tile(window)};
    p.panel = convk_panel_height(rows, p.entry);
    p.row_panels = convk_ceil_div(rows, p.panel);
    // A transform may write a vector beyond the last filter.
    p.point_stride = convk_round_up(window->c * p.panel, 16) + 16;
    p.tiles_h = convk_ceil_div(window->oh, p.tile_outputs);
    p.tiles_w = convk_ceil_div(window->ow, p.tile_outputs);
    p.blocks = convk_ceil_div(window->n * p.tiles_h * p.tiles_w, p.entry->nr);
    // With few tiles, threads share the filters too, and transform the tiles again.
    p.row_tasks =
        convk_max(1, convk_min(ENOUGH_TASKS / (p.blocks * groups), p.row_panels / FILTER_PANELS));
    return p;
}

ptrdiff_t convk_conv2d_winograd_filters_size(const convk_conv2d_winograd *p) {
    return p->groups * p->row_panels * CONVK_WINOGRAD_POINTS * p->point_stride;
}

/// The floats of one thread's transformed tiles.
static ptrdiff_t tiles_size(const convk_conv2d_winograd *p) {
    return CONVK_WINOGRAD_POINTS * p->window.c * p->entry->nr;
}

/// The floats of one thread's products.
static ptrdiff_t products_size(const convk_conv2d_winograd *p) {
    return CONVK_WINOGRAD_POINTS * FILTER_PANELS * p->panel * p->entry->nr;
}

ptrdiff_t convk_conv2d_winograd_workspace(const convk_conv2d_winograd *p, int threads) {
    return threads * (tiles_size(p) + products_size(p));
}

/// The calling thread's part of the workspace.
static float *scratch_of_thread(const convk_conv2d_winograd *p, float *workspace) {
    return workspace + convk_thread_number() * (tiles_size(p) + products_size(p));
}

void convk_conv2d_winograd_pack(const convk_conv2d_winograd *p, float *restrict filters,
                                const float *restrict weights, float *restrict workspace) {
    const ptrdiff_t k = p->window.c * p->window.kh * p->window.kw;
    // A packed panel has at most 25 * c * MR numbers and is followed by the products.
    float *packed = scratch_of_thread(p, workspace);
    // Each panel is written by one thread; all wait for the last.
    const convk_share share = convk_share_of(p->groups * p->row_panels);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t row = index % p->row_panels * p->panel;
        const convk_matrix a = {weights + (index / p->row_panels * p->rows + row) * k, k, 1};
        convk_pack_a(p->entry, packed, a, convk_min(p->panel, p->rows - row), k, p->panel);
        p->transforms->filters(filters + index * CONVK_WINOGRAD_POINTS * p->point_stride,
                               p->point_stride, packed, p->window.c, p->panel, (int)p->window.kh);
    }
    convk_wait_for_all();
}

/// One task: a block of tiles, some panels of one group.
typedef struct {
    const convk_conv2d_winograd *p;
    float *y;             // the group's first output channel of the first image
    const float *x;       // the group's first channel of the first image
    const float *filters; // the group's, transformed
    const float *bias;    // of the group, or NULL
    bool relu;
    float *tiles, *products;
    ptrdiff_t tile, tile_end;
    ptrdiff_t panel, panel_end;
} task;

ptrdiff_t convk_conv2d_winograd_runs(convk_tile_run *runs, const convk_conv2d_winograd *p,
                                     ptrdiff_t tile, ptrdiff_t tile_end, bool of_outputs) {
    const convk_window *w = &p->window;
    const ptrdiff_t image_size =
        of_outputs ? p->groups * p->rows * w->oh * w->ow : p->groups * w->c * w->h * w->w;
    const ptrdiff_t first = tile;
    ptrdiff_t count = 0;
    while (tile < tile_end) {
        const ptrdiff_t column = tile % p->tiles_w, row = tile / p->tiles_w % p->tiles_h;
        const ptrdiff_t length = convk_min(p->tiles_w - column, tile_end - tile);
        runs[count++] =
            (convk_tile_run){.place = tile - first,
                             .count = length,
                             .row = row * p->tile_outputs - (of_outputs ? 0 : w->pad_top),
                             .column = column * p->tile_outputs - (of_outputs ? 0 : w->pad_left),
                             .image = tile / p->tiles_w / p->tiles_h * image_size};
        tile += length;
    }
    return count;
}

/// The products of all points with panels panel ..< end.
static void multiply(const task *t, ptrdiff_t panel, ptrdiff_t end) {
    const convk_conv2d_winograd *p = t->p;
    const ptrdiff_t nr = p->entry->nr, stride = (end - panel) * p->panel * nr;
    for (ptrdiff_t point = 0; point < CONVK_WINOGRAD_POINTS; point++) {
        for (ptrdiff_t i = panel; i < end; i++) {
            const convk_tile tile = {
                .c = t->products + point * stride + (i - panel) * p->panel * nr,
                .ldc = nr,
                .a = t->filters + (i * CONVK_WINOGRAD_POINTS + point) * p->point_stride,
                .panel = p->panel,
                .b = t->tiles + point * p->window.c * nr,
                .b_row_stride = nr,
                .k = p->window.c,
                .rows = p->panel,
                .columns = nr,
                .alpha = 1,
                .beta = 0,
            };
            p->entry->kernel(&tile);
        }
    }
}

static void run_task(const task *t) {
    const convk_conv2d_winograd *p = t->p;
    const convk_window *w = &p->window;
    const ptrdiff_t nr = p->entry->nr;
    convk_tile_run runs[CONVK_LARGEST_NR];
    const convk_plane image = {w->h, w->w, w->h * w->w}, output = {w->oh, w->ow, w->oh * w->ow};
    ptrdiff_t run_count = convk_conv2d_winograd_runs(runs, p, t->tile, t->tile_end, false);
    for (ptrdiff_t c = 0; c < w->c; c++)
        p->transforms->input(t->tiles + c * nr, w->c * nr, t->x + c * image.size, image, runs,
                             run_count, nr, (int)p->tile_outputs);

    run_count = convk_conv2d_winograd_runs(runs, p, t->tile, t->tile_end, true);
    for (ptrdiff_t panel = t->panel; panel < t->panel_end; panel += FILTER_PANELS) {
        const ptrdiff_t end = convk_min(panel + FILTER_PANELS, t->panel_end);
        multiply(t, panel, end);
        const ptrdiff_t first = panel * p->panel;
        for (ptrdiff_t row = first; row < convk_min(end * p->panel, p->rows); row++)
            p->transforms->output(t->y + row * output.size, t->products + (row - first) * nr,
                                  (end - panel) * p->panel * nr, output, runs, run_count, nr,
                                  (int)p->tile_outputs, t->bias ? t->bias[row] : 0, t->relu);
    }
}

void convk_conv2d_winograd_run(const convk_conv2d_winograd *p, float *restrict y,
                               const float *restrict x, const float *restrict filters,
                               const float *restrict bias, bool relu, float *restrict workspace) {
    const convk_window *w = &p->window;
    const ptrdiff_t tiles = w->n * p->tiles_h * p->tiles_w;
    float *scratch = scratch_of_thread(p, workspace);
    // Each task writes its own tiles of its own output channels.
#pragma omp for schedule(static)
    for (ptrdiff_t index = 0; index < p->groups * p->blocks * p->row_tasks; index++) {
        const ptrdiff_t g = index / (p->blocks * p->row_tasks);
        const ptrdiff_t block = index / p->row_tasks % p->blocks, i = index % p->row_tasks;
        const task t = {
            .p = p,
            .y = y + g * p->rows * w->oh * w->ow,
            .x = x + g * w->c * w->h * w->w,
            .filters = filters + g * p->row_panels * CONVK_WINOGRAD_POINTS * p->point_stride,
            .bias = bias ? bias + g * p->rows : NULL,
            .relu = relu,
            .tiles = scratch,
            .products = scratch + tiles_size(p),
            .tile = block * p->entry->nr,
            .tile_end = convk_min((block + 1) * p->entry->nr, tiles),
            .panel = i * p->row_panels / p->row_tasks,
            .panel_end = (i + 1) * p->row_panels / p->row_tasks,
        };
        run_task(&t);
    }
}
