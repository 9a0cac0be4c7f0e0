// SPDX-License-Identifier: MIT
//
// One task of a convolution as a product with patches: it packs kc taps of a few panels of output
// pixels, multiplies its rows of filters with them, and goes on to the next taps.
#include "convolution/conv2d_gemm_task.h"

enum { LARGEST_BLOCK_RUNS = CONVK_TASK_PANELS * CONVK_LARGEST_NR };

typedef convk_conv2d_gemm blocking;
typedef convk_gemm_task task;

/// Cuts the pixels column ..< end into runs within one row; returns how many.
static ptrdiff_t cut_runs(convk_patch_run *runs, const blocking *p, const float *x,
                          ptrdiff_t column, ptrdiff_t end) {
    const convk_window *w = &p->window;
    const ptrdiff_t pixels = w->oh * w->ow;
    ptrdiff_t count = 0;
    for (ptrdiff_t j = column; j < end;) {
        const ptrdiff_t n = j / pixels, oh = j % pixels / w->ow, ow = j % w->ow;
        const ptrdiff_t length = convk_min(w->ow - ow, end - j);
        runs[count++] = (convk_patch_run){.image = x + n * p->x_image,
                                          .place = j - column,
                                          .count = length,
                                          .row = oh * w->stride_h - w->pad_top,
                                          .column = ow * w->stride_w - w->pad_left};
        j += length;
    }
    return count;
}

/// Writes a tile that spans images to the output, or adds it and rectifies or clips the sums where
/// asked for, piece by piece. tile: rows x nr.
static void write_pieces(const task *t, const float *tile, ptrdiff_t row, ptrdiff_t rows,
                         ptrdiff_t column, ptrdiff_t columns, bool accumulate, bool relu,
                         const float *clip) {
    const blocking *p = t->p;
    const ptrdiff_t pixels = p->window.oh * p->window.ow;
    for (ptrdiff_t j = 0; j < columns;) {
        const ptrdiff_t n = (column + j) / pixels, pixel = (column + j) % pixels;
        const ptrdiff_t length = convk_min(pixels - pixel, columns - j);
        for (ptrdiff_t i = 0; i < rows; i++) {
            const float *tile_i = tile + i * p->kernels->nr + j;
            float *y_i = t->y + n * p->y_image + (row + i) * pixels + pixel;
            if (accumulate)
                for (ptrdiff_t l = 0; l < length; l++) {
                    const float sum = y_i[l] + tile_i[l];
                    y_i[l] = convk_clipped(relu && sum <= 0 ? 0 : sum, clip);
                }
            else
                for (ptrdiff_t l = 0; l < length; l++) y_i[l] = tile_i[l];
        }
        j += length;
    }
}

/// A panel of output pixels.
typedef struct {
    float *patches;
    const float *image; // NULL, or where it lies in an image, from where the first tiles pack it
    ptrdiff_t column, columns;
    ptrdiff_t n, pixel; // of its first pixel
    bool spans;         // it ends in another image
    bool has_single;    // its last pixel, next to whole vectors, is multiplied by itself
} panel;

/// One call of the micro-kernel: taps k ..< k + depth of one panel of pixels and one of rows.
static void multiply_tile(const task *t, const panel *b, const float *image, ptrdiff_t row,
                          ptrdiff_t k, ptrdiff_t depth) {
    const blocking *p = t->p;
    const ptrdiff_t pixels = p->window.oh * p->window.ow;
    const bool relu = t->relu && k + depth == p->k;
    const float *clip = k + depth == p->k ? t->operands->clip : NULL;
    convk_tile tile = {
        .c = t->y + b->n * p->y_image + row * pixels + b->pixel,
        .ldc = pixels,
        .a = t->weights + row * p->k + k * p->panel,
        .panel = p->panel,
        .b = image ? image : b->patches,
        .b_row_stride = image ? pixels : p->kernels->nr,
        .packed_b = image ? b->patches : NULL,
        .k = depth,
        .rows = convk_min(p->panel, p->m - row),
        .columns = b->columns,
        .alpha = 1,
        .beta = k == 0 ? 0 : 1,
        .row_bias = k == 0 && t->bias ? t->bias + row : NULL,
        .relu = relu,
        .clip = clip,
    };
    if (!b->spans) return p->kernels->kernel(&tile);
    float spanning[CONVK_LARGEST_MR * CONVK_LARGEST_NR];
    tile.c = spanning;
    tile.ldc = p->kernels->nr;
    tile.beta = 0;
    tile.relu = relu && k == 0;
    tile.clip = k == 0 ? clip : NULL;
    p->kernels->kernel(&tile);
    write_pieces(t, spanning, row, tile.rows, b->column, tile.columns, k != 0, relu, clip);
}

