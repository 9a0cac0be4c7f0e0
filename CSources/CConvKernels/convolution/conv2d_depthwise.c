// SPDX-License-Identifier: MIT
//
// Depthwise convolution, for groups of one channel. Filters of 3 x 3 and 5 x 5 at strides 1 and 2
// read each plane as it lies, in strips a vector wide. For others a plane is copied, a band of rows
// at a time, with its padding and with its columns sorted by the stride, so that at any stride each
// tap of a vector of outputs is one load at a fixed distance. The forward pass, the gradient with
// respect to images at stride 1 (with flipped filters), and the one with respect to filters.
//
// A tap after the other is added to an output, in the order (kh, kw), and the bias at last.
//
// Threads share the planes, and bands of them where there are few. The gradient with respect to a
// filter is summed over all images by one thread, lane by lane, and its lanes over a fixed tree.
#include "convolution/conv2d_depthwise.h"

// y[n, g, i, p] = sum over k of weights[g, i, k] * patch(n, g, k, p) + bias[g, i].
typedef struct {
    const convk_kernels *kernels;
    convk_window window; // the images [n, groups, h, w]; c is 1
    ptrdiff_t groups;
    ptrdiff_t rows; // output channels of a group
    ptrdiff_t taps; // of a filter
    bool strips;    // nothing is copied
    convk_phases phases;
    ptrdiff_t bands;       // of a plane
    ptrdiff_t output_rows; // of a band, at most
} blocking;

/// The rows between a window's first and last tap.
static ptrdiff_t reach_h(const convk_window *w) {
    return (w->kh - 1) * w->dilation_h;
}

static convk_phases make_phases(const convk_window *w, ptrdiff_t lanes) {
    convk_phases phases = {
        .h = w->h, .w = w->w, .top = w->pad_top, .left = w->pad_left, .stride = w->stride_w};
    convk_phases_fit(&phases, w->ow, (w->kw - 1) * w->dilation_w, lanes);
    return phases;
}

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    const ptrdiff_t rows = conv->filters / conv->groups;
    // With more filters per channel, rows load each pixel once for all of them. Milliseconds on Zen
    // 5, one thread, 16 images, with AVX2: 2 filters per channel 0.49 and 0.50, 4 0.11 and 0.24.
    enum { MOST_FILTERS = 2, MOST_FILTERS_AT_STRIDES = 4 };
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    if (kernels->depthwise == NULL || w->c != 1) return false;
    if (rows > (w->stride_w == 1 ? MOST_FILTERS : MOST_FILTERS_AT_STRIDES)) return false;
    if (w->kh > CONVK_DEPTHWISE_MOST_TAPS / w->kw) return false;
    if (convk_has_strips(w)) return true;
    const convk_phases phases = make_phases(w, kernels->lanes);
    return convk_phases_row(&phases) <= CONVK_DEPTHWISE_LARGEST / (reach_h(w) + 1);
}

/// threads: that share bands.
static blocking make(const convk_conv2d_plan *plan, bool strips, int threads) {
    const convk_window window = convk_window_of_group(&plan->conv), *w = &window;
    const ptrdiff_t groups = plan->conv.groups, rows = plan->conv.filters / groups;
    blocking p = {.kernels = convk_kernels_for(plan->execution.isa),
                  .window = window,
                  .groups = groups,
                  .rows = rows,
                  .taps = w->kh * w->kw,
                  .strips = strips};
    p.phases = make_phases(w, p.kernels->lanes);
    p.bands = convk_depthwise_bands(w->oh, w->n * groups, reach_h(w) + 1, w->stride_h,
                                    strips ? w->w : convk_phases_row(&p.phases), threads);
    // In blocks of the micro-kernel's.
    p.output_rows = convk_round_up(convk_ceil_div(w->oh, p.bands), 4);
    p.bands = convk_ceil_div(w->oh, p.output_rows);
    return p;
}

CONVK_FITS_A_PLAN(blocking);

/// The block sizes of a plan.
static blocking read(const convk_conv2d_plan *plan) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

static ptrdiff_t filters_size(const blocking *p) {
    return convk_round_up(p->groups * p->rows * p->taps, 16);
}

/// The rows of an image, or of its copy, that a band of outputs reads.
static ptrdiff_t band_rows(const blocking *p, ptrdiff_t output_rows) {
    return (output_rows - 1) * p->window.stride_h + reach_h(&p->window) + 1;
}

