// SPDX-License-Identifier: MIT
//
// The C kernels against naive loops, in plain C, so that they can be tried wherever a C compiler
// and an emulator are: on other processors, and without OpenMP. Numbers are small and whole, every
// sum is far below 2^24, and so results must be exact. Arrays are surrounded by NaN: what is read
// beyond an end spoils a result, and what is written there is found.
#include "CConvKernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 32, SMALL = 2 };

static unsigned state;
static int failures;
static convk_isa tried;

/// A whole number from low to high.
static int drawn(int low, int high) {
    state = state * 1664525u + 1013904223u;
    return low + (int)((state >> 8) % (unsigned)(high - low + 1));
}

/// An array of NaN with NaN around it.
static float *array(ptrdiff_t count) {
    const size_t bytes = ((size_t)(count + 2 * GUARD) * sizeof(float) + 63) / 64 * 64;
    float *whole = aligned_alloc(64, bytes);
    if (!whole) exit(3);
    for (size_t i = 0; i < bytes / sizeof(float); i++) whole[i] = NAN;
    return whole + GUARD;
}

static void discard(float *a) {
    free(a - GUARD);
}

static float *drawn_array(ptrdiff_t count) {
    float *a = array(count);
    for (ptrdiff_t i = 0; i < count; i++) a[i] = (float)drawn(-SMALL, SMALL);
    return a;
}

static void fail(const char *kernel, unsigned seed, const char *problem, ptrdiff_t place) {
    printf("%s on %s, shape of seed %u: %s %td\n", kernel, convk_isa_name(tried), seed, problem,
           place);
    failures++;
}

/// Compares, looks beyond both ends, and frees both arrays.
static void compare(const char *kernel, unsigned seed, float *a, float *expected, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        if (a[i] == expected[i]) continue;
        fail(kernel, seed, "wrong at", i);
        break;
    }
    for (ptrdiff_t i = 1; i <= GUARD; i++)
        if (!isnan(a[-i]) || !isnan(a[count + i - 1])) {
            fail(kernel, seed, "written beyond an end, elements", i);
            break;
        }
    discard(a);
    discard(expected);
}

/// How many places a window takes along an axis. In ceil mode the last one may reach past the
/// padding, as long as it starts before the image's end; an only one may be larger than all.
static ptrdiff_t places_along(ptrdiff_t extent, ptrdiff_t before, ptrdiff_t after, ptrdiff_t reach,
                              ptrdiff_t stride, bool is_ceil) {
    const ptrdiff_t room = extent + before + after - reach - 1;
    const ptrdiff_t count = (room + (is_ceil ? stride - 1 : 0)) / stride + 1;
    return is_ceil && (count - 1) * stride >= extent + before ? count - 1 : count;
}

static convk_window drawn_window(ptrdiff_t channels) {
    convk_window w = {.n = drawn(1, 3), .c = channels, .kh = drawn(1, 5), .kw = drawn(1, 5)};
    w.stride_h = drawn(1, 2), w.stride_w = drawn(1, 3);
    w.dilation_h = drawn(1, 4) == 1 ? 2 : 1, w.dilation_w = drawn(1, 4) == 1 ? 2 : 1;
    const ptrdiff_t reach_h = w.dilation_h * (w.kh - 1), reach_w = w.dilation_w * (w.kw - 1);
    w.pad_top = drawn(0, (int)reach_h / 2), w.pad_bottom = drawn(0, (int)reach_h / 2);
    w.pad_left = drawn(0, (int)reach_w / 2), w.pad_right = drawn(0, (int)reach_w / 2);
    w.h = reach_h + drawn(1, 20), w.w = reach_w + drawn(1, 20);
    const bool is_ceil = drawn(1, 3) == 1;
    if (is_ceil && w.dilation_h == 1 && w.dilation_w == 1) {
        // Now and then smaller than the window, by less than a stride.
        const ptrdiff_t least_h = reach_h - w.pad_top - w.pad_bottom + 2 - w.stride_h;
        const ptrdiff_t least_w = reach_w - w.pad_left - w.pad_right + 2 - w.stride_w;
        w.h = drawn(0, 1) ? w.h : least_h < 1 ? 1 : least_h;
        w.w = drawn(0, 1) ? w.w : least_w < 1 ? 1 : least_w;
    }
    w.oh = places_along(w.h, w.pad_top, w.pad_bottom, reach_h, w.stride_h, is_ceil);
    w.ow = places_along(w.w, w.pad_left, w.pad_right, reach_w, w.stride_w, is_ceil);
    return w;
}

