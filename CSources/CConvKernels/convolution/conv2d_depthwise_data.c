// SPDX-License-Identifier: MIT
//
// The gradient of a depthwise convolution with respect to its images at strides other than 1. Of
// the images' pixels, those whose row and column leave the same remainders by the strides see the
// same taps, and see them at neighbouring places of the output's gradient: each such phase is a
// depthwise convolution at stride 1 with some of the filter's taps. A band of the output's gradient
// is copied with its padding, and rows of phases are joined as they are written.
//
// The taps that a pixel sees are added in the order (filter, kh, kw). Threads share the planes, and
// bands of them where there are few.
#include "convolution/conv2d_depthwise.h"

enum { LARGEST_STRIDE = 8 };

typedef struct {
    const convk_kernels *kernels;
    convk_window window; // the images [n, groups, h, w]; c is 1
    ptrdiff_t groups;
    ptrdiff_t rows;       // output channels of a group
    ptrdiff_t taps;       // of a group's filters together
    convk_phases phases;  // of the output's gradient, which is copied in one
    ptrdiff_t reach_h;    // rows of it between the first and the last that a pixel sees
    ptrdiff_t width;      // of a phase of a row of pixels, in whole vectors
    ptrdiff_t bands;      // of a plane
    ptrdiff_t band_rows;  // of each phase in a band, at most
    ptrdiff_t copy_plane; // from one filter's copy to the next one's
} blocking;

static ptrdiff_t floor_div(ptrdiff_t a, ptrdiff_t b) {
    return a >= 0 ? a / b : -convk_ceil_div(-a, b);
}

/// Sets how the output's gradient is copied.
static void set_phases(blocking *p) {
    const convk_window *w = &p->window;
    const ptrdiff_t first_h = floor_div(w->pad_top - (w->kh - 1) * w->dilation_h, w->stride_h);
    const ptrdiff_t first_w = floor_div(w->pad_left - (w->kw - 1) * w->dilation_w, w->stride_w);
    const ptrdiff_t reach_w = floor_div(w->pad_left + w->stride_w - 1, w->stride_w) - first_w;
    p->reach_h = floor_div(w->pad_top + w->stride_h - 1, w->stride_h) - first_h;
    p->phases =
        (convk_phases){.h = w->oh, .w = w->ow, .top = -first_h, .left = -first_w, .stride = 1};
    const ptrdiff_t columns = convk_ceil_div(w->w, w->stride_w);
    convk_phases_fit(&p->phases, columns, reach_w, p->kernels->lanes);
    p->width = convk_round_up(columns, p->kernels->lanes);
}

static blocking make(const convk_conv2d *conv, convk_execution execution, int threads) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    blocking p = {.kernels = convk_kernels_for(execution.isa),
                  .window = window,
                  .groups = conv->groups,
                  .rows = conv->filters / conv->groups};
    p.taps = p.rows * w->kh * w->kw;
    set_phases(&p);
    const ptrdiff_t all_rows = convk_ceil_div(w->h, w->stride_h);
    const ptrdiff_t floats = p.rows * convk_phases_row(&p.phases) + w->stride_w * p.width;
    p.bands = convk_depthwise_bands(all_rows, w->n * p.groups, p.reach_h + 1, 1, floats, threads);
    p.band_rows = convk_ceil_div(all_rows, p.bands);
    p.bands = convk_ceil_div(all_rows, p.band_rows);
    p.copy_plane = (p.band_rows + p.reach_h) * convk_phases_row(&p.phases);
    return p;
}

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    const convk_window *w = &conv->window;
    enum { MOST_FILTERS = 4 }; // as many as the forward pass takes
    if (convk_kernels_for(execution.isa)->depthwise == NULL || w->c != conv->groups) return false;
    if (conv->filters > MOST_FILTERS * conv->groups || (w->stride_h == 1 && w->stride_w == 1))
        return false;
    if (w->kh > CONVK_DEPTHWISE_MOST_TAPS / w->kw) return false;
    if (w->stride_h > LARGEST_STRIDE || w->stride_w > LARGEST_STRIDE) return false;
    const blocking p = make(conv, execution, 1);
    const ptrdiff_t floats = p.rows * convk_phases_row(&p.phases) + w->stride_w * p.width;
    return floats <= CONVK_DEPTHWISE_LARGEST / (p.reach_h + 1);
}

CONVK_FITS_A_PLAN(blocking);

/// The block sizes of a plan.
static blocking read(const convk_conv2d_plan *plan) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

/// The taps that pixels with some remainders see, in their order.
typedef struct {
    ptrdiff_t f, u, v;
    ptrdiff_t down, right; // where it reads, from the pixel's row and column over the strides on
} tap;

/// The taps of the phase (a, b); how many.
static ptrdiff_t taps_of_phase(const blocking *p, ptrdiff_t a, ptrdiff_t b, tap *taps) {
    const convk_window *w = &p->window;
    ptrdiff_t count = 0;
    for (ptrdiff_t f = 0; f < p->rows; f++) {
        for (ptrdiff_t u = 0; u < w->kh; u++) {
            const ptrdiff_t y = a + w->pad_top - u * w->dilation_h;
            if (y % w->stride_h != 0) continue;
            for (ptrdiff_t v = 0; v < w->kw; v++) {
                const ptrdiff_t x = b + w->pad_left - v * w->dilation_w;
                if (x % w->stride_w != 0) continue;
                taps[count] = (tap){f, u, v, y / w->stride_h, x / w->stride_w};
                count++;
            }
        }
    }
    return count;
}

