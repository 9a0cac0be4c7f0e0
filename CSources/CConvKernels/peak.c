// SPDX-License-Identifier: MIT
//
// What the machine could do at best: the yardsticks of the benchmark.
#include "convk_leaves.h"

#include <string.h>

double convk_peak_flops(float *result, ptrdiff_t iterations, convk_execution execution) {
    const convk_leaves *leaves = convk_leaves_for(execution.isa);
    double operations = 0;
    float total = 0;
#pragma omp parallel num_threads(execution.threads) reduction(+ : operations, total)
    {
        convk_enter_region();
        float mine;
        operations += leaves->peak(&mine, iterations);
        total += mine;
    }
    *result = total;
    return operations;
}

void convk_copy(float *restrict destination, const float *restrict source, ptrdiff_t count,
                convk_execution execution) {
#pragma omp parallel num_threads(execution.threads)
    {
        convk_enter_region();
        const ptrdiff_t thread = convk_thread_number(), threads = convk_thread_count();
        const ptrdiff_t begin = count / threads * thread;
        const ptrdiff_t end = thread == threads - 1 ? count : begin + count / threads;
        memcpy(destination + begin, source + begin, (size_t)(end - begin) * sizeof(float));
    }
}
