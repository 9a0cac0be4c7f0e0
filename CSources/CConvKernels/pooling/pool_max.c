// SPDX-License-Identifier: MIT
//
// Max pooling with the place of each maximum, and its gradient. Threads share the planes (n, c).
#include "kernels/kernels.h"
#include "base/convk_window.h"

#include <math.h>
#include <string.h>

/// The first place along an axis whose taps all lie at or after pixel 0.
static ptrdiff_t first_inside(ptrdiff_t padding, ptrdiff_t stride, ptrdiff_t places) {
    return convk_min(convk_ceil_div(padding, stride), places);
}

/// One past the last place along an axis whose taps all lie before the end.
static ptrdiff_t end_inside(ptrdiff_t extent, ptrdiff_t padding, ptrdiff_t stride, ptrdiff_t reach,
                            ptrdiff_t places) {
    const ptrdiff_t room = extent + padding - reach;
    return room < 0 ? 0 : convk_min(room / stride + 1, places);
}

/// One output whose window may reach outside the image.
static void pool_at_edge(float *y, int32_t *argmax, const float *plane, const convk_window *w,
                         ptrdiff_t i, ptrdiff_t j) {
    const convk_taps rows = convk_rows_at(w, i), columns = convk_columns_at(w, j);
    float best = 0;
    ptrdiff_t where = -1;
    for (ptrdiff_t u = rows.begin; u < rows.end; u++) {
        const ptrdiff_t row = rows.first + u * w->dilation_h;
        for (ptrdiff_t v = columns.begin; v < columns.end; v++) {
            const ptrdiff_t pixel = row * w->w + columns.first + v * w->dilation_w;
            const float value = plane[pixel];
            if (where < 0 || (!(value <= best) && best == best)) {
                best = value;
                where = pixel;
            }
        }
    }
    assert(where >= 0);
    *y = best;
    if (argmax) *argmax = (int32_t)where;
}

static void pool_plane(float *y, int32_t *argmax, const float *plane, const convk_window *w,
                       const convk_leaves *leaves) {
    const ptrdiff_t reach_w = (w->kw - 1) * w->dilation_w + 1;
    const ptrdiff_t left = first_inside(w->pad_left, w->stride_w, w->ow);
    const ptrdiff_t right =
        convk_max(end_inside(w->w, w->pad_left, w->stride_w, reach_w, w->ow), left);
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        float *y_i = y + i * w->ow;
        int32_t *argmax_i = argmax ? argmax + i * w->ow : NULL;
        // Above and below the image there are fewer taps, for the whole row.
        const convk_taps rows = convk_rows_at(w, i);
        assert(rows.begin < rows.end);
        for (ptrdiff_t j = 0; j < left; j++)
            pool_at_edge(y_i + j, argmax_i ? argmax_i + j : NULL, plane, w, i, j);
        if (left < right) {
            const convk_pool_row row = {
                .y = y_i + left,
                .argmax = argmax_i ? argmax_i + left : NULL,
                .plane = plane,
                .pixel = (rows.first + rows.begin * w->dilation_h) * w->w + left * w->stride_w -
                         w->pad_left,
                .count = right - left,
                .kh = rows.end - rows.begin,
                .kw = w->kw,
                // To one output there is no next one, however far: what a stride passes over is
                // prefetched.
                .stride_w = right - left > 1 ? w->stride_w : 1,
                .dilation_w = w->dilation_w,
                .row_step = w->dilation_h * w->w,
            };
            leaves->pool_max_row(&row);
        }
        for (ptrdiff_t j = right; j < w->ow; j++)
            pool_at_edge(y_i + j, argmax_i ? argmax_i + j : NULL, plane, w, i, j);
    }
}

/// The numbers of a plane that is pooled in two steps, with its padding, and of its rows' maxima.
enum { STEPS_PIXELS = 4096 };

