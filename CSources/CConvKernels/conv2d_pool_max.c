// SPDX-License-Identifier: MIT
//
// A convolution and the max pooling right behind it, an image at a time: what the convolution puts
// out stays in the cache, and never goes to memory.
#include "convk_base.h"

enum { SMALLEST_BATCH = 8, LARGEST_OUTPUT = 1 << 17 };

static convk_conv2d of_one_image(const convk_conv2d *conv) {
    convk_conv2d one = *conv;
    one.window.n = 1;
    return one;
}

/// One thread and the direct way, whose sums do not depend on how many images there are.
static convk_execution on_one_thread(convk_execution execution) {
    execution.threads = 1;
    execution.winograd = false;
    return execution;
}

/// The floats of one image's convolution.
static ptrdiff_t output_size(const convk_conv2d *conv) {
    return convk_round_up(conv->filters * conv->window.oh * conv->window.ow, 16);
}

static ptrdiff_t thread_size(const convk_conv2d *conv, convk_execution execution) {
    const convk_conv2d one = of_one_image(conv);
    const ptrdiff_t workspace = convk_conv2d_forward_workspace(&one, on_one_thread(execution));
    return output_size(conv) + convk_round_up(workspace, 16);
}

bool convk_conv2d_pool_max_pays(const convk_conv2d *conv, convk_execution execution) {
    // Filters are packed again for each image, so there must be few of them beside the pixels;
    // where Winograd's way is open, it gains more than the memory's time.
    const convk_window *w = &conv->window;
    const ptrdiff_t pixels = w->oh * w->ow;
    const bool has_winograd =
        execution.winograd && (w->c / conv->groups) >= 48 && conv->filters / conv->groups >= 48;
    return w->n >= SMALLEST_BATCH && output_size(conv) <= LARGEST_OUTPUT && pixels >= 64 &&
           !has_winograd;
}

ptrdiff_t convk_conv2d_pool_max_workspace(const convk_conv2d *conv, convk_execution execution) {
    return execution.threads * thread_size(conv, execution);
}

void convk_conv2d_pool_max(float *restrict y, int32_t *restrict argmax, const float *restrict x,
                           const float *restrict weights, const float *restrict bias,
                           const convk_conv2d *conv, const convk_window *pooling,
                           float *restrict workspace, convk_execution execution) {
    const convk_conv2d one = of_one_image(conv);
    const convk_execution alone = on_one_thread(execution);
    convk_window pool = *pooling;
    pool.n = 1;
    const ptrdiff_t image = conv->window.c * conv->window.h * conv->window.w;
    const ptrdiff_t pooled = pool.c * pool.oh * pool.ow;
    // Each image is written by one thread.
#pragma omp parallel num_threads(execution.threads) if (execution.threads > 1)
    {
        float *output = workspace + omp_get_thread_num() * thread_size(conv, execution);
#pragma omp for schedule(static)
        for (ptrdiff_t n = 0; n < conv->window.n; n++) {
            convk_conv2d_forward(output, x + n * image, weights, bias, &one,
                                 output + output_size(conv), alone);
            convk_pool_max(y + n * pooled, argmax ? argmax + n * pooled : NULL, output, &pool,
                           alone);
        }
    }
}
