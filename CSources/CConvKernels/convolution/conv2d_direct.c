// SPDX-License-Identifier: MIT
//
// Direct convolution by bands of output rows. A band of a padded image is copied once with its
// zeros, so that the micro-kernel never looks where the image ends; one without padding is read in
// place.
#include "convolution/conv2d_direct.h"

#include "convolution/conv2d_algorithms.h"

enum {
    BAND_FLOATS = 1 << 15, // of the input of a task, half a second-level cache of 256 KiB
};

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    (void)execution;
    const convk_window window = convk_window_of_group(conv), *w = &window;
    // A product with 1 x 1 filters needs no patches. GFLOP/s on Emerald Rapids, one thread, direct
    // against product: 3 -> 96 channels 11 x 11 / 4 155 against 83, 6 -> 16 5 x 5 148 against 51,
    // 64 -> 128 3 x 3 / 2 135 against 100, 256 -> 512 3 x 3 / 2 121 against 126, 64 -> 256 1 x 1 79
    // against 94.
    enum { MOST_TAPS = 2304 };
    const ptrdiff_t taps = w->kh * w->kw;
    return taps > 1 && w->c * taps < MOST_TAPS;
}

static convk_conv2d_direct make(const convk_conv2d_plan *plan) {
    const convk_window window = convk_window_of_group(&plan->conv), *w = &window;
    const ptrdiff_t groups = plan->conv.groups, rows = plan->conv.filters / groups;
    convk_conv2d_direct p = {.kernels = convk_kernels_for(plan->execution.isa),
                             .window = window,
                             .groups = groups,
                             .rows = rows,
                             .taps = w->c * w->kh * w->kw};
    p.output_rows = convk_rows_of_task(w, groups, w->oh, BAND_FLOATS, plan->threads);
    p.bands = convk_ceil_div(w->oh, p.output_rows);
    return p;
}

CONVK_FITS_A_PLAN(convk_conv2d_direct);

