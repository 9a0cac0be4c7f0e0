// SPDX-License-Identifier: MIT
//
// The gradient of a depthwise convolution with respect to its filters, at stride 1 where outputs
// are as wide as the images: a pixel's taps are then at fixed distances from it in the image as it
// lies, over the ends of rows, and masks, the same for all planes, leave out what lies outside.
// Rows need not fill vectors, and nothing is copied.
//
// A filter's gradient is summed over all images by one thread, lane by lane, and its lanes over a
// fixed tree.
#include "convolution/conv2d_algorithms.h"
#include "kernels/kernels.h"

// dw[g, i, k] = sum over n and p of dy[n, g, i, p] * patch(n, g, k, p).
typedef struct {
    const convk_kernels *kernels;
    convk_window window; // the images [n, groups, h, w]; c is 1
    ptrdiff_t groups;
    ptrdiff_t rows;    // output channels of a group
    ptrdiff_t taps;    // of a filter
    ptrdiff_t vectors; // of pixels in a plane of outputs
} blocking;

static bool accepts(const convk_conv2d *conv, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv), *w = &window;
    // Milliseconds on an AVX-512 CPU's AVX2, one thread, against the way of conv2d_depthwise.c, 3 x
    // 3: 32 planes of 112 x 112 0.52 and 0.33, 192 of 28 x 28 0.175 and 0.170, 384 of 14 x 14 0.094
    // and 0.110; with AVX-512 144 of 56 x 56 0.22 and 0.31, 960 of 7 x 7 0.038 and 0.085. Masks of
    // so many floats, which all planes share, stay in the second-level cache.
    enum { MOST_FILTERS = 2, MOST_MASKS = 1 << 17 };
    const convk_kernels *kernels = convk_kernels_for(execution.isa);
    return kernels->depthwise_planes != NULL && w->c == 1 &&
           conv->filters / conv->groups <= MOST_FILTERS && w->stride_h == 1 && w->stride_w == 1 &&
           w->ow == w->w && w->ow <= kernels->planes_columns &&
           convk_ceil_div(w->oh * w->ow, kernels->lanes) * w->kh * w->kw <= MOST_MASKS;
}

static blocking make(const convk_conv2d_plan *plan) {
    const convk_window window = convk_window_of_group(&plan->conv), *w = &window;
    const ptrdiff_t groups = plan->conv.groups, rows = plan->conv.filters / groups;
    blocking p = {.kernels = convk_kernels_for(plan->execution.isa),
                  .window = window,
                  .groups = groups,
                  .rows = rows,
                  .taps = w->kh * w->kw};
    p.vectors = convk_ceil_div(w->oh * w->ow, p.kernels->lanes);
    return p;
}

CONVK_FITS_A_PLAN(blocking);

/// The block sizes of a plan.
static blocking read(const convk_conv2d_plan *plan) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

/// The floats of one thread's tables: offsets of taps, and masks, one bit per lane for each tap
/// of each vector.
static ptrdiff_t offsets_size(const blocking *p) {
    return convk_round_up(p->taps * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}
static ptrdiff_t masks_size(const blocking *p) {
    return convk_round_up(convk_ceil_div(p->vectors * p->taps, 2), 16);
}

static ptrdiff_t thread_size(const blocking *p) {
    return offsets_size(p) + masks_size(p);
}

/// Sets bits begin ..< end of a tap, counted over the pixels of a plane.
static void set_bits(uint16_t *masks, ptrdiff_t taps, ptrdiff_t lanes, ptrdiff_t begin,
                     ptrdiff_t end) {
    while (begin < end) {
        const ptrdiff_t lane = begin % lanes, count = convk_min(lanes - lane, end - begin);
        masks[begin / lanes * taps] |= (uint16_t)(((1u << count) - 1) << lane);
        begin += count;
    }
}

/// What all planes share: where a tap lies from a pixel's place on, and which taps lie in the
/// image.
typedef struct {
    const ptrdiff_t *offsets;
    const uint16_t *masks;
} tables;

/// The calling thread's tables.
static tables make_tables(const blocking *p, float *workspace) {
    const convk_window *w = &p->window;
    workspace += convk_thread_number() * thread_size(p);
    ptrdiff_t *offsets = (ptrdiff_t *)workspace;
    uint16_t *masks = (uint16_t *)(workspace + offsets_size(p));
    memset(masks, 0, (size_t)(p->vectors * p->taps) * sizeof *masks);
    for (ptrdiff_t t = 0; t < p->taps; t++) {
        const ptrdiff_t down = t / w->kw * w->dilation_h - w->pad_top;
        const ptrdiff_t right = t % w->kw * w->dilation_w - w->pad_left;
        offsets[t] = down * w->w + right;
        const ptrdiff_t begin = convk_max(-right, 0), end = convk_min(w->w - right, w->w);
        for (ptrdiff_t i = convk_max(-down, 0); i < convk_min(w->h - down, w->oh); i++)
            set_bits(masks + t, p->taps, p->kernels->lanes, i * w->w + begin, i * w->w + end);
    }
    return (tables){offsets, masks};
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const blocking p = read(plan);
    const convk_window *w = &p.window;
    const ptrdiff_t pixels = w->oh * w->ow;
    const tables t = make_tables(&p, workspace);
    // Each task writes its own filter.
    const convk_share share = convk_share_of(p.groups * p.rows);
    for (ptrdiff_t f = share.begin; f < share.end; f++) {
        const convk_depthwise_planes_tile tile = {.sums = o->to + f * p.taps,
                                                  .x = o->images + f / p.rows * w->h * w->w,
                                                  .dy = o->from + f * pixels,
                                                  .offsets = t.offsets,
                                                  .masks = t.masks,
                                                  .taps = p.taps,
                                                  .pixels = pixels,
                                                  .planes = w->n,
                                                  .x_step = p.groups * w->h * w->w,
                                                  .dy_step = p.groups * p.rows * pixels};
        p.kernels->depthwise_planes(&tile);
    }
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(plan);
    plan->workspace_floats = plan->threads * thread_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

const convk_conv2d_algorithm convk_weights_planes = {
    .name = "depthwise",
    .accepts = accepts,
    .plan = plan_blocks,
    .run = run,
};
