// SPDX-License-Identifier: MIT
//
// SGEMM micro-kernel in plain C, for CPUs without one of their own and as a second opinion on those
// that have one. 4 x 8 floats are eight of SSE's or NEON's registers.
#include "kernels/kernels.h"

#include <string.h>

enum { MR = 4, NR = 8 };

static void write_row(const convk_tile *tile, ptrdiff_t i, const float *sums) {
    float *c_i = tile->c + i * tile->ldc;
    for (ptrdiff_t j = 0; j < tile->columns; j++) {
        float sum = tile->alpha * sums[j];
        if (tile->beta != 0) sum += tile->beta * c_i[j];
        if (tile->row_bias) sum += tile->row_bias[i];
        if (tile->column_bias) sum += tile->column_bias[j];
        c_i[j] = convk_clipped(tile->relu && sum <= 0 ? 0 : sum, tile->clip);
    }
}

/// The tile for one panel height, a constant where this is inlined.
static inline __attribute__((always_inline)) void compute(const convk_tile *tile,
                                                          const int height) {
    const float *a = tile->a, *b = tile->b;
    const ptrdiff_t row_step = tile->a_row_stride == 0 ? 1 : tile->a_row_stride;
    const ptrdiff_t k_step = tile->a_row_stride == 0 ? height : 1;
    float acc[MR][NR] = {{0}};
    for (ptrdiff_t p = 0; p < tile->k; p++) {
        if (tile->packed_b) memcpy(tile->packed_b + p * NR, b, NR * sizeof(float));
#pragma clang loop unroll(full)
        for (int i = 0; i < height; i++) {
            const float a_ip = a[i * row_step];
#pragma clang loop unroll(full)
            for (int j = 0; j < NR; j++) acc[i][j] += a_ip * b[j];
        }
        a += k_step;
        b += tile->b_row_stride;
    }
    for (int i = 0; i < height; i++)
        if (i < tile->rows) write_row(tile, i, acc[i]);
}

void convk_sgemm_portable(const convk_tile *tile) {
    switch (tile->panel) {
    case 1:
        return compute(tile, 1);
    case 2:
        return compute(tile, 2);
    case 3:
        return compute(tile, 3);
    default:
        return compute(tile, 4);
    }
}

void convk_sgemm_row_portable(const convk_tile *tile) {
    float acc[4 * CONVK_ROW_VECTORS] = {0};
    const float *b = tile->b;
    for (ptrdiff_t p = 0; p < tile->k; p++) {
        const float a = tile->a[p * tile->a_row_stride];
        for (ptrdiff_t j = 0; j < tile->columns; j++) acc[j] += a * b[j];
        b += tile->b_row_stride;
    }
    write_row(tile, 0, acc);
}

void convk_direct_portable(const convk_direct_tile *tile) {
    const ptrdiff_t width = tile->filters > 4 ? 8 : 4;
    float acc[2 * MR][NR] = {{0}};
    for (ptrdiff_t p = 0; p < tile->taps * tile->run; p++) {
        const float *x = tile->x + tile->offsets[p / tile->run] + p % tile->run;
        const float *w = tile->weights + p * width;
        for (ptrdiff_t i = 0; i < tile->pixels; i++)
            for (ptrdiff_t f = 0; f < width; f++) acc[i][f] += x[i * tile->stride] * w[f];
    }
    const ptrdiff_t filter_step = tile->interleaved ? 1 : tile->plane;
    const ptrdiff_t pixel_step = tile->interleaved ? width : 1;
    for (ptrdiff_t f = 0; f < (tile->interleaved ? width : tile->filters); f++) {
        for (ptrdiff_t i = 0; i < tile->pixels; i++) {
            float sum = acc[i][f];
            if (tile->bias && f < tile->filters) sum += tile->bias[f];
            if (tile->relu && sum <= 0) sum = 0;
            tile->y[f * filter_step + i * pixel_step] = convk_clipped(sum, tile->clip);
        }
    }
}

void convk_rows_portable(const convk_rows_tile *tile) {
    enum { LANES = 4 };
    for (ptrdiff_t i = 0; i < tile->rows; i++) {
        for (ptrdiff_t v = 0; v < tile->vectors; v++) {
            float acc[LANES] = {0};
            for (ptrdiff_t p = 0; p < tile->taps; p++) {
                const float weight = tile->weights[p * tile->filters + i];
                const float *x = tile->x + tile->offsets[p] + tile->x_places[v];
                for (int l = 0; l < LANES; l++) acc[l] += weight * x[l];
            }
            float *y = tile->y + i * tile->plane + tile->y_places[v];
            for (ptrdiff_t l = 0; l < tile->count; l++) {
                const float sum = acc[l] + (tile->bias ? tile->bias[i] : 0);
                y[l] = tile->relu && sum <= 0 ? 0 : sum;
            }
        }
    }
}

void convk_direct_weights_portable(const convk_direct_weights_tile *tile) {
    const ptrdiff_t width = tile->narrow ? 4 : 8;
    for (ptrdiff_t i = 0; i < tile->rows * tile->columns; i++) {
        const float *dy = tile->dy + i * width;
        const float *x = tile->x + i / tile->columns * tile->row_step;
        x += i % tile->columns * tile->stride;
        for (ptrdiff_t tap = 0; tap < tile->runs * tile->kw; tap++) {
            const float pixel = x[tile->offsets[tap / tile->kw] + tap % tile->kw];
            float *sum = tile->sums + tap * width;
            for (ptrdiff_t f = 0; f < width; f++) sum[f] += pixel * dy[f];
        }
    }
}