convk_conv2d_direct convk_conv2d_direct_of(const convk_conv2d_plan *plan) {
    convk_conv2d_direct p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

/// The floats of a group's packed filters: blocks of nr filters, each with rows of nr or lanes.
static ptrdiff_t group_size(const convk_conv2d_direct *p) {
    return convk_round_up(p->rows, p->kernels->nr) * p->taps;
}

static ptrdiff_t block_width(const convk_conv2d_direct *p, ptrdiff_t row) {
    return p->rows - row <= p->kernels->lanes ? p->kernels->lanes : p->kernels->nr;
}

ptrdiff_t convk_conv2d_direct_filters_size(const convk_conv2d_direct *p) {
    return convk_round_up(p->groups * group_size(p), 16);
}

ptrdiff_t convk_conv2d_direct_offsets_size(const convk_conv2d_direct *p) {
    return convk_round_up(p->taps * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}

/// Whether a row's outputs are computed with filters side by side first. Tiles of 6 pixels else
/// write a few numbers to each of many planes, which lie so far apart that no first-level cache
/// keeps their lines until they are whole. Microseconds on Zen 4, one thread, one image, with tiles
/// as they come and by rows: 3 -> 32 channels of 224 x 224, 3 x 3 / 2, 329 and 304; 3 -> 64, 3 x 3,
/// 3412 and 2969; 3 -> 64, 7 x 7 / 2, 2477 and 2402. AVX-512, whose tiles have 14 pixels: 284 and
/// 270, 2454 and 2786, 2327 and 2398.
static bool is_interleaved(const convk_conv2d_direct *p) {
    enum { SHORTEST_ROW = 48, AVX2_LANES = 8 };
    return p->window.ow >= SHORTEST_ROW && p->kernels->lanes == AVX2_LANES;
}
static ptrdiff_t row_size(const convk_conv2d_direct *p) {
    return is_interleaved(p) ? convk_round_up(p->window.ow * p->kernels->nr, 16) : 0;
}

static ptrdiff_t thread_size(const convk_conv2d_direct *p) {
    const convk_band band = convk_band_make(&p->window, p->output_rows);
    return convk_conv2d_direct_offsets_size(p) + row_size(p) + convk_band_size(&band, p->window.c);
}

void convk_conv2d_direct_pack(const convk_conv2d_plan *plan, float *restrict filters,
                              const float *restrict weights, float *restrict workspace) {
    const convk_conv2d_direct p = convk_conv2d_direct_of(plan);
    (void)workspace;
    const ptrdiff_t nr = p.kernels->nr, blocks = convk_ceil_div(p.rows, nr);
    // Each block is written by one thread; all wait for the last.
    const convk_share share = convk_share_of(p.groups * blocks);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t g = index / blocks, row = index % blocks * nr;
        const ptrdiff_t width = block_width(&p, row);
        p.kernels->pack_strip(filters + g * group_size(&p) + row * p.taps,
                              weights + (g * p.rows + row) * p.taps, p.taps, 1,
                              convk_min(width, p.rows - row), p.taps, width);
    }
    convk_wait_for_all();
}

/// One task: some output rows of one group of one image.
typedef struct {
    const convk_conv2d_direct *p;
    const convk_conv2d_plan *plan;
    const convk_conv2d_operands *operands;
    const convk_band *band;
    float *y;       // the group's first output channel
    const float *x; // tap (0, 0, 0) of the first output, in the image or in the copied band
    const ptrdiff_t *offsets;
    float *outputs; // of a row, with filters side by side, or NULL
    ptrdiff_t group, row, row_end;
} task;

/// The taps that the micro-kernel takes at once: a filter's row, where it knows that length.
static ptrdiff_t run_length(const convk_conv2d_direct *p) {
    const convk_window *w = &p->window;
    const bool known = (w->kw == 3 || w->kw == 5) && w->stride_w == 1 && w->dilation_w == 1;
    return known && p->rows <= p->kernels->lanes ? w->kw : 1;
}

void convk_conv2d_direct_set_offsets(const convk_conv2d_direct *p, const convk_band *band,
                                     ptrdiff_t *offsets) {
    convk_band_offsets(band, run_length(p), offsets);
}

/// How many of the pixels left in a row the next tile takes: as even as the micro-kernel allows.
static ptrdiff_t tile_pixels(const convk_kernels *kernels, ptrdiff_t left, ptrdiff_t filters,
                             ptrdiff_t run) {
    const ptrdiff_t mr = kernels->mr;
    const ptrdiff_t most = filters > kernels->lanes ? mr : run == 5 ? 2 * mr - 2 : 2 * mr;
    const ptrdiff_t pixels = convk_ceil_div(left, convk_ceil_div(left, most));
    if (pixels <= mr || pixels % 2 == 0) return pixels;
    return pixels < left ? pixels + 1 : convk_ceil_div(left, 2);
}

convk_direct_tile convk_conv2d_direct_tile(const convk_conv2d_direct *p, const float *filters,
                                           const float *bias, const ptrdiff_t *offsets,
                                           ptrdiff_t group, ptrdiff_t f) {
    const convk_window *w = &p->window;
    return (convk_direct_tile){.plane = w->oh * w->ow,
                               .stride = w->stride_w,
                               .offsets = offsets,
                               .taps = p->taps / run_length(p),
                               .run = run_length(p),
                               .weights = filters + group * group_size(p) + f * p->taps,
                               .filters = convk_min(p->kernels->nr, p->rows - f),
                               .bias = bias ? bias + group * p->rows + f : NULL};
}

void convk_conv2d_direct_row(const convk_conv2d_direct *p, convk_direct_tile tile, float *y,
                             const float *x) {
    const convk_window *w = &p->window;
    const ptrdiff_t lanes = p->kernels->lanes, nr = p->kernels->nr;
    const ptrdiff_t pixel_step = !tile.interleaved ? 1 : tile.filters > lanes ? nr : lanes;
    for (ptrdiff_t ow = 0; ow < w->ow; ow += tile.pixels) {
        tile.pixels = tile_pixels(p->kernels, w->ow - ow, tile.filters, tile.run);
        tile.room = w->ow - ow;
        tile.y = y + ow * pixel_step;
        tile.x = x + ow * w->stride_w;
        p->kernels->direct(&tile);
    }
}

/// Some rows of a block of filters, whose outputs lie side by side at first.
static void run_interleaved(const task *t, convk_direct_tile tile, float *y) {
    const convk_kernels *kernels = t->p->kernels;
    const convk_window *w = &t->p->window;
    const ptrdiff_t width = tile.filters > kernels->lanes ? kernels->nr : kernels->lanes;
    tile.interleaved = true;
    for (ptrdiff_t i = 0; i < t->row_end - t->row; i++) {
        convk_conv2d_direct_row(t->p, tile, t->outputs, t->x + i * t->band->width * w->stride_h);
        kernels->unpack_planes(y + i * w->ow, w->oh * w->ow, t->outputs, width, tile.filters,
                               w->ow);
    }
}

static void run_task(const task *t) {
    const convk_conv2d_direct *p = t->p;
    const convk_conv2d_operands *o = t->operands;
    const convk_window *w = &p->window;
    const ptrdiff_t rows = t->row_end - t->row;
    const ptrdiff_t nr = p->kernels->nr, pixels = w->oh * w->ow;
    const ptrdiff_t step = t->band->width * w->stride_h;
    for (ptrdiff_t f = 0; f < p->rows; f += nr) {
        convk_direct_tile tile =
            convk_conv2d_direct_tile(p, o->filters, o->bias, t->offsets, t->group, f);
        tile.relu = o->relu;
        tile.clip = o->clip;
        float *y = t->y + f * pixels + t->row * w->ow;
        if (t->outputs) {
            run_interleaved(t, tile, y);
        } else {
            for (ptrdiff_t i = 0; i < rows; i++)
                convk_conv2d_direct_row(p, tile, y + i * w->ow, t->x + i * step);
        }
        convk_finish_planes(t->plan, o, y, t->group * p->rows + f, tile.filters, pixels,
                            rows * w->ow);
    }
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const convk_conv2d_direct p = convk_conv2d_direct_of(plan);
    const convk_window *w = &p.window;
    const convk_band band = convk_band_make(w, p.output_rows);
    float *scratch = workspace + convk_thread_number() * thread_size(&p);
    ptrdiff_t *offsets = (ptrdiff_t *)scratch;
    float *outputs = scratch + convk_conv2d_direct_offsets_size(&p);
    float *copy = outputs + row_size(&p);
    convk_conv2d_direct_set_offsets(&p, &band, offsets);
    const ptrdiff_t x_image = convk_x_image(&plan->conv), y_image = convk_y_image(&plan->conv);
    // Each task writes its own rows of its own output channels.
    const convk_share share = convk_share_of(w->n * p.groups * p.bands);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t n = index / (p.groups * p.bands);
        const ptrdiff_t g = index / p.bands % p.groups, row = index % p.bands * p.output_rows;
        const float *x_g = o->from + n * x_image + g * w->c * w->h * w->w;
        const task t = {
            .p = &p,
            .plan = plan,
            .operands = o,
            .band = &band,
            .y = o->to + n * y_image + g * p.rows * w->oh * w->ow,
            .x = convk_band_read(&band, copy, x_g, row, w->c),
            .offsets = offsets,
            .outputs = is_interleaved(&p) ? outputs : NULL,
            .group = g,
            .row = row,
            .row_end = convk_min(row + p.output_rows, w->oh),
        };
        run_task(&t);
    }
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const convk_conv2d_direct p = make(plan);
    plan->prepacked_floats = convk_conv2d_direct_filters_size(&p);
    plan->workspace_floats = plan->threads * thread_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

const convk_conv2d_algorithm convk_forward_direct = {
    .name = "direct",
    .clips = true,
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = convk_conv2d_direct_pack,
    .run = run,
};
