// SPDX-License-Identifier: MIT
//
// Winograd's convolution of a few tiles, such as a single image has, with many filters: threads
// share the transform of all tiles, then the panels of filters. Each panel is read once, from
// wherever it lies, and multiplied with all tiles, which stay in the second-level cache.
#include "convolution/conv2d_winograd.h"

enum {
    FILTER_PANELS = 2, // panels of filters of a task, at most
    CHANNELS = 8,      // of one transform's task
};

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    const convk_window *w = &conv->window;
    // With fewer tiles, the transformed filters, four times as large at 3 x 3, take longer to read
    // than to multiply with; tiles that are nearly half empty gain too little.
    enum { FEWEST_TILES = 16 };
    if (conv->groups != 1 || !convk_conv2d_winograd_can(conv, execution)) return false;
    const ptrdiff_t tiles = convk_conv2d_winograd_tiles(w), m = CONVK_WINOGRAD_TILE - w->kh + 1;
    return tiles >= FEWEST_TILES && 8 * w->n * w->oh * w->ow >= 5 * tiles * m * m;
}

CONVK_FITS_A_PLAN(convk_conv2d_winograd);

/// The block sizes of a plan.
static convk_conv2d_winograd read(const convk_conv2d_plan *plan) {
    convk_conv2d_winograd p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

/// The floats of all transformed tiles, which threads share.
static ptrdiff_t all_tiles_size(const convk_conv2d_winograd *p) {
    return p->blocks * convk_conv2d_winograd_tiles_size(p);
}

/// The floats of one thread's products with all tiles; they have room for a panel that is packed.
static ptrdiff_t thread_size(const convk_conv2d_winograd *p) {
    const ptrdiff_t products =
        p->blocks * CONVK_WINOGRAD_POINTS * convk_conv2d_winograd_products_stride(p, FILTER_PANELS);
    const ptrdiff_t packed = (p->window.c * p->window.kh * p->window.kw + 16) * p->panel;
    return convk_round_up(convk_max(products, packed), 16);
}

/// The floats of the panels that a thread packs at a time.
static ptrdiff_t panels_of_thread(const convk_conv2d_winograd *p) {
    return FILTER_PANELS * CONVK_WINOGRAD_POINTS * p->point_stride;
}

static void pack(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace) {
    const convk_conv2d_winograd p = read(plan);
    convk_conv2d_winograd_pack(&p, filters, weights, workspace, thread_size(&p));
}

static ptrdiff_t tile_count(const convk_conv2d_winograd *p) {
    return p->window.n * p->tiles_h * p->tiles_w;
}

/// Transforms the tiles of all blocks.
static void transform(const convk_conv2d_winograd *p, const float *x, float *restrict tiles) {
    const convk_window *w = &p->window;
    const ptrdiff_t nr = p->kernels->nr, turns = convk_ceil_div(w->c, CHANNELS);
    // Each task writes its own channels of its own block; all wait for the last.
    CONVK_SHARED_LOOP (index, p->blocks * turns) {
        const ptrdiff_t block = index / turns, first = index % turns * CHANNELS;
        convk_tile_block tile_block;
        convk_conv2d_winograd_block(&tile_block, p, block * nr,
                                    convk_min((block + 1) * nr, tile_count(p)), false);
        float *to = tiles + block * convk_conv2d_winograd_tiles_size(p);
        for (ptrdiff_t c = first; c < convk_min(first + CHANNELS, w->c); c++)
            p->transforms->input(to + c * nr, p->tiles_stride, x + c * w->h * w->w, &tile_block);
    }
    convk_wait_for_all();
}

/// The products of some panels, whose filters begin there, with all tiles, those of one block after
/// the other's.
static void multiply(const convk_winograd_outputs *t, const float *filters, const float *tiles) {
    const convk_conv2d_winograd *p = t->p;
    const ptrdiff_t nr = p->kernels->nr;
    const ptrdiff_t stride = convk_conv2d_winograd_products_stride(p, t->panel_end - t->panel);
    for (ptrdiff_t point = 0; point < CONVK_WINOGRAD_POINTS; point++) {
        for (ptrdiff_t i = t->panel; i < t->panel_end; i++) {
            convk_tile tile = {
                .ldc = nr,
                .a = filters + ((i - t->panel) * CONVK_WINOGRAD_POINTS + point) * p->point_stride,
                .panel = p->panel,
                .b_row_stride = nr,
                .k = p->window.c,
                .rows = p->panel,
                .alpha = 1,
                .beta = 0,
            };
            for (ptrdiff_t block = 0; block < p->blocks; block++) {
                tile.c = t->products + (block * CONVK_WINOGRAD_POINTS + point) * stride +
                         (i - t->panel) * p->panel * nr;
                tile.b = tiles + (block * CONVK_WINOGRAD_POINTS + point) * p->tiles_stride;
                // Half a vector row of tiles needs no more than one vector.
                const bool is_half = tile_count(p) - block * nr <= p->kernels->lanes;
                tile.columns = is_half ? p->kernels->lanes : nr;
                p->kernels->kernel(&tile);
            }
        }
    }
}

/// What is left to do to the planes of some filters, of all images.
static void finish(const convk_conv2d_winograd *p, const convk_conv2d_plan *plan,
                   const convk_conv2d_operands *o, ptrdiff_t filter, ptrdiff_t end) {
    const ptrdiff_t plane = p->window.oh * p->window.ow;
    for (ptrdiff_t n = 0; n < p->window.n; n++)
        convk_finish_planes(plan, o, o->to + n * p->y_image + filter * plane, filter, end - filter,
                            plane, plane);
}

/// Multiplies with o->filters, or with weights that are packed a task's panels at a time, at
/// `panels`.
static void go_through_panels(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                              const float *weights, float *panels, float *restrict workspace) {
    const convk_conv2d_winograd p = read(plan);
    const ptrdiff_t nr = p.kernels->nr, panel_size = CONVK_WINOGRAD_POINTS * p.point_stride;
    float *tiles = workspace;
    float *products = workspace + all_tiles_size(&p) + convk_thread_number() * thread_size(&p);
    // What is left to do to the outputs is done to whole planes, in one go.
    convk_conv2d_operands unfinished = *o;
    unfinished.finish = NULL;
    transform(&p, o->from, tiles);
    // With few filters, each thread has some.
    const ptrdiff_t of_task = convk_max(1, convk_min(FILTER_PANELS, p.row_panels / plan->threads));
    // Each task writes the outputs of its own filters.
    CONVK_SHARED_BLOCKS (panel, p.row_panels, of_task) {
        convk_winograd_outputs t = {.p = &p,
                                    .plan = plan,
                                    .operands = &unfinished,
                                    .y = o->to,
                                    .bias = o->bias,
                                    .panel = panel,
                                    .panel_end = convk_min(panel + of_task, p.row_panels),
                                    .products = products};
        for (ptrdiff_t i = panel; weights && i < t.panel_end; i++)
            convk_conv2d_winograd_pack_panel(&p, panels + (i - panel) * panel_size, weights, i,
                                             products);
        multiply(&t, weights ? panels : o->filters + panel * panel_size, tiles);
        for (ptrdiff_t block = 0; block < p.blocks; block++) {
            t.tile = block * nr;
            t.tile_end = convk_min(t.tile + nr, tile_count(&p));
            t.products =
                products + block * CONVK_WINOGRAD_POINTS *
                               convk_conv2d_winograd_products_stride(&p, t.panel_end - panel);
            convk_conv2d_winograd_write(&t);
        }
        finish(&p, plan, o, panel * p.panel, convk_min(t.panel_end * p.panel, p.rows));
    }
    convk_wait_for_all();
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    go_through_panels(plan, o, NULL, NULL, workspace);
}

/// Transformed filters are four times as large as the filters: they had better stay in a cache.
static void pack_and_run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                         const float *restrict weights, float *restrict workspace) {
    const convk_conv2d_winograd p = read(plan);
    float *panels = workspace + convk_thread_number() * panels_of_thread(&p);
    workspace += convk_max(plan->prepacked_floats, plan->threads * panels_of_thread(&p));
    go_through_panels(plan, o, weights, panels, workspace);
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const convk_conv2d_winograd p = convk_conv2d_winograd_make(&plan->conv, plan->execution);
    plan->prepacked_floats = convk_conv2d_winograd_filters_size(&p);
    plan->workspace_floats = all_tiles_size(&p) + plan->threads * thread_size(&p);
    // Beside packed filters, what threads pack at a time, where it is more.
    plan->workspace_floats +=
        convk_max(0, plan->threads * panels_of_thread(&p) - plan->prepacked_floats);
    convk_plan_keep(plan, &p, sizeof p);
}

const convk_conv2d_algorithm convk_forward_winograd_few = {
    .name = "winograd",
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
    .pack_and_run = pack_and_run,
};