/// Square filters at stride 1 with many channels and places: Winograd's algorithm.
static convk_window winograd_window(ptrdiff_t channels, ptrdiff_t taps) {
    return (convk_window){.n = 3,
                          .c = channels,
                          .h = 28,
                          .w = 27,
                          .oh = 28,
                          .ow = 27,
                          .kh = taps,
                          .kw = taps,
                          .stride_h = 1,
                          .stride_w = 1,
                          .dilation_h = 1,
                          .dilation_w = 1,
                          .pad_top = taps / 2,
                          .pad_bottom = taps / 2,
                          .pad_left = taps / 2,
                          .pad_right = taps / 2};
}

/// The pixel that a tap of a place reads, or -1 outside the image.
static ptrdiff_t pixel(const convk_window *w, ptrdiff_t i, ptrdiff_t j, ptrdiff_t u, ptrdiff_t v) {
    const ptrdiff_t y = i * w->stride_h + u * w->dilation_h - w->pad_top;
    const ptrdiff_t x = j * w->stride_w + v * w->dilation_w - w->pad_left;
    return y < 0 || y >= w->h || x < 0 || x >= w->w ? -1 : y * w->w + x;
}

static void try_columns(unsigned seed, convk_execution run) {
    const convk_window w = drawn_window(drawn(1, 9));
    const ptrdiff_t patch = w.c * w.kh * w.kw, pixels = w.n * w.c * w.h * w.w;
    const ptrdiff_t count = w.n * w.oh * w.ow * patch;
    float *x = drawn_array(pixels), *given = drawn_array(count);
    float *columns = array(count), *images = array(pixels);
    float *expected = array(count), *sums = array(pixels);
    memset(sums, 0, (size_t)pixels * sizeof(float));
    for (ptrdiff_t row = 0; row < w.n * w.oh * w.ow; row++) {
        const ptrdiff_t n = row / (w.oh * w.ow), i = row / w.ow % w.oh, j = row % w.ow;
        for (ptrdiff_t tap = 0; tap < patch; tap++) {
            const ptrdiff_t c = tap / (w.kh * w.kw);
            const ptrdiff_t p = pixel(&w, i, j, tap / w.kw % w.kh, tap % w.kw);
            const ptrdiff_t at = (n * w.c + c) * w.h * w.w + p;
            expected[row * patch + tap] = p < 0 ? 0 : x[at];
            if (p >= 0) sums[at] += given[row * patch + tap];
        }
    }
    convk_im2col(columns, x, &w, run);
    convk_col2im(images, given, &w, run);
    compare("convk_im2col", seed, columns, expected, count);
    compare("convk_col2im", seed, images, sums, pixels);
    discard(x), discard(given);
}

static void try_product(unsigned seed, convk_execution run) {
    const ptrdiff_t m = drawn(1, 70), n = drawn(1, 70), k = drawn(1, 200);
    const bool a_turned = drawn(0, 1), b_turned = drawn(0, 1), relu = drawn(0, 1);
    float *a = drawn_array(m * k), *b = drawn_array(k * n), *bias = drawn_array(n);
    const convk_matrix left = {a, a_turned ? 1 : k, a_turned ? m : 1};
    const convk_matrix right = {b, b_turned ? 1 : n, b_turned ? k : 1};
    float *c = array(m * n), *product = array(m * n), *y = array(m * n), *affine = array(m * n);
    for (ptrdiff_t i = 0; i < m * n; i++) {
        float sum = 0, plain = bias[i % n];
        for (ptrdiff_t p = 0; p < k; p++) {
            const ptrdiff_t at_a = i / n * left.row_stride + p * left.column_stride;
            sum += a[at_a] * b[p * right.row_stride + i % n * right.column_stride];
            plain += a[i / n * k + p] * b[p * n + i % n];
        }
        c[i] = (float)drawn(-SMALL, SMALL);
        product[i] = 2 * sum - c[i];
        affine[i] = relu && plain < 0 ? 0 : plain;
    }
    float *workspace = array(convk_sgemm_workspace(m, n, k, left, right, run));
    convk_sgemm(c, n, left, right, m, n, k, 2, -1, workspace, run);
    discard(workspace);
    workspace = array(convk_affine_workspace(m, n, k, run));
    convk_affine(y, a, b, bias, relu, m, n, k, workspace, run);
    discard(workspace);
    compare("convk_sgemm", seed, c, product, m * n);
    compare("convk_affine", seed, y, affine, m * n);
    discard(a), discard(b), discard(bias);
}

