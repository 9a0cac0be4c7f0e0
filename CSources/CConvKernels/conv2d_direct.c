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

/// The input rows under so many output rows.
static ptrdiff_t rows_under(const convk_window *w, ptrdiff_t output_rows) {
    return (output_rows - 1) * w->stride_h + (w->kh - 1) * w->dilation_h + 1;
}

convk_conv2d_direct convk_conv2d_direct_make(const convk_window *w, ptrdiff_t groups,
                                             ptrdiff_t rows, convk_execution execution) {
    convk_conv2d_direct p = {.entry = convk_sgemm_entry_for(execution.isa),
                             .window = *w,
                             .groups = groups,
                             .rows = rows,
                             .taps = w->c * w->kh * w->kw};
    p.band_width = (w->ow - 1) * w->stride_w + (w->kw - 1) * w->dilation_w + 1;
    p.copies =
        w->pad_top != 0 || w->pad_left != 0 || rows_under(w, w->oh) > w->h || p.band_width > w->w;
    const ptrdiff_t floats = w->c * rows_under(w, w->oh) * p.band_width;
    const ptrdiff_t bands =
        convk_max(convk_ceil_div(floats, BAND_FLOATS), convk_ceil_div(ENOUGH_TASKS, w->n * groups));
    p.band = convk_ceil_div(w->oh, convk_min(bands, w->oh));
    p.bands = convk_ceil_div(w->oh, p.band);
    p.band_rows = rows_under(w, p.band);
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

/// The floats of one thread's offsets of taps.
static ptrdiff_t offsets_size(const convk_conv2d_direct *p) {
    return convk_round_up(p->taps * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}

/// The floats of one thread's copied band.
static ptrdiff_t band_size(const convk_conv2d_direct *p) {
    return p->copies ? convk_round_up(p->window.c * p->band_rows * p->band_width, 16) : 0;
}

ptrdiff_t convk_conv2d_direct_workspace(const convk_conv2d_direct *p, int threads) {
    return threads * (offsets_size(p) + band_size(p));
}

void convk_conv2d_direct_pack(const convk_conv2d_direct *p, float *restrict filters,
                              const float *restrict weights) {
    const ptrdiff_t nr = p->entry->nr, blocks = convk_ceil_div(p->rows, nr);
    // Each block is written by one thread; the barrier at the loop's end waits for all.
#pragma omp for schedule(static)
    for (ptrdiff_t index = 0; index < p->groups * blocks; index++) {
        const ptrdiff_t g = index / blocks, row = index % blocks * nr;
        const ptrdiff_t width = block_width(p, row);
        p->entry->pack_strip(filters + g * group_size(p) + row * p->taps,
                             weights + (g * p->rows + row) * p->taps, p->taps, 1,
                             convk_min(width, p->rows - row), p->taps, width);
    }
}

/// One task: some output rows of one group of one image.
typedef struct {
    const convk_conv2d_direct *p;
    float *y;             // the group's first output channel
    const float *x;       // tap (0, 0, 0) of the first output, in the image or in the copied band
    const float *filters; // the group's
    const float *bias;    // of the group, or NULL
    const ptrdiff_t *offsets;
    ptrdiff_t row, row_end;
} task;

/// The taps that the micro-kernel takes at once: a filter's row, where it knows that length.
static ptrdiff_t run_length(const convk_conv2d_direct *p) {
    const convk_window *w = &p->window;
    const bool known = (w->kw == 3 || w->kw == 5) && w->stride_w == 1 && w->dilation_w == 1;
    return known && p->rows <= p->entry->lanes ? w->kw : 1;
}

static void set_offsets(const convk_conv2d_direct *p, ptrdiff_t *offsets) {
    const convk_window *w = &p->window;
    const ptrdiff_t run = run_length(p);
    const ptrdiff_t width = p->copies ? p->band_width : w->w;
    const ptrdiff_t plane = p->copies ? p->band_rows * width : w->h * w->w;
    for (ptrdiff_t c = 0; c < w->c; c++)
        for (ptrdiff_t u = 0; u < w->kh; u++)
            for (ptrdiff_t v = 0; v < w->kw; v += run)
                *offsets++ = c * plane + u * w->dilation_h * width + v * w->dilation_w;
}

/// Copies the rows under a task's outputs, zero outside the image. x: the group's first channel.
static void copy_band(const convk_conv2d_direct *p, float *restrict band, const float *restrict x,
                      ptrdiff_t row) {
    const convk_window *w = &p->window;
    const ptrdiff_t begin = convk_min(convk_max(w->pad_left, 0), p->band_width);
    const ptrdiff_t end = convk_max(convk_min(w->w + w->pad_left, p->band_width), begin);
    for (ptrdiff_t c = 0; c < w->c; c++) {
        for (ptrdiff_t i = 0; i < p->band_rows; i++) {
            const ptrdiff_t y = row * w->stride_h - w->pad_top + i;
            float *to = band + (c * p->band_rows + i) * p->band_width;
            if (y < 0 || y >= w->h) {
                convk_clear_short(to, p->band_width);
                continue;
            }
            convk_clear_short(to, begin);
            convk_copy_short(to + begin, x + (c * w->h + y) * w->w + begin - w->pad_left,
                             end - begin);
            convk_clear_short(to + end, p->band_width - end);
        }
    }
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

static void run_task(const task *t) {
    const convk_conv2d_direct *p = t->p;
    const convk_window *w = &p->window;
    const ptrdiff_t nr = p->entry->nr, pixels = w->oh * w->ow;
    const ptrdiff_t step = (p->copies ? p->band_width : w->w) * w->stride_h;
    for (ptrdiff_t f = 0; f < p->rows; f += nr) {
        for (ptrdiff_t oh = t->row; oh < t->row_end; oh++) {
            convk_direct_tile tile = {.plane = pixels,
                                      .stride = w->stride_w,
                                      .offsets = t->offsets,
                                      .taps = p->taps / run_length(p),
                                      .run = run_length(p),
                                      .weights = t->filters + f * p->taps,
                                      .filters = convk_min(nr, p->rows - f),
                                      .bias = t->bias ? t->bias + f : NULL};
            for (ptrdiff_t ow = 0; ow < w->ow; ow += tile.pixels) {
                tile.pixels = tile_pixels(p->entry, w->ow - ow, tile.filters, tile.run);
                tile.y = t->y + f * pixels + oh * w->ow + ow;
                tile.x = t->x + (oh - t->row) * step + ow * w->stride_w;
                p->entry->direct(&tile);
            }
        }
    }
}

void convk_conv2d_direct_run(const convk_conv2d_direct *p, float *restrict y,
                             const float *restrict x, const float *restrict filters,
                             const float *restrict bias, float *restrict workspace) {
    const convk_window *w = &p->window;
    float *scratch = workspace + omp_get_thread_num() * (offsets_size(p) + band_size(p));
    ptrdiff_t *offsets = (ptrdiff_t *)scratch;
    float *band = scratch + offsets_size(p);
    set_offsets(p, offsets);
    // Each task writes its own rows of its own output channels.
#pragma omp for schedule(static)
    for (ptrdiff_t index = 0; index < w->n * p->groups * p->bands; index++) {
        const ptrdiff_t n = index / (p->groups * p->bands);
        const ptrdiff_t g = index / p->bands % p->groups, row = index % p->bands * p->band;
        const float *x_g = x + (n * p->groups + g) * w->c * w->h * w->w;
        if (p->copies) copy_band(p, band, x_g, row);
        const task t = {
            .p = p,
            .y = y + (n * p->groups + g) * p->rows * w->oh * w->ow,
            .x = p->copies ? band : x_g + row * w->stride_h * w->w,
            .filters = filters + g * group_size(p),
            .bias = bias ? bias + g * p->rows : NULL,
            .offsets = offsets,
            .row = row,
            .row_end = convk_min(row + p->band, w->oh),
        };
        run_task(&t);
    }
}
