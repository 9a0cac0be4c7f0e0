// SPDX-License-Identifier: MIT
//
// Softmax, and the cross-entropy behind it with its gradient. Threads share the rows; the rows'
// losses are added up in order by one thread.
#include "convk_leaves.h"

#include <math.h>

/// y = exp(x - largest) for one row; returns their sum, and the largest by its pointer.
static double exponentials(float *y, const float *x, ptrdiff_t classes, float *largest,
                           const convk_leaves *leaves) {
    *largest = leaves->largest(x, classes);
    return leaves->exponentials(y, x, *largest, classes);
}

void convk_softmax(float *y, const float *x, ptrdiff_t rows, ptrdiff_t classes,
                   convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(rows * classes, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t n = 0; n < rows; n++) {
            float *y_n = y + n * classes;
            float largest;
            const double sum = exponentials(y_n, x + n * classes, classes, &largest, leaves);
            for (ptrdiff_t k = 0; k < classes; k++) y_n[k] = (float)(y_n[k] / sum);
        }
    }
}

void convk_softmax_backward(float *restrict dx, const float *restrict dy, const float *restrict y,
                            ptrdiff_t rows, ptrdiff_t classes, convk_execution execution) {
    const int threads = convk_threads_for(rows * classes, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t n = 0; n < rows; n++) {
            const float *dy_n = dy + n * classes, *y_n = y + n * classes;
            double sum = 0;
            for (ptrdiff_t k = 0; k < classes; k++) sum += (double)dy_n[k] * y_n[k];
            for (ptrdiff_t k = 0; k < classes; k++)
                dx[n * classes + k] = (float)(y_n[k] * (dy_n[k] - sum));
        }
    }
}

static double mean_in_order(const double *row_losses, ptrdiff_t rows) {
    double total = 0;
    for (ptrdiff_t n = 0; n < rows; n++) total += row_losses[n];
    return total / (double)rows;
}

double convk_softmax_cross_entropy_labels(float *restrict gradient, double *restrict row_losses,
                                          const float *restrict logits,
                                          const ptrdiff_t *restrict labels, ptrdiff_t rows,
                                          ptrdiff_t classes, convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(rows * classes, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t n = 0; n < rows; n++) {
            const float *logits_n = logits + n * classes;
            float *gradient_n = gradient + n * classes;
            float largest;
            const double sum = exponentials(gradient_n, logits_n, classes, &largest, leaves);
            row_losses[n] = log(sum) + ((double)largest - logits_n[labels[n]]);
            for (ptrdiff_t k = 0; k < classes; k++) {
                const double target = k == labels[n] ? 1 : 0;
                gradient_n[k] = (float)((gradient_n[k] / sum - target) / (double)rows);
            }
        }
    }
    return mean_in_order(row_losses, rows);
}

double convk_softmax_cross_entropy_targets(float *restrict gradient, double *restrict row_losses,
                                           const float *restrict logits,
                                           const float *restrict targets, ptrdiff_t rows,
                                           ptrdiff_t classes, convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    const int threads = convk_threads_for(rows * classes, execution);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        convk_enter_region();
#pragma omp for schedule(static) nowait
        for (ptrdiff_t n = 0; n < rows; n++) {
            const float *logits_n = logits + n * classes, *targets_n = targets + n * classes;
            float *gradient_n = gradient + n * classes;
            float largest;
            const double sum = exponentials(gradient_n, logits_n, classes, &largest, leaves);
            double total = 0, loss = 0;
            for (ptrdiff_t k = 0; k < classes; k++) {
                total += targets_n[k];
                // A target of 0 asks nothing of its logit, not even to be finite.
                if (targets_n[k] != 0)
                    loss += targets_n[k] * (log(sum) + ((double)largest - logits_n[k]));
            }
            row_losses[n] = loss;
            for (ptrdiff_t k = 0; k < classes; k++)
                gradient_n[k] =
                    (float)((gradient_n[k] / sum * total - targets_n[k]) / (double)rows);
        }
    }
    return mean_in_order(row_losses, rows);
}