/// Products with alpha 0 or no summands, of operands full of NaN: beta * C is left, and of C
/// nothing with beta 0, whatever it holds.
static void try_empty_product(unsigned seed, convk_execution run) {
    const ptrdiff_t m = seed % 3 ? drawn(0, 70) : 1, n = drawn(0, 300);
    const ptrdiff_t k = drawn(0, 2) ? 0 : drawn(1, 900);
    const bool b_turned = drawn(0, 1);
    const float alpha = k ? 0 : 1, beta = (float)drawn(-1, 1);
    float *a = array(m * k), *b = array(k * n), *c = array(m * n), *expected = array(m * n);
    for (ptrdiff_t i = 0; i < m * n; i++) {
        if (beta != 0) c[i] = (float)drawn(-SMALL, SMALL);
        expected[i] = beta == 0 ? 0 : beta * c[i];
    }
    const convk_matrix left = {a, k, 1}, right = {b, b_turned ? 1 : n, b_turned ? k : 1};
    float *workspace = array(convk_sgemm_workspace(m, n, k, left, right, run));
    convk_sgemm(c, n, left, right, m, n, k, alpha, beta, workspace, run);
    compare("convk_sgemm without summands", seed, c, expected, m * n);
    discard(workspace), discard(a), discard(b);
}

static void try_convolution(unsigned seed, bool is_winograd, convk_execution run) {
    const ptrdiff_t groups = !is_winograd && drawn(1, 3) == 1 ? 2 : 1;
    const ptrdiff_t channels = is_winograd ? 48 : groups * drawn(1, 9);
    const ptrdiff_t filters = is_winograd ? 50 : groups * drawn(1, 20);
    const convk_window w =
        is_winograd ? winograd_window(channels, seed % 2 ? 3 : 5) : drawn_window(channels);
    const convk_conv2d conv = {.window = w, .filters = filters, .groups = groups};
    const ptrdiff_t of_group = channels / groups, taps = w.kh * w.kw, places = w.oh * w.ow;
    const ptrdiff_t inputs = w.n * channels * w.h * w.w, outputs = w.n * filters * places;
    const ptrdiff_t weight_count = filters * of_group * taps;
    float *x = drawn_array(inputs), *weights = drawn_array(weight_count);
    float *dy = drawn_array(outputs), *bias = drawn_array(filters);
    float *y = array(outputs), *dx = array(inputs), *dw = array(weight_count);
    float *y0 = array(outputs), *dx0 = array(inputs), *dw0 = array(weight_count);
    memset(dx0, 0, (size_t)inputs * sizeof(float));
    memset(dw0, 0, (size_t)weight_count * sizeof(float));
    for (ptrdiff_t o = 0; o < outputs; o++) {
        const ptrdiff_t n = o / (filters * places), f = o / places % filters;
        const ptrdiff_t i = o / w.ow % w.oh, j = o % w.ow,
                        first = f / (filters / groups) * of_group;
        float sum = bias[f];
        for (ptrdiff_t c = 0; c < of_group; c++) {
            for (ptrdiff_t tap = 0; tap < taps; tap++) {
                const ptrdiff_t p = pixel(&w, i, j, tap / w.kw, tap % w.kw);
                if (p < 0) continue;
                const ptrdiff_t at = (n * channels + first + c) * w.h * w.w + p;
                const ptrdiff_t weight = (f * of_group + c) * taps + tap;
                sum += x[at] * weights[weight];
                dx0[at] += dy[o] * weights[weight];
                dw0[weight] += dy[o] * x[at];
            }
        }
        y0[o] = sum;
    }
    convk_conv2d_plan plan = convk_conv2d_plan_make(&conv, CONVK_FORWARD, run);
    float *workspace = array(plan.workspace_floats);
    float *z = array(outputs), *z0 = array(outputs);
    convk_epilogue epilogue = {.bias = bias};
    convk_conv2d_forward(y, x, weights, NULL, &epilogue, &plan, workspace);
    float *mean = drawn_array(filters), *scale = drawn_array(filters);
    const convk_activation relu = {.kind = CONVK_ACTIVATION_relu};
    epilogue = (convk_epilogue){bias, mean, scale, bias, dy, &relu};
    convk_conv2d_forward(z, x, weights, NULL, &epilogue, &plan, workspace);
    for (ptrdiff_t o = 0; o < outputs; o++) {
        const ptrdiff_t f = o / places % filters;
        const float sum = (y0[o] - mean[f]) * scale[f] + bias[f] + dy[o];
        z0[o] = sum > 0 ? sum : 0;
    }
    discard(mean), discard(scale);
    discard(workspace);
    plan = convk_conv2d_plan_make(&conv, CONVK_BACKWARD_DATA, run);
    workspace = array(plan.workspace_floats);
    convk_conv2d_backward_data(dx, dy, weights, &plan, workspace);
    discard(workspace);
    plan = convk_conv2d_plan_make(&conv, CONVK_BACKWARD_WEIGHTS, run);
    workspace = array(plan.workspace_floats);
    convk_conv2d_backward_weights(dw, dy, x, &plan, workspace);
    discard(workspace);
    compare("convk_conv2d_forward", seed, y, y0, outputs);
    compare("convk_conv2d_forward with an epilogue", seed, z, z0, outputs);
    compare("convk_conv2d_backward_data", seed, dx, dx0, inputs);
    compare("convk_conv2d_backward_weights", seed, dw, dw0, weight_count);
    discard(x), discard(weights), discard(dy), discard(bias);
}

