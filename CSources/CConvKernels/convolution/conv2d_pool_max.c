// SPDX-License-Identifier: MIT
//
// A convolution and the max pooling right behind it, a band of pooled rows at a time. The direct
// convolution leaves each row with the filters side by side, as it summed it; there a pooling is a
// few comparisons of vectors, whatever its window. Only the pooled numbers, a quarter or less, are
// transposed into planes, and nothing else ever leaves the first-level cache.
#include "convolution/conv2d_algorithms.h"
#include "convolution/conv2d_direct.h"
#include "kernels/kernels.h"

enum {
    BAND_FLOATS = 1 << 15, // of the input of a task, half a second-level cache of 256 KiB
};

typedef struct {
    convk_conv2d_direct direct;
    convk_window pool;
    ptrdiff_t pooled_rows; // of a task
    ptrdiff_t bands;       // tasks of a group of an image
    ptrdiff_t band_rows;   // of the convolution under a task
} blocking;

/// From the first row that a window sees to behind the last.
static ptrdiff_t reach(const convk_window *pool) {
    return (pool->kh - 1) * pool->dilation_h + 1;
}

static blocking make(const convk_conv2d_plan *plan, const convk_window *pooling) {
    blocking p = {.direct = convk_conv2d_direct_of(plan), .pool = *pooling};
    const convk_window *w = &p.direct.window;
    p.pooled_rows = convk_rows_of_task(w, p.direct.groups, pooling->oh, BAND_FLOATS, plan->threads);
    p.bands = convk_ceil_div(pooling->oh, p.pooled_rows);
    const ptrdiff_t rows = (p.pooled_rows - 1) * pooling->stride_h + reach(pooling);
    p.band_rows = convk_min(rows, w->oh);
    return p;
}

/// The parts of one thread's workspace, in floats.
static ptrdiff_t row_size(const blocking *p) {
    return convk_round_up(p->direct.window.ow * p->direct.kernels->nr, 16);
}
static ptrdiff_t pooled_size(const blocking *p) {
    return convk_round_up(p->pooled_rows * p->pool.ow * p->direct.kernels->nr, 16);
}
static ptrdiff_t thread_size(const blocking *p) {
    const convk_band band = convk_band_make(&p->direct.window, p->band_rows);
    return convk_conv2d_direct_offsets_size(&p->direct) + row_size(p) + 2 * pooled_size(p) +
           convk_band_size(&band, p->direct.window.c);
}

bool convk_conv2d_pool_max_pays(const convk_conv2d_plan *plan) {
    return plan->algorithm == &convk_forward_direct;
}

ptrdiff_t convk_conv2d_pool_max_workspace(const convk_conv2d_plan *plan,
                                          const convk_window *pooling) {
    const blocking p = make(plan, pooling);
    return plan->prepacked_floats + plan->threads * thread_size(&p);
}

/// One task: some pooled rows of a block of filters of an image.
typedef struct {
    const blocking *p;
    const convk_leaves *leaves;
    convk_direct_tile tile;
    const float *x;      // tap (0, 0, 0) of the first pixel of convolution row `first`
    ptrdiff_t row_step;  // from one row of the input to the next
    ptrdiff_t first;     // the first row of the convolution that is needed
    ptrdiff_t width;     // filters side by side
    ptrdiff_t row, rows; // pooled
    float *sums;         // one row of the convolution
    float *pooled;       // [rows, ow, width]
    int32_t *argmax;     // beside it, or NULL
} task;

/// Folds row r of the convolution into the pooled rows from `begin` on whose windows see it.
static void fold_row(const task *t, ptrdiff_t r, ptrdiff_t begin, ptrdiff_t end) {
    const convk_window *pool = &t->p->pool;
    for (ptrdiff_t i = begin; i < end; i++) {
        const ptrdiff_t tap = r + pool->pad_top - i * pool->stride_h;
        if (tap % pool->dilation_h != 0) continue;
        const ptrdiff_t place = (i - t->row) * pool->ow * t->width;
        const convk_pool_fold fold = {
            .y = t->pooled + place,
            .argmax = t->argmax ? t->argmax + place : NULL,
            .row = t->sums,
            .width = t->width,
            .pixel = r * pool->w,
            .w = pool->w,
            .count = pool->ow,
            .kw = pool->kw,
            .stride_w = pool->stride_w,
            .dilation_w = pool->dilation_w,
            .pad_left = pool->pad_left,
            .is_first = tap == 0 || r < pool->dilation_h,
        };
        t->leaves->pool_max_fold(&fold);
    }
}