static void pack(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace) {
    const blocking p = read(plan);
    const convk_window *w = &p.window;
    (void)workspace;
    tap taps[CONVK_DEPTHWISE_MOST_TAPS * 4];
    ptrdiff_t count = 0;
    for (ptrdiff_t phase = 0; phase < w->stride_h * w->stride_w; phase++)
        count += taps_of_phase(&p, phase / w->stride_w, phase % w->stride_w, taps + count);
    // Each channel's filters are copied by one thread; all wait for the last.
    CONVK_SHARED_LOOP (group, p.groups) {
        const float *from = weights + group * p.taps;
        for (ptrdiff_t t = 0; t < count; t++)
            filters[group * p.taps + t] = from[(taps[t].f * w->kh + taps[t].u) * w->kw + taps[t].v];
    }
    convk_wait_for_all();
}

/// The floats of one thread's offsets of taps, of its copy with a vector behind it, and of one
/// phase of rows of a band.
static ptrdiff_t offsets_size(const blocking *p) {
    return convk_round_up(p->taps * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}
static ptrdiff_t copy_size(const blocking *p) {
    return convk_round_up(p->rows * p->copy_plane + p->kernels->lanes, 16);
}
static ptrdiff_t thread_size(const blocking *p) {
    return offsets_size(p) + copy_size(p) +
           convk_round_up(p->band_rows * p->window.stride_w * p->width, 16);
}

/// A thread's memory.
typedef struct {
    ptrdiff_t *offsets; // of the taps of all phases, from their pixel's place in the copy on
    ptrdiff_t counts[LARGEST_STRIDE * LARGEST_STRIDE]; // of taps, of each phase
    float *copy, *joined;
} scratch;

static scratch make_scratch(const blocking *p, float *workspace) {
    const convk_window *w = &p->window;
    workspace += convk_thread_number() * thread_size(p);
    scratch s = {.offsets = (ptrdiff_t *)workspace, .copy = workspace + offsets_size(p)};
    s.joined = s.copy + copy_size(p);
    memset(s.copy, 0, (size_t)copy_size(p) * sizeof(float));
    tap taps[CONVK_DEPTHWISE_MOST_TAPS * 4];
    ptrdiff_t count = 0;
    for (ptrdiff_t phase = 0; phase < w->stride_h * w->stride_w; phase++) {
        s.counts[phase] = taps_of_phase(p, phase / w->stride_w, phase % w->stride_w, taps + count);
        count += s.counts[phase];
    }
    for (ptrdiff_t t = 0; t < count; t++)
        s.offsets[t] = taps[t].f * p->copy_plane +
                       (taps[t].down + p->phases.top) * convk_phases_row(&p->phases) +
                       taps[t].right + p->phases.left;
    return s;
}

/// Rows row ..< end, counted within each phase, of one plane of the images. weights: its channel's.
static void run_band(const blocking *p, const scratch *s, float *dx, const float *weights,
                     ptrdiff_t row, ptrdiff_t end) {
    const convk_window *w = &p->window;
    const ptrdiff_t *offsets = s->offsets;
    for (ptrdiff_t a = 0; a < w->stride_h; a++) {
        const ptrdiff_t rows = convk_min(end, convk_ceil_div(w->h - a, w->stride_h)) - row;
        for (ptrdiff_t b = 0; b < w->stride_w; b++) {
            const convk_depthwise_tile tile = {
                .y = s->joined + b * p->width,
                .y_step = w->stride_w * p->width,
                .x = s->copy,
                .x_step = convk_phases_row(&p->phases),
                .offsets = offsets,
                .taps = s->counts[a * w->stride_w + b],
                .weights = weights,
                .rows = rows,
                .columns = convk_ceil_div(w->w - b, w->stride_w),
            };
            if (rows > 0 && b < w->w) p->kernels->depthwise(&tile);
            offsets += tile.taps;
            weights += tile.taps;
        }
        for (ptrdiff_t i = 0; i < rows; i++)
            p->kernels->join_rows(dx + ((row + i) * w->stride_h + a) * w->w,
                                  s->joined + i * w->stride_w * p->width, w->w, w->stride_w,
                                  p->width);
    }
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const blocking p = read(plan);
    const convk_window *w = &p.window;
    const scratch s = make_scratch(&p, workspace);
    const ptrdiff_t all_rows = convk_ceil_div(w->h, w->stride_h), places = w->oh * w->ow;
    // Each task writes its own rows of its own planes.
    CONVK_SHARED_LOOP (index, w->n * p.groups * p.bands) {
        const ptrdiff_t channel = index / p.bands, row = index % p.bands * p.band_rows;
        const ptrdiff_t end = convk_min(row + p.band_rows, all_rows);
        for (ptrdiff_t f = 0; f < p.rows; f++)
            // Where each plane is one band, rows outside it stay zeros.
            convk_phases_read(&p.phases, p.kernels, s.copy + f * p.copy_plane,
                              o->from + (channel * p.rows + f) * places, row, end - row + p.reach_h,
                              p.bands > 1);
        run_band(&p, &s, o->to + channel * w->h * w->w, o->filters + channel % p.groups * p.taps,
                 row, end);
    }
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(&plan->conv, plan->execution, plan->threads);
    plan->prepacked_floats = convk_round_up(p.groups * p.taps, 16);
    plan->workspace_floats = plan->threads * thread_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

const convk_conv2d_algorithm convk_data_depthwise = {
    .name = "depthwise",
    .accepts = accepts,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
};
