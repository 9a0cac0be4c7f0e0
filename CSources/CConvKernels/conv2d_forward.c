// SPDX-License-Identifier: MIT
//
// The forward convolution, in the first of four ways that suits the shape: Winograd's, by rows,
// directly, or as a product with patches. Each packs the filters, and then goes through the images.
#include "conv2d_direct.h"
#include "conv2d_product.h"
#include "conv2d_rows.h"
#include "conv2d_winograd.h"

/// The execution with as many threads as the convolution is worth: what one thread does alone is
/// not cut into bands for others.
static convk_execution worthwhile(const convk_conv2d *conv, convk_execution execution) {
    execution.threads = convk_conv2d_threads(conv, execution);
    return execution;
}

ptrdiff_t convk_conv2d_forward_workspace(const convk_conv2d *conv, convk_execution execution) {
    execution = worthwhile(conv, execution);
    const convk_window window = convk_window_of_group(conv);
    const ptrdiff_t rows = conv->filters / conv->groups;
    if (convk_conv2d_winograd_pays(&window, rows, execution)) {
        const convk_conv2d_winograd p =
            convk_conv2d_winograd_make(&window, conv->groups, rows, execution);
        return convk_conv2d_winograd_filters_size(&p) +
               convk_conv2d_winograd_workspace(&p, execution.threads);
    }
    if (convk_conv2d_rows_pays(&window, rows, execution)) {
        const convk_conv2d_rows p = convk_conv2d_rows_make(&window, conv->groups, rows, execution);
        return convk_conv2d_rows_filters_size(&p) +
               convk_conv2d_rows_workspace(&p, execution.threads);
    }
    if (convk_conv2d_direct_pays(&window)) {
        const convk_conv2d_direct p =
            convk_conv2d_direct_make(&window, conv->groups, rows, execution);
        return convk_conv2d_direct_filters_size(&p) +
               convk_conv2d_direct_workspace(&p, execution.threads);
    }
    const convk_conv2d_product p =
        convk_conv2d_product_make(&window, conv->groups, rows, execution);
    return convk_conv2d_product_weights_size(&p) +
           convk_conv2d_product_workspace(&p, execution.threads);
}

static void run_winograd(float *restrict y, const float *restrict x, const float *restrict weights,
                         const float *restrict bias, const convk_conv2d *conv,
                         float *restrict workspace, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv);
    const convk_conv2d_winograd p =
        convk_conv2d_winograd_make(&window, conv->groups, conv->filters / conv->groups, execution);
    const ptrdiff_t k = window.c * window.kh * window.kw;
    float *filters = workspace;
    float *blocks = workspace + convk_conv2d_winograd_filters_size(&p);
#pragma omp parallel num_threads(execution.threads) if (execution.threads > 1)
    {
        float *packed = convk_conv2d_winograd_scratch(&p, blocks);
        // Each panel is written by one thread; the barrier at the loop's end waits for all.
#pragma omp for schedule(static)
        for (ptrdiff_t index = 0; index < p.groups * p.row_panels; index++) {
            const ptrdiff_t row = index % p.row_panels * p.panel;
            const convk_matrix a = {weights + (index / p.row_panels * p.rows + row) * k, k, 1};
            convk_pack_a(p.entry, packed, a, convk_min(p.panel, p.rows - row), k, p.panel);
            convk_conv2d_winograd_transform(&p, filters, index, packed);
        }
        convk_conv2d_winograd_run(&p, y, x, filters, bias, blocks);
    }
}

static void run_by_rows(float *restrict y, const float *restrict x, const float *restrict weights,
                        const float *restrict bias, const convk_conv2d *conv,
                        float *restrict workspace, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv);
    const convk_conv2d_rows p =
        convk_conv2d_rows_make(&window, conv->groups, conv->filters / conv->groups, execution);
    float *filters = workspace;
    float *bands = workspace + convk_conv2d_rows_filters_size(&p);
#pragma omp parallel num_threads(execution.threads) if (execution.threads > 1)
    {
        convk_conv2d_rows_pack(&p, filters, weights);
        convk_conv2d_rows_run(&p, y, x, filters, bias, bands);
    }
}

static void run_direct(float *restrict y, const float *restrict x, const float *restrict weights,
                       const float *restrict bias, const convk_conv2d *conv,
                       float *restrict workspace, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv);
    const convk_conv2d_direct p =
        convk_conv2d_direct_make(&window, conv->groups, conv->filters / conv->groups, execution);
    float *filters = workspace;
    float *bands = workspace + convk_conv2d_direct_filters_size(&p);
#pragma omp parallel num_threads(execution.threads) if (execution.threads > 1)
    {
        convk_conv2d_direct_pack(&p, filters, weights);
        convk_conv2d_direct_run(&p, y, x, filters, bias, bands);
    }
}

static void run_product(float *restrict y, const float *restrict x, const float *restrict weights,
                        const float *restrict bias, const convk_conv2d *conv,
                        float *restrict workspace, convk_execution execution) {
    const convk_window window = convk_window_of_group(conv);
    const convk_conv2d_product p =
        convk_conv2d_product_make(&window, conv->groups, conv->filters / conv->groups, execution);
    const ptrdiff_t panels = convk_ceil_div(p.m, p.panel);
    float *packed = workspace;
    float *blocks = workspace + convk_conv2d_product_weights_size(&p);
#pragma omp parallel num_threads(execution.threads) if (execution.threads > 1)
    {
        // Each panel is written by one thread; the barrier at the loop's end waits for all.
#pragma omp for schedule(static)
        for (ptrdiff_t index = 0; index < p.groups * panels; index++) {
            const ptrdiff_t row = index % panels * p.panel;
            const convk_matrix a = {weights + (index / panels * p.m + row) * p.k, p.k, 1};
            convk_pack_a(p.entry, packed + index * p.panel * p.k, a, convk_min(p.panel, p.m - row),
                         p.k, p.panel);
        }
        convk_conv2d_product_run(&p, y, x, packed, bias, blocks);
    }
}

void convk_conv2d_forward(float *restrict y, const float *restrict x, const float *restrict weights,
                          const float *restrict bias, const convk_conv2d *conv,
                          float *restrict workspace, convk_execution execution) {
    execution = worthwhile(conv, execution);
    const convk_window window = convk_window_of_group(conv);
    if (convk_conv2d_winograd_pays(&window, conv->filters / conv->groups, execution))
        return run_winograd(y, x, weights, bias, conv, workspace, execution);
    if (convk_conv2d_rows_pays(&window, conv->filters / conv->groups, execution))
        return run_by_rows(y, x, weights, bias, conv, workspace, execution);
    if (convk_conv2d_direct_pays(&window))
        return run_direct(y, x, weights, bias, conv, workspace, execution);
    run_product(y, x, weights, bias, conv, workspace, execution);
}