/// A 1 x 1 convolution and a depthwise one at once, against one after the other.
static void try_expansion(unsigned seed, convk_execution run) {
    const ptrdiff_t n = drawn(1, 2), c = drawn(1, 9), m = drawn(1, 40), size = 2 * drawn(1, 2) + 1;
    const ptrdiff_t h = drawn(5, 20), w = drawn(5, 20), stride = drawn(1, 2), pad = drawn(0, 2);
    convk_window first = {.n = n, .c = c, .h = h, .w = w, .oh = h, .ow = w, .kh = 1, .kw = 1};
    first.stride_h = first.stride_w = first.dilation_h = first.dilation_w = 1;
    convk_window second = {.n = n, .c = m, .h = h, .w = w, .kh = size, .kw = size};
    second.stride_h = second.stride_w = stride, second.dilation_h = second.dilation_w = 1;
    second.pad_top = second.pad_bottom = second.pad_left = second.pad_right = pad;
    second.oh = (h + 2 * pad - size) / stride + 1, second.ow = (w + 2 * pad - size) / stride + 1;
    const convk_conv2d expand = {.window = first, .filters = m, .groups = 1};
    const convk_conv2d depthwise = {.window = second, .filters = m, .groups = m};
    if (!convk_conv2d_expanded_pays(&expand, &depthwise, run)) return;
    const ptrdiff_t outputs = n * m * second.oh * second.ow;
    float *x = drawn_array(n * c * h * w), *between = array(n * m * h * w);
    float *weights = drawn_array(m * c), *filters = drawn_array(m * size * size);
    float *bias = drawn_array(m), *y = array(outputs), *y0 = array(outputs);
    const convk_activation relu = {.kind = CONVK_ACTIVATION_relu};
    const convk_epilogue epilogue = {.bias = bias, .activation = &relu};
    convk_conv2d_plan plan = convk_conv2d_plan_make(&expand, CONVK_FORWARD, run);
    float *workspace = array(plan.workspace_floats);
    convk_conv2d_forward(between, x, weights, NULL, &epilogue, &plan, workspace);
    discard(workspace);
    plan = convk_conv2d_plan_make(&depthwise, CONVK_FORWARD, run);
    workspace = array(plan.workspace_floats);
    convk_conv2d_forward(y0, between, filters, NULL, &epilogue, &plan, workspace);
    discard(workspace);
    workspace = array(convk_conv2d_expanded_workspace(&expand, &depthwise, run));
    convk_conv2d_expanded(y, x, weights, NULL, &epilogue, filters, &epilogue, &expand, &depthwise,
                          workspace, run);
    compare("convk_conv2d_expanded", seed, y, y0, outputs);
    discard(workspace), discard(x), discard(between), discard(weights), discard(filters);
    discard(bias);
}