/// The convolution's rows one after the other, those that no window sees left out.
static void run_task(const task *t) {
    const convk_window *w = &t->p->direct.window, *pool = &t->p->pool;
    const ptrdiff_t step = t->row_step * w->stride_h;
    const ptrdiff_t last = (t->row + t->rows - 1) * pool->stride_h - pool->pad_top;
    for (ptrdiff_t r = t->first; r < convk_min(last + reach(pool), w->oh); r++) {
        // Pooled row i sees rows from i * stride - pad on.
        const ptrdiff_t top = r + pool->pad_top, bottom = top - reach(pool) + 1;
        const ptrdiff_t end = convk_min(top / pool->stride_h + 1, t->row + t->rows);
        const ptrdiff_t begin =
            convk_max(bottom <= 0 ? 0 : convk_ceil_div(bottom, pool->stride_h), t->row);
        if (begin >= end) continue;
        convk_conv2d_direct_row(&t->p->direct, t->tile, t->sums, t->x + (r - t->first) * step);
        fold_row(t, r, begin, end);
    }
}

void convk_conv2d_pool_max(float *restrict y, int32_t *restrict argmax, const float *restrict x,
                           const float *restrict weights, const float *restrict prepacked,
                           const float *restrict bias, const convk_activation *activation,
                           const convk_conv2d_plan *plan, const convk_window *pooling,
                           float *restrict workspace) {
    const blocking p = make(plan, pooling);
    const convk_conv2d_direct *direct = &p.direct;
    const convk_window *w = &direct->window;
    const convk_kernels *kernels = direct->kernels;
    const ptrdiff_t plane = p.pool.oh * p.pool.ow;
    const float *filters = prepacked ? prepacked : workspace;
    float *threads_part = workspace + (prepacked ? 0 : plan->prepacked_floats);
    CONVK_PARALLEL (plan->threads) {
        const convk_band band = convk_band_make(w, p.band_rows);
        ptrdiff_t *offsets = (ptrdiff_t *)(threads_part + convk_thread_number() * thread_size(&p));
        task t = {.p = &p,
                  .leaves = convk_kernels_for(plan->execution.isa)->leaves,
                  .row_step = band.width};
        t.sums = (float *)offsets + convk_conv2d_direct_offsets_size(direct);
        t.pooled = t.sums + row_size(&p);
        t.argmax = argmax ? (int32_t *)(t.pooled + pooled_size(&p)) : NULL;
        float *copy = t.pooled + 2 * pooled_size(&p);
        convk_conv2d_direct_set_offsets(direct, &band, offsets);
        if (!prepacked) plan->algorithm->pack(plan, workspace, weights, NULL);
        // Each task writes its own pooled rows of its own filters.
        const convk_share share = convk_share_of(w->n * direct->groups * p.bands);
        for (ptrdiff_t index = share.begin; index < share.end; index++) {
            const ptrdiff_t n = index / (direct->groups * p.bands);
            const ptrdiff_t g = index / p.bands % direct->groups;
            t.row = index % p.bands * p.pooled_rows;
            t.rows = convk_min(p.pooled_rows, p.pool.oh - t.row);
            t.first = convk_max(t.row * p.pool.stride_h - p.pool.pad_top, 0);
            const float *x_g = x + (n * direct->groups + g) * w->c * w->h * w->w;
            t.x = convk_band_read(&band, copy, x_g, t.first, w->c);
            for (ptrdiff_t f = 0; f < direct->rows; f += kernels->nr) {
                t.tile = convk_conv2d_direct_tile(direct, filters, bias, offsets, g, f);
                t.tile.interleaved = true;
                t.width = t.tile.filters > kernels->lanes ? kernels->nr : kernels->lanes;
                run_task(&t);
                const ptrdiff_t count = t.rows * p.pool.ow;
                if (activation)
                    t.leaves->activations[activation->kind].forward(
                        t.pooled, t.pooled, count * t.width, activation->a, activation->b);
                const ptrdiff_t place =
                    ((n * direct->groups + g) * direct->rows + f) * plane + t.row * p.pool.ow;
                kernels->unpack_planes(y + place, plane, t.pooled, t.width, t.tile.filters, count);
                // Indices are moved as they are, not read as numbers.
                if (argmax)
                    kernels->unpack_planes((float *)argmax + place, plane, (float *)t.argmax,
                                           t.width, t.tile.filters, count);
            }
        }
    }
}