/// The floats of one thread's offsets of taps, or addresses of rows; of its copy of a band with a
/// vector behind it, or a row of zeros; and of its sums.
static ptrdiff_t offsets_size(const blocking *p) {
    const ptrdiff_t count = p->strips ? band_rows(p, p->output_rows) : p->taps;
    return convk_round_up(count * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}
static ptrdiff_t copy_size(const blocking *p) {
    if (p->strips) return convk_round_up(p->window.w, 16);
    const ptrdiff_t rows = band_rows(p, p->output_rows);
    return convk_round_up(rows * convk_phases_row(&p->phases) + p->kernels->lanes, 16);
}
static ptrdiff_t sums_size(const blocking *p) {
    return convk_round_up(p->rows * p->taps * p->kernels->lanes, 16);
}
static ptrdiff_t thread_size(const blocking *p) {
    return offsets_size(p) + copy_size(p) + sums_size(p);
}

static void pack(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace) {
    const blocking p = read(plan);
    (void)workspace;
    // Each filter is copied by one thread; all wait for the last.
    const convk_share share = convk_share_of(p.groups * p.rows);
    memcpy(filters + share.begin * p.taps, weights + share.begin * p.taps,
           (size_t)((share.end - share.begin) * p.taps) * sizeof(float));
    convk_wait_for_all();
}

/// A thread's memory: where a tap lies from the first one on, a band of a plane, and sums.
typedef struct {
    ptrdiff_t *offsets;
    float *copy, *sums;
} scratch;

static scratch make_scratch(const blocking *p, float *workspace) {
    const convk_window *w = &p->window;
    workspace += convk_thread_number() * thread_size(p);
    ptrdiff_t *offsets = (ptrdiff_t *)workspace;
    for (ptrdiff_t t = 0; t < p->taps && !p->strips; t++)
        offsets[t] = t / w->kw * w->dilation_h * convk_phases_row(&p->phases) +
                     convk_phases_column(&p->phases, t % w->kw * w->dilation_w);
    float *copy = workspace + offsets_size(p);
    memset(copy, 0, (size_t)copy_size(p) * sizeof(float));
    return (scratch){offsets, copy, copy + copy_size(p)};
}

/// Copies what rows row ..< end of a plane's outputs read.
static void read_band(const blocking *p, const scratch *s, const float *plane, ptrdiff_t row,
                      ptrdiff_t end) {
    const convk_window *w = &p->window;
    // Where each plane is one band, rows outside it stay as they are.
    convk_phases_read(&p->phases, p->kernels, s->copy, plane, row * w->stride_h,
                      band_rows(p, end - row), p->bands > 1);
}

/// Some rows of one filter's outputs in one image.
typedef struct {
    float *y;
    const float *weights, *bias;
    bool relu;
    const float *clip;
    ptrdiff_t row, end;
} rows_of_filter;

/// Finds the rows of an image that outputs row ..< end see; those outside it are zeros.
static void find_rows(const blocking *p, const scratch *s, const float *plane, ptrdiff_t row,
                      ptrdiff_t end) {
    const convk_window *w = &p->window;
    const float **rows = (const float **)s->offsets;
    const ptrdiff_t first = row * w->stride_h - w->pad_top, count = band_rows(p, end - row);
    for (ptrdiff_t i = 0; i < count; i++)
        rows[i] = first + i >= 0 && first + i < w->h ? plane + (first + i) * w->w : s->copy;
}

static void run_rows(const blocking *p, const scratch *s, const rows_of_filter *r) {
    const convk_window *w = &p->window;
    if (p->strips) {
        const convk_strips_tile tile = {.y = r->y,
                                        .rows = (const float *const *)s->offsets,
                                        .width = w->w,
                                        .left = w->pad_left,
                                        .size = w->kw,
                                        .stride = w->stride_w,
                                        .weights = r->weights,
                                        .output_rows = r->end - r->row,
                                        .columns = w->ow,
                                        .bias = r->bias,
                                        .relu = r->relu,
                                        .clip = r->clip};
        return p->kernels->strips(&tile);
    }
    const convk_depthwise_tile tile = {.y = r->y,
                                       .y_step = w->ow,
                                       .x = s->copy,
                                       .x_step = w->stride_h * convk_phases_row(&p->phases),
                                       .offsets = s->offsets,
                                       .taps = p->taps,
                                       .weights = r->weights,
                                       .rows = r->end - r->row,
                                       .columns = w->ow,
                                       .bias = r->bias,
                                       .relu = r->relu,
                                       .clip = r->clip};
    p->kernels->depthwise(&tile);
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const blocking p = read(plan);
    const convk_window *w = &p.window;
    const scratch s = make_scratch(&p, workspace);
    const ptrdiff_t pixels = w->oh * w->ow;
    // Each task writes its own rows of its own planes.
    const convk_share share = convk_share_of(w->n * p.groups * p.bands);
    const ptrdiff_t x_image = convk_x_image(&plan->conv), y_image = convk_y_image(&plan->conv);
    ptrdiff_t n = share.begin / (p.bands * p.groups), group = share.begin / p.bands % p.groups;
    ptrdiff_t band = share.begin % p.bands;
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t row = band * p.output_rows, end = convk_min(row + p.output_rows, w->oh);
        const float *plane = o->from + n * x_image + group * w->h * w->w;
        if (p.strips)
            find_rows(&p, &s, plane, row, end);
        else
            read_band(&p, &s, plane, row, end);
        const ptrdiff_t filter = group * p.rows;
        float *y = o->to + n * y_image + filter * pixels + row * w->ow;
        for (ptrdiff_t i = 0; i < p.rows; i++) {
            const ptrdiff_t f = filter + i;
            const rows_of_filter rows = {.y = y + i * pixels,
                                         .weights = o->filters + f * p.taps,
                                         .bias = o->bias ? o->bias + f : NULL,
                                         .relu = o->relu,
                                         .clip = o->clip,
                                         .row = row,
                                         .end = end};
            run_rows(&p, &s, &rows);
        }
        convk_finish_planes(plan, o, y, filter, p.rows, pixels, (end - row) * w->ow);
        if (++band < p.bands) continue;
        band = 0;
        if (++group < p.groups) continue;
        group = 0;
        n++;
    }
    convk_wait_for_all();
}

