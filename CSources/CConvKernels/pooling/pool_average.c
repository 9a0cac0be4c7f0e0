// SPDX-License-Identifier: MIT
//
// Average pooling and its gradient. Threads share the planes (n, c).
#include "kernels/kernels.h"
#include "base/convk_window.h"

#include <string.h>

/// How many taps of one place along one axis count for the divisor. Padding before the image is
/// always reached from inside the padded image; ceil mode may put taps beyond the padding after it,
/// which count for nothing.
static ptrdiff_t counted(convk_taps taps, ptrdiff_t padded_end, ptrdiff_t size, ptrdiff_t dilation,
                         bool include_pad) {
    if (!include_pad) return taps.end - taps.begin;
    const ptrdiff_t room = padded_end - 1 - taps.first;
    return room < 0 ? 0 : convk_min(room / dilation + 1, size);
}

static ptrdiff_t counted_rows(const convk_window *w, convk_taps rows, bool include_pad) {
    return counted(rows, w->h + w->pad_bottom, w->kh, w->dilation_h, include_pad);
}

static ptrdiff_t counted_columns(const convk_window *w, convk_taps columns, bool include_pad) {
    return counted(columns, w->w + w->pad_right, w->kw, w->dilation_w, include_pad);
}

static void pool_plane(float *y, const float *plane, const convk_window *w, bool include_pad) {
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const convk_taps rows = convk_rows_at(w, i);
        const ptrdiff_t counted_i = counted_rows(w, rows, include_pad);
        for (ptrdiff_t j = 0; j < w->ow; j++) {
            const convk_taps columns = convk_columns_at(w, j);
            const ptrdiff_t counted_j = counted_columns(w, columns, include_pad);
            float sum = 0;
            for (ptrdiff_t u = rows.begin; u < rows.end; u++) {
                const float *row = plane + (rows.first + u * w->dilation_h) * w->w;
                for (ptrdiff_t v = columns.begin; v < columns.end; v++)
                    sum += row[columns.first + v * w->dilation_w];
            }
            y[i * w->ow + j] = sum / (float)(counted_i * counted_j);
        }
    }
}

static void spread_plane(float *plane, const float *dy, const convk_window *w, bool include_pad) {
    memset(plane, 0, (size_t)(w->h * w->w) * sizeof(float));
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const convk_taps rows = convk_rows_at(w, i);
        const ptrdiff_t counted_i = counted_rows(w, rows, include_pad);
        for (ptrdiff_t j = 0; j < w->ow; j++) {
            const convk_taps columns = convk_columns_at(w, j);
            const ptrdiff_t counted_j = counted_columns(w, columns, include_pad);
            const float share = dy[i * w->ow + j] / (float)(counted_i * counted_j);
            for (ptrdiff_t u = rows.begin; u < rows.end; u++) {
                float *row = plane + (rows.first + u * w->dilation_h) * w->w;
                for (ptrdiff_t v = columns.begin; v < columns.end; v++)
                    row[columns.first + v * w->dilation_w] += share;
            }
        }
    }
}

/// Whether windows are 2x2 pixels, next to one another, all inside the image: LeNet's subsampling.
static bool takes_pairs(const convk_window *w) {
    return w->kh == 2 && w->kw == 2 && w->stride_h == 2 && w->stride_w == 2 && w->dilation_h == 1 &&
           w->dilation_w == 1 && w->pad_top == 0 && w->pad_left == 0 && 2 * w->oh <= w->h &&
           2 * w->ow <= w->w;
}

static void pool_pairs(float *y, const float *plane, const convk_window *w,
                       const convk_leaves *leaves) {
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const float *upper = plane + 2 * i * w->w;
        leaves->pool_average_pairs(y + i * w->ow, upper, upper + w->w, w->ow);
    }
}

static void spread_over_pairs(float *plane, const float *dy, const convk_window *w,
                              const convk_leaves *leaves) {
    // A column or row too many is covered by no window.
    if (2 * w->oh != w->h || 2 * w->ow != w->w)
        memset(plane, 0, (size_t)(w->h * w->w) * sizeof(float));
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        float *upper = plane + 2 * i * w->w;
        leaves->pool_average_pairs_backward(upper, upper + w->w, dy + i * w->ow, w->ow);
    }
}

/// Whether the window is the whole image: global average pooling.
static bool takes_plane(const convk_window *w) {
    return w->oh == 1 && w->ow == 1 && w->kh == w->h && w->kw == w->w && w->dilation_h == 1 &&
           w->dilation_w == 1 && w->pad_top == 0 && w->pad_left == 0 && w->pad_bottom == 0 &&
           w->pad_right == 0;
}

static void pool_planes(float *restrict y, const float *restrict x, const convk_window *w,
                        bool include_pad, const convk_leaves *leaves, convk_share planes) {
    const bool pairs = takes_pairs(w);
    if (takes_plane(w)) {
        const ptrdiff_t pixels = w->h * w->w;
        for (ptrdiff_t plane = planes.begin; plane < planes.end; plane++)
            y[plane] = (float)(leaves->sum(x + plane * pixels, pixels) / (double)pixels);
        return;
    }
    for (ptrdiff_t plane = planes.begin; plane < planes.end; plane++) {
        float *y_plane = y + plane * w->oh * w->ow;
        const float *x_plane = x + plane * w->h * w->w;
        if (pairs)
            pool_pairs(y_plane, x_plane, w, leaves);
        else
            pool_plane(y_plane, x_plane, w, include_pad);
    }
}

void convk_pool_average(float *restrict y, const float *restrict x, const convk_window *window,
                        bool count_include_pad, convk_execution execution) {
    const convk_window w = *window;
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const ptrdiff_t planes = w.n * w.c;
    const int threads = convk_threads_for(planes * w.oh * w.ow * convk_pixels_seen(&w), execution);
    if (threads == 1)
        return pool_planes(y, x, &w, count_include_pad, leaves, (convk_share){0, planes});
    CONVK_PARALLEL (threads) {
        pool_planes(y, x, &w, count_include_pad, leaves, convk_share_of(planes));
    }
}

void convk_pool_average_backward(float *restrict dx, const float *restrict dy,
                                 const convk_window *window, bool count_include_pad,
                                 convk_execution execution) {
    const convk_window w = *window;
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const bool pairs = takes_pairs(&w);
    const int threads =
        convk_threads_for(w.n * w.c * w.oh * w.ow * convk_pixels_seen(&w), execution);
    CONVK_PARALLEL (threads) {
        const convk_share share = convk_share_of(w.n * w.c);
        for (ptrdiff_t plane = share.begin; plane < share.end; plane++) {
            float *dx_plane = dx + plane * w.h * w.w;
            const float *dy_plane = dy + plane * w.oh * w.ow;
            if (pairs)
                spread_over_pairs(dx_plane, dy_plane, &w, leaves);
            else
                spread_plane(dx_plane, dy_plane, &w, count_include_pad);
        }
    }
}
