// SPDX-License-Identifier: MIT
//
// The forward convolution: the filters are packed as they lie, then multiplied with the patches.
#include "conv2d_product.h"

static convk_conv2d_product product_for(const convk_conv2d *conv, convk_execution execution) {
    convk_window window = conv->window;
    window.c /= conv->groups;
    return convk_conv2d_product_make(&window, conv->groups, conv->filters / conv->groups,
                                     execution);
}

ptrdiff_t convk_conv2d_forward_workspace(const convk_conv2d *conv, convk_execution execution) {
    const convk_conv2d_product product = product_for(conv, execution);
    return convk_conv2d_product_weights_size(&product) +
           convk_conv2d_product_workspace(&product, execution.threads);
}

void convk_conv2d_forward(float *restrict y, const float *restrict x, const float *restrict weights,
                          const float *restrict bias, const convk_conv2d *conv,
                          float *restrict workspace, convk_execution execution) {
    const convk_conv2d_product p = product_for(conv, execution);
    const ptrdiff_t panels = convk_ceil_div(p.m, p.panel);
    float *packed = workspace;
    float *blocks = workspace + convk_conv2d_product_weights_size(&p);
    const int threads = convk_conv2d_threads(conv, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
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
