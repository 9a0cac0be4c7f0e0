// SPDX-License-Identifier: MIT
//
// C = A B from plain C: how to run, strides, workspace, and a part of a larger matrix as an
// operand. The numbers are whole and small, so the answer is exact and known.

#include <CConvKernels.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/// Workspace must begin on 64 bytes, and aligned_alloc wants a multiple of that. NULL for 0 floats,
/// which is what a kernel that needs none may be given.
static float *workspace_of(ptrdiff_t floats) {
    if (floats == 0) return NULL;
    if (floats > (PTRDIFF_MAX - 63) / (ptrdiff_t)sizeof(float)) abort();
    size_t bytes = ((size_t)floats * sizeof(float) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (memory == NULL) abort();
    return memory;
}

int main(void) {
    convk_execution execution = {
        .isa = convk_best_isa(),
        .threads = convk_available_processors(),
    };
    printf("%s, %d threads\n", convk_sgemm_kernel_name(execution.isa), execution.threads);

    // A is m x k and lies in rows of lda floats, of which it takes the first k. B is k x n. A[i][p]
    // is i + p, B is 1 on its diagonal, 2 right of it and 0 elsewhere.
    enum { m = 300, n = 200, k = 250, lda = 256 };
    static float a[m * lda], b[k * n], c[m * n];
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t p = 0; p < k; p++) a[i * lda + p] = (float)(i + p);
    for (ptrdiff_t j = 0; j < n; j++) {
        b[j * n + j] = 1;
        if (j > 0) b[(j - 1) * n + j] = 2;
    }

    // Strides say where a matrix lies: element (i, j) at data[i * row_stride + j * column_stride].
    // A transposed operand has the two exchanged.
    convk_matrix left = {.data = a, .row_stride = lda, .column_stride = 1};
    convk_matrix right = {.data = b, .row_stride = n, .column_stride = 1};
    float *workspace = workspace_of(convk_sgemm_workspace(m, n, k, left, right, execution));
    convk_sgemm(c, n, left, right, m, n, k, 1, 0, workspace, execution);
    free(workspace);

    // C[i][j] is A[i][j] + 2 A[i][j - 1].
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < n; j++) {
            float expected = (float)(i + j + (j > 0 ? 2 * (i + j - 1) : 0));
            if (c[i * n + j] != expected) {
                fprintf(stderr, "C[%td][%td] is %g, expected %g\n", i, j, c[i * n + j], expected);
                return 1;
            }
        }
    printf("%d x %d x %d: right\n", m, n, k);
    return 0;
}
