// SPDX-License-Identifier: MIT
//
// What the machine could do at best: the yardsticks of the benchmark.
#include "kernels/kernels.h"

#include <string.h>

double convk_peak_flops(float *result, ptrdiff_t iterations, convk_execution execution) {
    const convk_leaves *leaves = convk_kernels_for(execution.isa)->leaves;
    enum { MOST_THREADS = 1024 };
    assert(execution.threads <= MOST_THREADS);
    double operations[MOST_THREADS] = {0};
    float results[MOST_THREADS] = {0};
    // Each thread writes its own element.
    CONVK_PARALLEL (execution.threads) {
        const int thread = convk_thread_number();
        operations[thread] = leaves->peak(&results[thread], iterations);
    }
    double total = 0;
    *result = 0;
    for (int thread = 0; thread < execution.threads; thread++) {
        total += operations[thread];
        *result += results[thread];
    }
    return total;
}

void convk_copy(float *restrict destination, const float *restrict source, ptrdiff_t count,
                convk_execution execution) {
    CONVK_PARALLEL (execution.threads) {
        const ptrdiff_t thread = convk_thread_number(), threads = convk_thread_count();
        const ptrdiff_t begin = count / threads * thread;
        const ptrdiff_t end = thread == threads - 1 ? count : begin + count / threads;
        memcpy(destination + begin, source + begin, (size_t)(end - begin) * sizeof(float));
    }
}