static void try_pooling(unsigned seed, convk_execution run) {
    const convk_window w = drawn_window(drawn(1, 6));
    const ptrdiff_t planes = w.n * w.c, plane = w.h * w.w, places = w.oh * w.ow;
    float *x = drawn_array(planes * plane), *dy = drawn_array(planes * places);
    float *y = array(planes * places), *dx = array(planes * plane);
    float *y0 = array(planes * places), *dx0 = array(planes * plane);
    int32_t *argmax = malloc((size_t)(planes * places) * sizeof *argmax);
    if (!argmax) exit(3);
    memset(dx0, 0, (size_t)(planes * plane) * sizeof(float));
    for (ptrdiff_t o = 0; o < planes * places; o++) {
        const ptrdiff_t base = o / places * plane;
        ptrdiff_t best = -1;
        for (ptrdiff_t tap = 0; tap < w.kh * w.kw; tap++) {
            const ptrdiff_t p = pixel(&w, o / w.ow % w.oh, o % w.ow, tap / w.kw, tap % w.kw);
            if (p >= 0 && (best < 0 || x[base + p] > x[base + best])) best = p;
        }
        y0[o] = x[base + best];
        dx0[base + best] += dy[o];
    }
    convk_pool_max(y, argmax, x, &w, run);
    convk_pool_max_backward(dx, dy, argmax, planes, plane, places, run);
    compare("convk_pool_max", seed, y, y0, planes * places);
    compare("convk_pool_max_backward", seed, dx, dx0, planes * plane);
    discard(x), discard(dy), free(argmax);
}

static void try_elementwise(unsigned seed, convk_execution run) {
    const ptrdiff_t n = drawn(1, 4), channels = drawn(1, 9), plane = drawn(1, 99);
    const ptrdiff_t count = n * channels * plane;
    float *x = drawn_array(count), *bias = drawn_array(channels);
    float *rectified = array(count), *r0 = array(count), *moved = array(count), *m0 = array(count);
    float *sums = array(channels), *s0 = array(channels), *p = drawn_array(count);
    float *p0 = array(count);
    memset(s0, 0, (size_t)channels * sizeof(float));
    for (ptrdiff_t i = 0; i < count; i++) {
        r0[i] = x[i] > 0 ? x[i] : 0;
        moved[i] = x[i];
        m0[i] = x[i] + bias[i / plane % channels];
        s0[i / plane % channels] += x[i];
        p0[i] = p[i] - 0.5f * x[i];
    }
    const convk_activation relu = {.kind = CONVK_ACTIVATION_relu};
    convk_activation_forward(rectified, x, count, relu, run);
    convk_bias_add(moved, bias, n, channels, plane, run);
    convk_bias_backward(sums, x, n, channels, plane, run);
    const convk_gradient_adjustment none = {.factor = 1, .limit = INFINITY, .weight_decay = 0};
    convk_update_sgd(p, x, count, 0.5f, &none, run);
    compare("convk_activation_forward", seed, rectified, r0, count);
    compare("convk_bias_add", seed, moved, m0, count);
    compare("convk_bias_backward", seed, sums, s0, channels);
    compare("convk_update_sgd", seed, p, p0, count);
    discard(x), discard(bias);
}

/// Axes turned around, one of them backwards, into an array with gaps.
static void try_copy(unsigned seed, convk_execution run) {
    const ptrdiff_t a = drawn(1, 5), b = drawn(1, 90), c = drawn(1, 90), gap = drawn(0, 3);
    const ptrdiff_t count = a * b * c, held = a * c * (b + gap);
    float *x = drawn_array(count), *y = array(held), *y0 = array(held);
    for (ptrdiff_t i = 0; i < held; i++) y[i] = y0[i] = 7;
    // y[i, k, b - 1 - j] = x[i, j, k]
    for (ptrdiff_t i = 0; i < a; i++)
        for (ptrdiff_t j = 0; j < b; j++)
            for (ptrdiff_t k = 0; k < c; k++)
                y0[(i * c + k) * (b + gap) + b - 1 - j] = x[(i * b + j) * c + k];
    const convk_copy_axis axes[] = {{a, b * c, c * (b + gap)}, {b, c, -1}, {c, 1, b + gap}};
    convk_strided_copy(y + b - 1, x, axes, 3, run);
    compare("convk_strided_copy", seed, y, y0, held);
    discard(x);
}