/// The same for the pixel behind a panel and rows row ..< end.
static void multiply_single(const task *t, const panel *b, ptrdiff_t row, ptrdiff_t end,
                            ptrdiff_t k, ptrdiff_t depth) {
    const blocking *p = t->p;
    const ptrdiff_t pixels = p->window.oh * p->window.ow;
    const convk_column_tile tile = {
        .c = t->y + b->n * p->y_image + row * pixels + b->pixel + b->columns,
        .ldc = pixels,
        .a = t->weights + row * p->k + k * p->panel,
        .panel = p->panel,
        .a_step = p->k * p->panel,
        .b = b->patches + b->columns,
        .b_row_stride = p->kernels->nr,
        .k = depth,
        .rows = end - row,
        .beta = k == 0 ? 0 : 1,
        .row_bias = k == 0 && t->bias ? t->bias + row : NULL,
        .relu = t->relu && k + depth == p->k,
        .clip = k + depth == p->k ? t->operands->clip : NULL,
    };
    p->kernels->column(&tile);
}

/// What is left to do to rows row ..< row_end of the task's outputs, once all taps are summed.
static void finish(const task *t, ptrdiff_t row, ptrdiff_t row_end) {
    const blocking *p = t->p;
    const ptrdiff_t pixels = p->window.oh * p->window.ow;
    for (ptrdiff_t j = t->column; j < t->column_end;) {
        const ptrdiff_t n = j / pixels, pixel = j % pixels;
        const ptrdiff_t length = convk_min(pixels - pixel, t->column_end - j);
        convk_finish_planes(t->plan, t->operands, t->y + n * p->y_image + row * pixels + pixel,
                            t->filter + row, row_end - row, pixels, length);
        j += length;
    }
}

/// The panel of pixels of some runs at tap k, in the image, or NULL where it has to be packed
/// before it is multiplied.
static const float *panel_in_image(const blocking *p, const convk_patch_run *runs, ptrdiff_t count,
                                   ptrdiff_t k) {
    if (!p->is_pointwise || count > 1 || runs->count < p->kernels->nr) return NULL;
    return runs->image + k * p->window.w + runs->column;
}

/// Sets what is the same at all taps of a task's panels, without the patches; how many there are.
static ptrdiff_t set_panels(const task *t, panel *panels) {
    const blocking *p = t->p;
    const ptrdiff_t pixels = p->window.oh * p->window.ow, nr = p->kernels->nr;
    ptrdiff_t count = 0;
    for (ptrdiff_t j = t->column; j < t->column_end; j += nr) {
        panel *b = &panels[count++];
        *b = (panel){.column = j,
                     .columns = convk_min(nr, t->column_end - j),
                     .n = j / pixels,
                     .pixel = j % pixels};
        b->spans = b->pixel + b->columns > pixels;
        // The only pixel of a vector takes as long as all of them: of 7 x 7 pixels the last one.
        b->has_single = p->kernels->column != NULL && !b->spans && b->columns < nr &&
                        b->columns % p->kernels->lanes == 1;
        if (b->has_single) b->columns--;
    }
    return count;
}

/// Packs the panels' taps k ..< k + depth, except those that tiles pack on the way.
static void pack_panels(const task *t, panel *panels, ptrdiff_t count, const convk_patch_run *runs,
                        const ptrdiff_t *first_run, ptrdiff_t k, ptrdiff_t depth) {
    const blocking *p = t->p;
    for (ptrdiff_t b = 0; b < count; b++) {
        const convk_patch_run *first = runs + first_run[b];
        const ptrdiff_t run_count = first_run[b + 1] - first_run[b];
        panels[b].patches = t->patches + b * depth * p->kernels->nr;
        panels[b].image = panel_in_image(p, first, run_count, k);
        if (panels[b].image == NULL)
            p->kernels->pack_patches(panels[b].patches, &p->window, first, run_count, k, k + depth);
    }
}

void convk_gemm_task_run(const task *t, const float *x) {
    const blocking *p = t->p;
    convk_patch_run runs[LARGEST_BLOCK_RUNS];
    ptrdiff_t first_run[CONVK_TASK_PANELS + 1] = {0};
    panel panels[CONVK_TASK_PANELS];
    const ptrdiff_t count = set_panels(t, panels), nr = p->kernels->nr;
    for (ptrdiff_t b = 0; b < count; b++)
        first_run[b + 1] = first_run[b] + cut_runs(runs + first_run[b], p, x, panels[b].column,
                                                   convk_min(panels[b].column + nr, t->column_end));
    for (ptrdiff_t k = 0; k < p->k; k += p->kc) {
        const ptrdiff_t depth = convk_min(p->kc, p->k - k);
        pack_panels(t, panels, count, runs, first_run, k, depth);
        for (ptrdiff_t i_0 = t->row; i_0 < t->row_end; i_0 += p->mc) {
            const ptrdiff_t i_end = convk_min(i_0 + p->mc, t->row_end);
            for (const panel *b = panels; b < panels + count; b++) {
                for (ptrdiff_t i = i_0; i < i_end && b->columns > 0; i += p->panel)
                    multiply_tile(t, b, i == t->row ? b->image : NULL, i, k, depth);
                if (b->has_single) multiply_single(t, b, i_0, i_end, k, depth);
            }
            if (k + depth == p->k && t->operands->finish) finish(t, i_0, i_end);
        }
    }
}
