// SPDX-License-Identifier: MIT
//
// Softmax along an axis, and the cross-entropy behind that of rows with its gradient. Threads share
// the rows; the rows' losses are added up in order by one thread.
#include "kernels/kernels.h"

#include <math.h>

/// y = exp(x - largest) for one row; returns their sum, and the largest by its pointer.
static double exponentials(float *y, const float *x, ptrdiff_t classes, float *largest,
                           const convk_leaves *leaves) {
    *largest = leaves->largest(x, classes);
    return leaves->exponentials(y, x, *largest, classes);
}

/// Columns of classes that are taken together where classes do not lie beside one another.
enum { COLUMNS = 64 };

/// What is done to count columns of classes, or to the row of one: each step from one class to the
/// next is as long as inner.
typedef void (*softmax_part)(float *result, const float *first, const float *second,
                             ptrdiff_t classes, ptrdiff_t inner, ptrdiff_t count,
                             const convk_leaves *leaves);

static void softmax_row(float *y, const float *x, const float *second, ptrdiff_t classes,
                        ptrdiff_t inner, ptrdiff_t count, const convk_leaves *leaves) {
    (void)second, (void)inner, (void)count;
    float largest;
    const double sum = exponentials(y, x, classes, &largest, leaves);
    for (ptrdiff_t k = 0; k < classes; k++) y[k] = (float)(y[k] / sum);
}

static void softmax_columns(float *y, const float *x, const float *second, ptrdiff_t classes,
                            ptrdiff_t inner, ptrdiff_t count, const convk_leaves *leaves) {
    (void)second;
    float largest[COLUMNS];
    double sums[COLUMNS] = {0};
    for (ptrdiff_t i = 0; i < count; i++) largest[i] = x[i];
    for (ptrdiff_t k = 1; k < classes; k++) {
        for (ptrdiff_t i = 0; i < count; i++) {
            const float x_k = x[k * inner + i], so_far = largest[i];
            largest[i] = !(x_k <= so_far) && so_far == so_far ? x_k : so_far;
        }
    }
    for (ptrdiff_t k = 0; k < classes; k++)
        leaves->exponential_row(y + k * inner, x + k * inner, largest, sums, count);
    for (ptrdiff_t k = 0; k < classes; k++)
        for (ptrdiff_t i = 0; i < count; i++)
            y[k * inner + i] = (float)(y[k * inner + i] / sums[i]);
}

static void softmax_backward(float *dx, const float *dy, const float *y, ptrdiff_t classes,
                             ptrdiff_t inner, ptrdiff_t count, const convk_leaves *leaves) {
    (void)leaves;
    double sums[COLUMNS] = {0};
    for (ptrdiff_t k = 0; k < classes * inner; k += inner)
        for (ptrdiff_t i = 0; i < count; i++) sums[i] += (double)dy[k + i] * y[k + i];
    for (ptrdiff_t k = 0; k < classes * inner; k += inner)
        for (ptrdiff_t i = 0; i < count; i++) dx[k + i] = (float)(y[k + i] * (dy[k + i] - sums[i]));
}

/// Threads share blocks of columns, or rows.
static void each_part(softmax_part part, float *result, const float *first, const float *second,
                      ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                      convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const ptrdiff_t blocks = convk_ceil_div(inner, COLUMNS);
    CONVK_PARALLEL (convk_threads_for(outer * classes * inner, execution)) {
        CONVK_SHARED_LOOP (i, outer * blocks) {
            const ptrdiff_t column = i % blocks * COLUMNS;
            const ptrdiff_t place = i / blocks * classes * inner + column;
            part(result + place, first + place, second + place, classes, inner,
                 convk_min(COLUMNS, inner - column), leaves);
        }
    }
}

void convk_softmax(float *y, const float *x, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                   convk_execution execution) {
    each_part(inner == 1 ? softmax_row : softmax_columns, y, x, x, outer, classes, inner,
              execution);
}

void convk_softmax_backward(float *restrict dx, const float *restrict dy, const float *restrict y,
                            ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                            convk_execution execution) {
    each_part(softmax_backward, dx, dy, y, outer, classes, inner, execution);
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
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(rows * classes, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (n, rows) {
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
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    const int threads = convk_threads_for(rows * classes, execution);
    CONVK_PARALLEL (threads) {
        CONVK_SHARED_LOOP (n, rows) {
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
