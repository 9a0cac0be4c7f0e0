// SPDX-License-Identifier: MIT
//
// Convolution by bands of output rows, lanes being pixels. A band of the image is copied with its
// padding, so that every tap of a vector of pixels is one load at a fixed distance, and with slack
// behind it, since the vectors at the right edge may be wider than the row. For few filters, which
// would leave most lanes of the direct convolution's tiles empty.
#include "convolution/conv2d_algorithms.h"
#include "convolution/conv2d_band.h"
#include "gemm/sgemm_pack.h"

enum {
    BAND_FLOATS = 1 << 14, // of a task's copy of the image: it should stay near the first level
    SLACK = 16,            // floats behind a copy
    MOST_VECTORS = 64,
};

// y[n, g, i, p] = sum over k of A_g(i, k) * patch(n, g, k, p) + bias[g, i], for each group g.
typedef struct {
    const convk_kernels *kernels;
    convk_window window; // the images [n, groups * c, h, w]; c counts the channels of one group
    ptrdiff_t groups;
    ptrdiff_t rows;        // output channels of a group
    ptrdiff_t panel;       // height of the filters' panels
    ptrdiff_t taps;        // of a group, c * kh * kw
    ptrdiff_t output_rows; // of a task
    ptrdiff_t bands;       // tasks of a group of an image
} blocking;

/// The share of lanes, of 64, that have work where so many things are dealt out to vectors.
static ptrdiff_t lanes_used(ptrdiff_t things, ptrdiff_t lanes) {
    return 64 * things / convk_round_up(things, lanes);
}

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    const ptrdiff_t rows = conv->filters / conv->groups;
    // Milliseconds on Zen 5, one thread, against the direct way: 1 -> 6 channels of 28 x 28, 5 x 5
    // filters (lenet.conv1) 0.13 against 0.27; with AVX2 0.25 against 0.33.
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    return w->stride_w == 1 && rows < kernels->lanes &&
           lanes_used(w->ow, kernels->lanes) > lanes_used(rows, kernels->lanes);
}

/// A band is always copied: at the last row of an image there would be nothing behind it to read.
static convk_band make_band(const blocking *p) {
    convk_band band = convk_band_make(&p->window, p->output_rows);
    band.copies = true;
    band.width = convk_columns_under(&p->window);
    band.plane = band.rows * band.width;
    return band;
}

static blocking make(const convk_conv2d_plan *plan) {
    const convk_window window = convk_window_of_group(&plan->conv), *w = &window;
    const ptrdiff_t groups = plan->conv.groups, rows = plan->conv.filters / groups;
    blocking p = {.kernels = convk_kernels_for(plan->execution.isa),
                  .window = window,
                  .groups = groups,
                  .rows = rows,
                  .taps = w->c * w->kh * w->kw};
    p.panel = convk_ceil_div(rows, convk_ceil_div(rows, p.kernels->rows_filters));
    p.output_rows = convk_rows_of_task(w, groups, w->oh, BAND_FLOATS, plan->threads);
    p.bands = convk_ceil_div(w->oh, p.output_rows);
    return p;
}

/// The floats of a group's packed filters.
static ptrdiff_t group_size(const blocking *p) {
    return convk_round_up(p->rows, p->panel) * p->taps;
}

CONVK_FITS_A_PLAN(blocking);

/// The block sizes of a plan.
static blocking read(const convk_conv2d_plan *plan) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

static ptrdiff_t filters_size(const blocking *p) {
    return convk_round_up(p->groups * group_size(p), 16);
}

/// The floats of one thread's offsets of taps.
static ptrdiff_t offsets_size(const blocking *p) {
    return convk_round_up(p->taps * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}

static ptrdiff_t thread_size(const blocking *p) {
    const convk_band band = make_band(p);
    return offsets_size(p) + convk_round_up(convk_band_size(&band, p->window.c) + SLACK, 16);
}

static void pack(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace) {
    const blocking p = read(plan);
    (void)workspace;
    const ptrdiff_t panels = convk_ceil_div(p.rows, p.panel);
    // Each panel is written by one thread; all wait for the last.
    const convk_share share = convk_share_of(p.groups * panels);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t g = index / panels, row = index % panels * p.panel;
        const convk_matrix a = {weights + (g * p.rows + row) * p.taps, p.taps, 1};
        convk_pack_a(p.kernels, filters + g * group_size(&p) + row * p.taps, a,
                     convk_min(p.panel, p.rows - row), p.taps, p.panel);
    }
    convk_wait_for_all();
}

