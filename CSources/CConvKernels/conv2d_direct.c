// SPDX-License-Identifier: MIT
//
// Direct convolution by bands of output rows. A band of a padded image is copied once with its
// zeros, so that the micro-kernel never looks where the image ends; one without padding is read in
// place.
#include "conv2d_direct.h"

enum {
    BAND_FLOATS = 1 << 15, // of the input of a task, half a second-level cache of 256 KiB
    ENOUGH_TASKS = 16,
};

bool convk_conv2d_direct_pays(const convk_window *w) {
    // A product with 1 x 1 filters needs no patches. GFLOP/s on Emerald Rapids, one thread, direct
    // against product: 3 -> 96 channels 11 x 11 / 4 155 against 83, 6 -> 16 5 x 5 148 against 51,
    // 64 -> 128 3 x 3 / 2 135 against 100, 256 -> 512 3 x 3 / 2 121 against 126, 64 -> 256 1 x 1 79
    // against 94.
    enum { MOST_TAPS = 2304 };
    const ptrdiff_t window = w->kh * w->kw;
    return window > 1 && w->c * window < MOST_TAPS;
}

convk_conv2d_direct convk_conv2d_direct_make(const convk_window *w, ptrdiff_t groups,
                                             ptrdiff_t rows, convk_execution execution) {
    convk_conv2d_direct p = {.entry = convk_sgemm_entry_for(execution.isa),
                             .window = *w,
                             .groups = groups,
                             .rows = rows,
                             .taps = w->c * w->kh * w->kw};
    const ptrdiff_t floats = w->c * convk_rows_under(w, w->oh) * convk_columns_under(w);
    // Nobody to share with, nothing to cut up for; how rows are banded changes no sum.
    const ptrdiff_t tasks = execution.threads > 1 ? ENOUGH_TASKS : 1;
    const ptrdiff_t bands =
        convk_max(convk_ceil_div(floats, BAND_FLOATS), convk_ceil_div(tasks, w->n * groups));
    p.output_rows = convk_ceil_div(w->oh, convk_min(bands, w->oh));
    p.bands = convk_ceil_div(w->oh, p.output_rows);
    return p;
}

/// The floats of a group's packed filters: blocks of nr filters, each with rows of nr or lanes.
static ptrdiff_t group_size(const convk_conv2d_direct *p) {
    return convk_round_up(p->rows, p->entry->nr) * p->taps;
}

static ptrdiff_t block_width(const convk_conv2d_direct *p, ptrdiff_t row) {
    return p->rows - row <= p->entry->lanes ? p->entry->lanes : p->entry->nr;
}

ptrdiff_t convk_conv2d_direct_filters_size(const convk_conv2d_direct *p) {
    return convk_round_up(p->groups * group_size(p), 16);
}

ptrdiff_t convk_conv2d_direct_offsets_size(const convk_conv2d_direct *p) {
    return convk_round_up(p->taps * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}

ptrdiff_t convk_conv2d_direct_workspace(const convk_conv2d_direct *p, int threads) {
    const convk_band band = convk_band_make(&p->window, p->output_rows);
    return threads * (convk_conv2d_direct_offsets_size(p) + convk_band_size(&band, p->window.c));
}

void convk_conv2d_direct_pack(const convk_conv2d_direct *p, float *restrict filters,
                              const float *restrict weights) {
    const ptrdiff_t nr = p->entry->nr, blocks = convk_ceil_div(p->rows, nr);
    // Each block is written by one thread; all wait for the last.
    const convk_share share = convk_share_of(p->groups * blocks);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t g = index / blocks, row = index % blocks * nr;
        const ptrdiff_t width = block_width(p, row);
        p->entry->pack_strip(filters + g * group_size(p) + row * p->taps,
                             weights + (g * p->rows + row) * p->taps, p->taps, 1,
                             convk_min(width, p->rows - row), p->taps, width);
    }
    convk_wait_for_all();
}

/// One task: some output rows of one group of one image.
typedef struct {
    const convk_conv2d_direct *p;
    const convk_band *band;
    float *y;             // the group's first output channel
    const float *x;       // tap (0, 0, 0) of the first output, in the image or in the copied band
    const float *filters; // of all groups
    const float *bias;    // of all groups, or NULL
    bool relu;
    const ptrdiff_t *offsets;
    ptrdiff_t group, row, row_end;
} task;