/// A map with up to four taps per number, on the heap.
static convk_resampling drawn_map(ptrdiff_t in, ptrdiff_t out) {
    ptrdiff_t *first = malloc((size_t)(out + 1) * sizeof *first);
    int32_t *place = malloc((size_t)out * 4 * sizeof *place);
    float *weight = malloc((size_t)out * 4 * sizeof *weight);
    if (!first || !place || !weight) exit(3);
    const ptrdiff_t each = drawn(0, 4);
    first[0] = 0;
    for (ptrdiff_t i = 0; i < out; i++) {
        first[i + 1] = first[i] + (each > 0 ? each : drawn(0, 4));
        for (ptrdiff_t t = first[i]; t < first[i + 1]; t++) {
            place[t] = drawn(0, (int)in - 1);
            weight[t] = (float)drawn(-SMALL, SMALL);
        }
    }
    return (convk_resampling){in, out, each, first, place, weight};
}

static void discard_map(convk_resampling map) {
    free((void *)map.first), free((void *)map.place), free((void *)map.weight);
}

static void try_resample(unsigned seed, convk_execution run) {
    const ptrdiff_t planes = drawn(1, 4);
    const convk_resampling rows = drawn_map(drawn(1, 20), drawn(1, 20));
    const convk_resampling columns = drawn_map(drawn(1, 70), drawn(1, 70));
    const ptrdiff_t count = planes * rows.out * columns.out;
    float *x = drawn_array(planes * rows.in * columns.in), *y = array(count), *y0 = array(count);
    for (ptrdiff_t o = 0; o < count; o++) {
        const ptrdiff_t i = o / columns.out % rows.out, j = o % columns.out;
        const float *plane = x + o / columns.out / rows.out * rows.in * columns.in;
        y0[o] = 0;
        for (ptrdiff_t u = rows.first[i]; u < rows.first[i + 1]; u++)
            for (ptrdiff_t v = columns.first[j]; v < columns.first[j + 1]; v++)
                y0[o] += rows.weight[u] * columns.weight[v] *
                         plane[rows.place[u] * columns.in + columns.place[v]];
    }
    float *workspace = array(convk_resample_workspace(&columns, run));
    convk_resample(y, x, planes, &rows, &columns, workspace, run);
    compare("convk_resample", seed, y, y0, count);
    discard(workspace), discard(x), discard_map(rows), discard_map(columns);
}

/// Every kernel on one instruction set: so many shapes of each.
static void try_set(convk_isa isa, unsigned shapes) {
    tried = isa;
    for (unsigned seed = 1; seed <= shapes; seed++) {
        state = seed;
        const convk_execution run = {.isa = isa, .threads = drawn(1, 2), .winograd = true};
        try_columns(seed, run);
        try_product(seed, run);
        try_empty_product(seed, run);
        try_convolution(seed, false, run);
        try_expansion(seed, run);
        try_pooling(seed, run);
        try_elementwise(seed, run);
        try_copy(seed, run);
        try_resample(seed, run);
        if (seed <= 2) try_convolution(seed, true, run);
    }
}

/// kernels [SHAPES [EXPECTED]]: fails where the best instruction set here is not the expected one.
int main(int argc, char **argv) {
    const unsigned shapes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 40;
    const char *best = convk_isa_name(convk_best_isa());
    if (argc > 2 && strcmp(best, argv[2]) != 0) {
        printf("the best instruction set here is %s, expected %s\n", best, argv[2]);
        return 1;
    }
    const convk_isa sets[] = {CONVK_ISA_PORTABLE, CONVK_ISA_NEON, CONVK_ISA_AVX2, CONVK_ISA_AVX512};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (!convk_isa_supported(sets[i])) continue;
        const int before = failures;
        try_set(sets[i], shapes);
        printf("%s: %u shapes of each kernel, %d wrong\n", convk_isa_name(sets[i]), shapes,
               failures - before);
    }
    return failures ? 1 : 0;
}
