// SPDX-License-Identifier: MIT
//
// Batch normalization; Ioffe and Szegedy, "Batch normalization: accelerating deep network training
// by reducing internal covariate shift", 2015. Threads share the channels; what a channel's planes
// hold is summed in order, and read again from the cache.
#include "kernels/kernels.h"

#include <math.h>

enum { STRIP = 256 };

/// Copies a strip of one channel's numbers from samples with one number per channel.
static void gather(float *to, const float *x, ptrdiff_t begin, ptrdiff_t count,
                   ptrdiff_t channels) {
    for (ptrdiff_t i = 0; i < count; i++) to[i] = x[(begin + i) * channels];
}

static void scatter(float *x, const float *from, ptrdiff_t begin, ptrdiff_t count,
                    ptrdiff_t channels) {
    for (ptrdiff_t i = 0; i < count; i++) x[(begin + i) * channels] = from[i];
}

/// sums += those of x - mean and of its square, over one channel.
static void deviations(const float *x, double mean, const convk_batch_norm *n, double sums[2],
                       const convk_leaves *leaves) {
    float strip[STRIP];
    if (n->plane > 1) {
        const ptrdiff_t step = n->channels * n->plane;
        for (ptrdiff_t i = 0; i < n->n; i++)
            leaves->norm_deviations(x + i * step, mean, n->plane, i + 1 < n->n ? step : 0, sums);
        return;
    }
    for (ptrdiff_t i = 0; i < n->n; i += STRIP) {
        const ptrdiff_t count = convk_min(STRIP, n->n - i);
        gather(strip, x, i, count, n->channels);
        leaves->norm_deviations(strip, mean, count, 0, sums);
    }
}

/// sums += those of dy and of dy (x - mean), over one channel.
static void products(const float *dy, const float *x, double mean, const convk_batch_norm *n,
                     double sums[2], const convk_leaves *leaves) {
    float strip[STRIP], strip_dy[STRIP];
    if (n->plane > 1) {
        const ptrdiff_t step = n->channels * n->plane;
        for (ptrdiff_t i = 0; i < n->n; i++)
            leaves->norm_products(dy + i * step, x + i * step, mean, n->plane,
                                  i + 1 < n->n ? step : 0, sums);
        return;
    }
    for (ptrdiff_t i = 0; i < n->n; i += STRIP) {
        const ptrdiff_t count = convk_min(STRIP, n->n - i);
        gather(strip, x, i, count, n->channels);
        gather(strip_dy, dy, i, count, n->channels);
        leaves->norm_products(strip_dy, strip, mean, count, 0, sums);
    }
}

static void apply(float *y, const float *x, convk_norm_channel c, const convk_batch_norm *n,
                  const convk_leaves *leaves) {
    float strip[STRIP];
    if (n->plane > 1) {
        for (ptrdiff_t i = 0; i < n->n; i++) {
            const ptrdiff_t place = i * n->channels * n->plane;
            leaves->norm_apply(y + place, x + place, n->plane, c);
        }
        return;
    }
    for (ptrdiff_t i = 0; i < n->n; i += STRIP) {
        const ptrdiff_t count = convk_min(STRIP, n->n - i);
        gather(strip, x, i, count, n->channels);
        leaves->norm_apply(strip, strip, count, c);
        scatter(y, strip, i, count, n->channels);
    }
}

static int threads_for(const convk_batch_norm *n, convk_execution execution) {
    return convk_threads_for(n->n * n->channels * n->plane, execution);
}

static double inverse_deviation(float variance, const convk_batch_norm *n) {
    return 1 / sqrt((double)variance + n->epsilon);
}

void convk_batch_norm_statistics(float *restrict mean, float *restrict variance,
                                 const float *restrict x, const convk_batch_norm *norm,
                                 convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = threads_for(norm, execution);
    const double count = (double)(norm->n * norm->plane);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (c, norm->channels) {
            const float *x_c = x + c * norm->plane;
            double sums[2] = {0}, again[2] = {0};
            deviations(x_c, 0, norm, sums, leaves);
            const double center = sums[0] / count;
            deviations(x_c, center, norm, again, leaves);
            mean[c] = (float)center;
            variance[c] = (float)(again[1] / count);
        }
    }
}

void convk_batch_norm_apply(float *restrict y, const float *restrict x, const float *restrict mean,
                            const float *restrict variance, const float *restrict gamma,
                            const float *restrict beta, const convk_batch_norm *norm,
                            convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = threads_for(norm, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (c, norm->channels) {
            const convk_norm_channel channel = {
                .mean = mean[c],
                .scale = (float)(gamma[c] * inverse_deviation(variance[c], norm)),
                .shift = beta[c],
            };
            apply(y + c * norm->plane, x + c * norm->plane, channel, norm, leaves);
        }
    }
}

/// dx of one channel.
static void spread(float *restrict dx, const float *restrict dy, const float *restrict x,
                   convk_norm_channel c, const convk_batch_norm *n, const convk_leaves *leaves) {
    if (n->plane > 1) {
        for (ptrdiff_t i = 0; i < n->n; i++) {
            const ptrdiff_t place = i * n->channels * n->plane;
            leaves->norm_backward(dx + place, dy + place, x + place, n->plane, c);
        }
        return;
    }
    float strip[STRIP], strip_dy[STRIP], strip_dx[STRIP];
    for (ptrdiff_t i = 0; i < n->n; i += STRIP) {
        const ptrdiff_t count = convk_min(STRIP, n->n - i);
        gather(strip, x, i, count, n->channels);
        gather(strip_dy, dy, i, count, n->channels);
        leaves->norm_backward(strip_dx, strip_dy, strip, count, c);
        scatter(dx, strip_dx, i, count, n->channels);
    }
}

void convk_batch_norm_backward(float *restrict dx, float *restrict dgamma, float *restrict dbeta,
                               const float *restrict dy, const float *restrict x,
                               const float *restrict mean, const float *restrict variance,
                               const float *restrict gamma, const convk_batch_norm *norm,
                               convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = threads_for(norm, execution);
    const double count = (double)(norm->n * norm->plane);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (c, norm->channels) {
            const ptrdiff_t place = c * norm->plane;
            const double inverse = inverse_deviation(variance[c], norm);
            double sums[2] = {0};
            products(dy + place, x + place, mean[c], norm, sums, leaves);
            dbeta[c] = (float)sums[0];
            dgamma[c] = (float)(sums[1] * inverse);
            const convk_norm_channel channel = {
                .mean = mean[c],
                .scale = (float)(gamma[c] * inverse),
                .shift = (float)(sums[0] / count),
                .slope = (float)(sums[1] / count * inverse * inverse),
            };
            spread(dx + place, dy + place, x + place, channel, norm, leaves);
        }
    }
}