/// The taps that the micro-kernel takes at once: a filter's row, where it knows that length.
static ptrdiff_t run_length(const convk_conv2d_direct *p) {
    const convk_window *w = &p->window;
    const bool known = (w->kw == 3 || w->kw == 5) && w->stride_w == 1 && w->dilation_w == 1;
    return known && p->rows <= p->entry->lanes ? w->kw : 1;
}

void convk_conv2d_direct_set_offsets(const convk_conv2d_direct *p, const convk_band *band,
                                     ptrdiff_t *offsets) {
    convk_band_offsets(band, run_length(p), offsets);
}

/// How many of the pixels left in a row the next tile takes: as even as the micro-kernel allows.
static ptrdiff_t tile_pixels(const convk_sgemm_entry *entry, ptrdiff_t left, ptrdiff_t filters,
                             ptrdiff_t run) {
    const ptrdiff_t mr = entry->mr;
    const ptrdiff_t most = filters > entry->lanes ? mr : run == 5 ? 2 * mr - 2 : 2 * mr;
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
                               .filters = convk_min(p->entry->nr, p->rows - f),
                               .bias = bias ? bias + group * p->rows + f : NULL};
}

void convk_conv2d_direct_row(const convk_conv2d_direct *p, convk_direct_tile tile, float *y,
                             const float *x) {
    const convk_window *w = &p->window;
    const ptrdiff_t lanes = p->entry->lanes, nr = p->entry->nr;
    const ptrdiff_t pixel_step = !tile.interleaved ? 1 : tile.filters > lanes ? nr : lanes;
    for (ptrdiff_t ow = 0; ow < w->ow; ow += tile.pixels) {
        tile.pixels = tile_pixels(p->entry, w->ow - ow, tile.filters, tile.run);
        tile.y = y + ow * pixel_step;
        tile.x = x + ow * w->stride_w;
        p->entry->direct(&tile);
    }
}

static void run_task(const task *t) {
    const convk_conv2d_direct *p = t->p;
    const convk_window *w = &p->window;
    const ptrdiff_t nr = p->entry->nr, pixels = w->oh * w->ow;
    const ptrdiff_t step = t->band->width * w->stride_h;
    for (ptrdiff_t f = 0; f < p->rows; f += nr) {
        convk_direct_tile tile =
            convk_conv2d_direct_tile(p, t->filters, t->bias, t->offsets, t->group, f);
        tile.relu = t->relu;
        for (ptrdiff_t oh = t->row; oh < t->row_end; oh++)
            convk_conv2d_direct_row(p, tile, t->y + f * pixels + oh * w->ow,
                                    t->x + (oh - t->row) * step);
    }
}

void convk_conv2d_direct_run(const convk_conv2d_direct *p, float *restrict y,
                             const float *restrict x, const float *restrict filters,
                             const float *restrict bias, bool relu, float *restrict workspace) {
    const convk_window *w = &p->window;
    const convk_band band = convk_band_make(w, p->output_rows);
    float *scratch = workspace + convk_thread_number() * (convk_conv2d_direct_offsets_size(p) +
                                                          convk_band_size(&band, w->c));
    ptrdiff_t *offsets = (ptrdiff_t *)scratch;
    float *copy = scratch + convk_conv2d_direct_offsets_size(p);
    convk_conv2d_direct_set_offsets(p, &band, offsets);
    // Each task writes its own rows of its own output channels.
    const convk_share share = convk_share_of(w->n * p->groups * p->bands);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t n = index / (p->groups * p->bands);
        const ptrdiff_t g = index / p->bands % p->groups, row = index % p->bands * p->output_rows;
        const float *x_g = x + (n * p->groups + g) * w->c * w->h * w->w;
        const task t = {
            .p = p,
            .band = &band,
            .y = y + (n * p->groups + g) * p->rows * w->oh * w->ow,
            .x = convk_band_read(&band, copy, x_g, row, w->c),
            .filters = filters,
            .bias = bias,
            .relu = relu,
            .offsets = offsets,
            .group = g,
            .row = row,
            .row_end = convk_min(row + p->output_rows, w->oh),
        };
        run_task(&t);
    }
    convk_wait_for_all();
}