/// Whether windows overlap by all but a column, and a plane is small enough to be pooled in two
/// steps.
static bool takes_steps(const convk_window *w) {
    return w->stride_w == 1 && w->dilation_w == 1 && w->kw > 1 && w->kw <= w->w && w->w < 256 &&
           w->h < 256 && w->h * (w->ow + w->kw - 1) <= STEPS_PIXELS;
}

/// A plane's maxima without their places: along rows first, once for all windows that a row is in,
/// then over rows. The order is that of the taps, so that of equal numbers the same one stays.
static void pool_plane_in_steps(float *y, const float *plane, const convk_window *w,
                                const convk_leaves *leaves) {
    float padded[STEPS_PIXELS], maxima[STEPS_PIXELS];
    const ptrdiff_t width = w->ow + w->kw - 1;
    for (ptrdiff_t i = 0; i < w->h; i++) {
        float *row = padded + i * width;
        for (ptrdiff_t j = 0; j < w->pad_left; j++) row[j] = -INFINITY;
        const ptrdiff_t pixels = convk_min(w->w, width - w->pad_left);
        memcpy(row + w->pad_left, plane + i * w->w, (size_t)pixels * sizeof(float));
        for (ptrdiff_t j = w->pad_left + pixels; j < width; j++) row[j] = -INFINITY;
    }
    convk_pool_row step = {
        .plane = padded,
        .count = w->ow,
        .kh = 1,
        .kw = w->kw,
        .stride_w = 1,
        .dilation_w = 1,
        .row_step = width,
    };
    for (ptrdiff_t i = 0; i < w->h; i++) {
        step.y = maxima + i * w->ow;
        step.pixel = i * width;
        leaves->pool_max_row(&step);
    }
    step.plane = maxima;
    step.kw = 1;
    step.row_step = w->dilation_h * w->ow;
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const convk_taps rows = convk_rows_at(w, i);
        step.y = y + i * w->ow;
        step.pixel = (rows.first + rows.begin * w->dilation_h) * w->ow;
        step.kh = rows.end - rows.begin;
        leaves->pool_max_row(&step);
    }
}

static void pool_planes(float *restrict y, int32_t *restrict argmax, const float *restrict x,
                        const convk_window *w, const convk_leaves *leaves, convk_share planes) {
    const bool steps = !argmax && takes_steps(w);
    for (ptrdiff_t plane = planes.begin; steps && plane < planes.end; plane++)
        pool_plane_in_steps(y + plane * w->oh * w->ow, x + plane * w->h * w->w, w, leaves);
    for (ptrdiff_t plane = planes.begin; !steps && plane < planes.end; plane++)
        pool_plane(y + plane * w->oh * w->ow, argmax ? argmax + plane * w->oh * w->ow : NULL,
                   x + plane * w->h * w->w, w, leaves);
}

void convk_pool_max(float *restrict y, int32_t *restrict argmax, const float *restrict x,
                    const convk_window *window, convk_execution execution) {
    const convk_window w = *window;
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const ptrdiff_t planes = w.n * w.c;
    const int threads = convk_threads_for(planes * w.oh * w.ow * convk_pixels_seen(&w), execution);
    if (threads == 1) return pool_planes(y, argmax, x, &w, leaves, (convk_share){0, planes});
    CONVK_PARALLEL (threads) {
        pool_planes(y, argmax, x, &w, leaves, convk_share_of(planes));
    }
}

void convk_pool_max_backward(float *restrict dx, const float *restrict dy,
                             const int32_t *restrict argmax, ptrdiff_t planes,
                             ptrdiff_t input_plane, ptrdiff_t output_plane,
                             convk_execution execution) {
    const int threads = convk_threads_for(planes * input_plane, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (plane, planes) {
            float *dx_plane = dx + plane * input_plane;
            const float *dy_plane = dy + plane * output_plane;
            const int32_t *argmax_plane = argmax + plane * output_plane;
            memset(dx_plane, 0, (size_t)input_plane * sizeof(float));
            for (ptrdiff_t i = 0; i < output_plane; i++) dx_plane[argmax_plane[i]] += dy_plane[i];
        }
    }
}