/// The gradients with respect to one channel's filters.
static void run_channel(const blocking *p, const convk_conv2d_operands *o, const scratch *s,
                        ptrdiff_t group) {
    const convk_window *w = &p->window;
    const ptrdiff_t sums = p->rows * p->taps, pixels = w->oh * w->ow;
    memset(s->sums, 0, (size_t)(sums * p->kernels->lanes) * sizeof(float));
    convk_depthwise_weights_tile tile = {.x = s->copy,
                                         .x_step = w->stride_h * convk_phases_row(&p->phases),
                                         .dy_step = w->ow,
                                         .offsets = s->offsets,
                                         .taps = p->taps,
                                         .columns = w->ow};
    for (ptrdiff_t n = 0; n < w->n; n++) {
        const ptrdiff_t channel = n * p->groups + group;
        for (ptrdiff_t row = 0; row < w->oh; row += p->output_rows) {
            const ptrdiff_t end = convk_min(row + p->output_rows, w->oh);
            read_band(p, s, o->images + channel * w->h * w->w, row, end);
            tile.rows = end - row;
            for (ptrdiff_t i = 0; i < p->rows; i++) {
                tile.sums = s->sums + i * p->taps * p->kernels->lanes;
                tile.dy = o->from + (channel * p->rows + i) * pixels + row * w->ow;
                p->kernels->depthwise_weights(&tile);
            }
        }
    }
    p->kernels->sum_lanes(o->to + group * sums, s->sums, sums);
}

static void run_weights(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                        float *restrict workspace) {
    const blocking p = read(plan);
    const scratch s = make_scratch(&p, workspace);
    // Each task writes its own channel's filters.
    const convk_share share = convk_share_of(p.groups);
    for (ptrdiff_t group = share.begin; group < share.end; group++) run_channel(&p, o, &s, group);
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void keep(convk_conv2d_plan *plan, bool strips, int threads) {
    const blocking p = make(plan, strips, threads);
    plan->prepacked_floats = filters_size(&p);
    plan->workspace_floats = plan->threads * thread_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

static void plan_blocks(convk_conv2d_plan *plan) {
    const convk_window window = convk_window_of_group(&plan->conv);
    keep(plan, convk_has_strips(&window), plan->threads);
}

const convk_conv2d_algorithm convk_forward_depthwise = {
    .name = "depthwise",
    .clips = true,
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
};

static void plan_weights(convk_conv2d_plan *plan) {
    // Threads share channels, not bands, in whose order sums are made.
    keep(plan, false, 1);
    plan->prepacked_floats = 0;
}

const convk_conv2d_algorithm convk_weights_depthwise = {
    .name = "depthwise",
    .accepts = accepts,
    .plan = plan_weights,
    .run = run_weights,
};
