// SPDX-License-Identifier: MIT
//
// Average pooling and its gradient. Threads share the planes (n, c).
#include "convk_base.h"

#include <string.h>

/// The taps of one place along one axis.
typedef struct {
    ptrdiff_t begin, end; ///< those inside the image
    ptrdiff_t counted;    ///< how many count for the divisor
    ptrdiff_t first;      ///< the pixel that tap 0 stands for, perhaps negative
} taps;

static taps taps_at(ptrdiff_t place, ptrdiff_t extent, ptrdiff_t size, ptrdiff_t stride,
                    ptrdiff_t dilation, ptrdiff_t before, ptrdiff_t after, bool include_pad) {
    taps t = {.first = place * stride - before};
    t.begin = t.first >= 0 ? 0 : convk_min(convk_ceil_div(-t.first, dilation), size);
    t.end = t.first >= extent
                ? t.begin
                : convk_max(t.begin, convk_min((extent - 1 - t.first) / dilation + 1, size));
    // Padding before the image is always reached from inside the padded image; ceil mode may put
    // taps beyond the padding after it, which count for nothing.
    const ptrdiff_t room = extent + after - 1 - t.first;
    t.counted =
        include_pad ? (room < 0 ? 0 : convk_min(room / dilation + 1, size)) : t.end - t.begin;
    return t;
}

static taps rows_at(const convk_window *w, ptrdiff_t i, bool include_pad) {
    return taps_at(i, w->h, w->kh, w->stride_h, w->dilation_h, w->pad_top, w->pad_bottom,
                   include_pad);
}

static taps columns_at(const convk_window *w, ptrdiff_t j, bool include_pad) {
    return taps_at(j, w->w, w->kw, w->stride_w, w->dilation_w, w->pad_left, w->pad_right,
                   include_pad);
}

static void pool_plane(float *y, const float *plane, const convk_window *w, bool include_pad) {
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const taps rows = rows_at(w, i, include_pad);
        for (ptrdiff_t j = 0; j < w->ow; j++) {
            const taps columns = columns_at(w, j, include_pad);
            float sum = 0;
            for (ptrdiff_t u = rows.begin; u < rows.end; u++) {
                const float *row = plane + (rows.first + u * w->dilation_h) * w->w;
                for (ptrdiff_t v = columns.begin; v < columns.end; v++)
                    sum += row[columns.first + v * w->dilation_w];
            }
            y[i * w->ow + j] = sum / (float)(rows.counted * columns.counted);
        }
    }
}

static void spread_plane(float *plane, const float *dy, const convk_window *w, bool include_pad) {
    memset(plane, 0, (size_t)(w->h * w->w) * sizeof(float));
    for (ptrdiff_t i = 0; i < w->oh; i++) {
        const taps rows = rows_at(w, i, include_pad);
        for (ptrdiff_t j = 0; j < w->ow; j++) {
            const taps columns = columns_at(w, j, include_pad);
            const float share = dy[i * w->ow + j] / (float)(rows.counted * columns.counted);
            for (ptrdiff_t u = rows.begin; u < rows.end; u++) {
                float *row = plane + (rows.first + u * w->dilation_h) * w->w;
                for (ptrdiff_t v = columns.begin; v < columns.end; v++)
                    row[columns.first + v * w->dilation_w] += share;
            }
        }
    }
}

void convk_pool_average(float *restrict y, const float *restrict x, const convk_window *window,
                        bool count_include_pad, convk_execution execution) {
    const convk_window w = *window;
    const int threads = convk_threads_for(w.n * w.c * w.oh * w.ow * w.kh * w.kw, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t plane = 0; plane < w.n * w.c; plane++)
        pool_plane(y + plane * w.oh * w.ow, x + plane * w.h * w.w, &w, count_include_pad);
}

void convk_pool_average_backward(float *restrict dx, const float *restrict dy,
                                 const convk_window *window, bool count_include_pad,
                                 convk_execution execution) {
    const convk_window w = *window;
    const int threads = convk_threads_for(w.n * w.c * w.oh * w.ow * w.kh * w.kw, execution);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (ptrdiff_t plane = 0; plane < w.n * w.c; plane++)
        spread_plane(dx + plane * w.h * w.w, dy + plane * w.oh * w.ow, &w, count_include_pad);
}
