// SPDX-License-Identifier: MIT
//
// How a matrix product is cut up, and what of its operands is packed. The shape alone decides,
// never the number of threads.
#ifndef CONVK_SGEMM_PLAN_H
#define CONVK_SGEMM_PLAN_H

#include "kernels/kernels.h"

enum {
    CONVK_SMALL = 128, ///< rows, columns and steps of a small product, at most
    CONVK_SMALL_EDGE = CONVK_SMALL * CONVK_LARGEST_NR, ///< floats of its last, narrow panel of B
};

/// What is done to C besides: C = alpha A B + beta C + bias (one number per column), then ReLU.
typedef struct {
    float alpha, beta;
    const float *bias; // NULL for none
    bool relu;
} convk_sgemm_ending;

/// A number of C, of column j, from what is in c and the sum of its products.
static inline float convk_sgemm_ended(float sum, const float *c, convk_sgemm_ending end,
                                      ptrdiff_t j) {
    float total = sum;
    total *= end.alpha;
    if (end.beta != 0) total += end.beta * c[j];
    if (end.bias) total += end.bias[j];
    return end.relu && total <= 0 ? 0 : total;
}

/// What becomes of the operand B.
typedef enum {
    CONVK_IN_PLACE,     // it is read where it lies
    CONVK_PACKED_FIRST, // all threads pack a block of it, before they multiply
    CONVK_PACKED_ALONG, // a thread's first tiles read it in place and pack it for its others
} convk_packing;

typedef struct {
    const convk_kernels *kernels;
    ptrdiff_t panel;        // height of A's panels
    ptrdiff_t row_panels;   // panels of A in all
    ptrdiff_t mc, nc;       // block sizes, multiples of panel and nr
    ptrdiff_t shared_mc;    // a multiple of mc
    ptrdiff_t kc;           // depth of a block
    ptrdiff_t group_panels; // panels of B that a thread multiplies all its rows with at a time
    bool packs_a;           // whether all threads pack A, before they multiply
    convk_packing packs_b;
} convk_sgemm_plan;

/// The plan of a product.
convk_sgemm_plan convk_sgemm_plan_make(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix a,
                                       convk_matrix b, convk_execution execution);

/// The threads for a product. Below some microseconds of multiplying, or of reading B, the others
/// would wake up too late.
int convk_sgemm_threads(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_execution execution);

/// Whether a product is so small that one thread reads its operands in place, without a plan and
/// without OpenMP, whose empty region takes as long as two tiles. Product of 64 on Zen 5: 2.40 us
/// with them, 1.98 without.
bool convk_sgemm_is_small(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix a, convk_matrix b,
                          convk_execution execution);

/// Whether few rows are multiplied with a transposed B. Then the product is turned, C' = B' A': B'
/// is read in place, where to pack B would take longer than to multiply with it. Milliseconds on
/// Zen 5, one thread, 16 rows: n 9216 and k 4096 28.4 and 10.2, 4096 and 1000 3.4 and 0.86, 1024
/// and 256 0.061 and 0.040; 1 row, 4096 and 4096 9.0 and 4.4.
bool convk_sgemm_is_turned(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, convk_matrix b,
                           convk_execution execution);

/// The floats of the packed block of A.
ptrdiff_t convk_sgemm_packed_a_size(const convk_sgemm_plan *p);

/// The floats of the packed block of B.
ptrdiff_t convk_sgemm_packed_b_size(const convk_sgemm_plan *p);

/// The floats of one thread's own panels of B: a task's, or the last, narrow one of an operand that
/// is read in place.
ptrdiff_t convk_sgemm_own_panels_size(const convk_sgemm_plan *p);

#endif