/// One task: some output rows of one group of one image.
typedef struct {
    const blocking *p;
    const convk_band *band;
    float *y;             // the group's first output channel, at the task's first row
    const float *x;       // tap (0, 0, 0) of the first output, in the copied band
    const float *filters; // the group's
    const float *bias;    // of the group, or NULL
    bool relu;            // what is negative becomes 0
    const ptrdiff_t *offsets;
    ptrdiff_t rows;
} task;

/// Some vectors of pixels of all filters.
static void run_vectors(const task *t, const ptrdiff_t *x_places, const ptrdiff_t *y_places,
                        ptrdiff_t vectors) {
    const blocking *p = t->p;
    const ptrdiff_t plane = p->window.oh * p->window.ow;
    for (ptrdiff_t row = 0; row < p->rows; row += p->panel) {
        const convk_rows_tile tile = {.y = t->y + row * plane,
                                      .plane = plane,
                                      .x = t->x,
                                      .offsets = t->offsets,
                                      .taps = p->taps,
                                      .weights = t->filters + row * p->taps,
                                      .filters = p->panel,
                                      .rows = convk_min(p->panel, p->rows - row),
                                      .x_places = x_places,
                                      .y_places = y_places,
                                      .vectors = vectors,
                                      .count = convk_min(p->kernels->lanes, p->window.ow),
                                      .bias = t->bias ? t->bias + row : NULL,
                                      .relu = t->relu};
        p->kernels->rows(&tile);
    }
}

static void run_task(const task *t) {
    const convk_window *w = &t->p->window;
    const ptrdiff_t lanes = t->p->kernels->lanes, step = t->band->width * w->stride_h;
    ptrdiff_t x_places[MOST_VECTORS], y_places[MOST_VECTORS], vectors = 0;
    for (ptrdiff_t row = 0; row < t->rows; row++) {
        for (ptrdiff_t column = 0; column < w->ow; column += lanes) {
            // The last vector of a row goes over some pixels again rather than beyond the row.
            const ptrdiff_t begin = convk_max(convk_min(column, w->ow - lanes), 0);
            x_places[vectors] = row * step + begin;
            y_places[vectors] = row * w->ow + begin;
            if (++vectors == MOST_VECTORS) {
                run_vectors(t, x_places, y_places, vectors);
                vectors = 0;
            }
        }
    }
    run_vectors(t, x_places, y_places, vectors);
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const blocking p = read(plan);
    const convk_window *w = &p.window;
    const convk_band band = make_band(&p);
    float *scratch = workspace + convk_thread_number() * thread_size(&p);
    ptrdiff_t *offsets = (ptrdiff_t *)scratch;
    float *copy = scratch + offsets_size(&p);
    convk_band_offsets(&band, 1, offsets);
    // Vectors at the right edge read what lies behind the copy into lanes that are never written.
    convk_clear_short(copy + w->c * band.plane, SLACK);
    const ptrdiff_t x_image = convk_x_image(&plan->conv), y_image = convk_y_image(&plan->conv);
    // Each task writes its own rows of its own output channels.
    const convk_share share = convk_share_of(w->n * p.groups * p.bands);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t n = index / (p.groups * p.bands);
        const ptrdiff_t g = index / p.bands % p.groups, row = index % p.bands * p.output_rows;
        const float *x_g = o->from + n * x_image + g * w->c * w->h * w->w;
        const task t = {
            .p = &p,
            .band = &band,
            .y = o->to + n * y_image + g * p.rows * w->oh * w->ow + row * w->ow,
            .x = convk_band_read(&band, copy, x_g, row, w->c),
            .filters = o->filters + g * group_size(&p),
            .bias = o->bias ? o->bias + g * p.rows : NULL,
            .relu = o->relu,
            .offsets = offsets,
            .rows = convk_min(p.output_rows, w->oh - row),
        };
        run_task(&t);
        convk_finish_planes(plan, o, t.y, g * p.rows, p.rows, w->oh * w->ow, t.rows * w->ow);
    }
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(plan);
    plan->prepacked_floats = filters_size(&p);
    plan->workspace_floats = plan->threads * thread_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

const convk_conv2d_algorithm convk_forward_rows = {
    .name = "rows",
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
};
