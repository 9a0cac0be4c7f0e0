// SPDX-License-Identifier: MIT
//
// Convolution by planes: threads share the planes, and bands of them where there are few. The
// gradient with respect to a filter is summed over all images by one thread, lane by lane, and its
// lanes over a fixed tree.
#include "conv2d_planes.h"

#include <string.h>

enum { ENOUGH_TASKS = 16 };

bool convk_conv2d_planes_pays(const convk_window *w, ptrdiff_t rows, convk_execution execution) {
    // Milliseconds on Zen 5, one thread, 16 images, by rows against so: 64 planes of 56 x 56 1.6
    // and 1.1, 1024 of 7 x 7 1.46 and 0.50; with AVX2 1.8 and 1.7, 1.29 and 0.70; 2 filters a
    // channel 0.49 and 0.50, 4, for which rows load each pixel once, 0.11 and 0.24. The gradient
    // with respect to filters as a product against so: 10.5 and 0.95, 3.0 and 0.30. Masks of so
    // many floats, which all planes share, stay in the second-level cache.
    enum { MOST_FILTERS = 2, MOST_MASKS = 1 << 17 };
    const convk_sgemm_entry *entry = convk_sgemm_entry_for(execution.isa);
    return entry->planes != NULL && w->c == 1 && rows <= MOST_FILTERS && w->stride_h == 1 &&
           w->stride_w == 1 && w->ow == w->w &&
           convk_ceil_div(w->oh * w->ow, entry->lanes) * w->kh * w->kw <= MOST_MASKS;
}

convk_conv2d_planes convk_conv2d_planes_make(const convk_window *w, ptrdiff_t groups,
                                             ptrdiff_t rows, convk_execution execution) {
    convk_conv2d_planes p = {.entry = convk_sgemm_entry_for(execution.isa),
                             .window = *w,
                             .groups = groups,
                             .rows = rows,
                             .taps = w->kh * w->kw};
    p.vectors = convk_ceil_div(w->oh * w->ow, p.entry->lanes);
    return p;
}

ptrdiff_t convk_conv2d_planes_filters_size(const convk_conv2d_planes *p) {
    return convk_round_up(p->groups * p->rows * p->taps, 16);
}

/// The floats of one thread's tables: offsets of taps, and masks, a bit a lane for each tap of each
/// vector.
static ptrdiff_t offsets_size(const convk_conv2d_planes *p) {
    return convk_round_up(p->taps * (ptrdiff_t)(sizeof(ptrdiff_t) / sizeof(float)), 16);
}
static ptrdiff_t masks_size(const convk_conv2d_planes *p) {
    return convk_round_up(convk_ceil_div(p->vectors * p->taps, 2), 16);
}

ptrdiff_t convk_conv2d_planes_workspace(const convk_conv2d_planes *p, int threads) {
    return threads * (offsets_size(p) + masks_size(p));
}

void convk_conv2d_planes_pack(const convk_conv2d_planes *p, float *restrict filters,
                              const float *restrict weights) {
    // Each filter is copied by one thread; all wait for the last.
    const convk_share share = convk_share_of(p->groups * p->rows);
    memcpy(filters + share.begin * p->taps, weights + share.begin * p->taps,
           (size_t)((share.end - share.begin) * p->taps) * sizeof(float));
    convk_wait_for_all();
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
static tables make_tables(const convk_conv2d_planes *p, float *workspace) {
    const convk_window *w = &p->window;
    workspace += convk_thread_number() * (offsets_size(p) + masks_size(p));
    ptrdiff_t *offsets = (ptrdiff_t *)workspace;
    uint16_t *masks = (uint16_t *)(workspace + offsets_size(p));
    memset(masks, 0, (size_t)(p->vectors * p->taps) * sizeof *masks);
    for (ptrdiff_t t = 0; t < p->taps; t++) {
        const ptrdiff_t down = t / w->kw * w->dilation_h - w->pad_top;
        const ptrdiff_t right = t % w->kw * w->dilation_w - w->pad_left;
        offsets[t] = down * w->w + right;
        const ptrdiff_t begin = convk_max(-right, 0), end = convk_min(w->w - right, w->w);
        for (ptrdiff_t i = convk_max(-down, 0); i < convk_min(w->h - down, w->oh); i++)
            set_bits(masks + t, p->taps, p->entry->lanes, i * w->w + begin, i * w->w + end);
    }
    return (tables){offsets, masks};
}

void convk_conv2d_planes_run(const convk_conv2d_planes *p, float *restrict y,
                             const float *restrict x, const float *restrict filters,
                             const float *restrict bias, bool relu, float *restrict workspace) {
    const convk_window *w = &p->window;
    const ptrdiff_t all_filters = p->groups * p->rows, planes = w->n * all_filters;
    const ptrdiff_t bands = convk_min(convk_ceil_div(ENOUGH_TASKS, planes), p->vectors);
    const tables t = make_tables(p, workspace);
    // Each task writes its own pixels of its own plane.
    const convk_share share = convk_share_of(planes * bands);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t plane = index / bands, band = index % bands, f = plane % all_filters;
        const convk_planes_tile tile = {.y = y + plane * w->oh * w->ow,
                                        .x = x + plane / p->rows * w->h * w->w,
                                        .offsets = t.offsets,
                                        .masks = t.masks,
                                        .taps = p->taps,
                                        .weights = filters + f * p->taps,
                                        .pixels = w->oh * w->ow,
                                        .vector = band * p->vectors / bands,
                                        .vector_end = (band + 1) * p->vectors / bands,
                                        .bias = bias ? bias + f : NULL,
                                        .relu = relu};
        p->entry->planes(&tile);
    }
    convk_wait_for_all();
}

void convk_conv2d_planes_weights(const convk_conv2d_planes *p, float *restrict dw,
                                 const float *restrict dy, const float *restrict x,
                                 float *restrict workspace) {
    const convk_window *w = &p->window;
    const ptrdiff_t pixels = w->oh * w->ow;
    const tables t = make_tables(p, workspace);
    // Each task writes its own filter.
    const convk_share share = convk_share_of(p->groups * p->rows);
    for (ptrdiff_t f = share.begin; f < share.end; f++) {
        const convk_planes_weights_tile tile = {.sums = dw + f * p->taps,
                                                .x = x + f / p->rows * w->h * w->w,
                                                .dy = dy + f * pixels,
                                                .offsets = t.offsets,
                                                .masks = t.masks,
                                                .taps = p->taps,
                                                .pixels = pixels,
                                                .planes = w->n,
                                                .x_step = p->groups * w->h * w->w,
                                                .dy_step = p->groups * p->rows * pixels};
        p->entry->planes_weights(&tile);
    }
    convk_wait_for_all();
}
