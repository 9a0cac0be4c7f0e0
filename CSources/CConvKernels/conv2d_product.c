// SPDX-License-Identifier: MIT
//
// Convolution as a product whose second operand, the patches of the images, exists a block at a
// time: a task packs kc taps of a few panels of output pixels, multiplies all its rows of weights
// with them, and goes on to the next taps. Blocks of taps follow one another, so that every output
// is summed in the same order whichever thread has it.
//
// With 1 x 1 filters at stride 1 an image is the second operand already: the tiles that read a
// panel of it first do so in place, and pack it on the way. Milliseconds on Zen 5, one thread, 16
// images, with patches against so: 64 -> 256 channels of 56 x 56 13.1 and 8.6, 256 -> 64 28.0 and
// 8.9, 1024 -> 256 of 14 x 14 14.0 and 8.9.
#include "conv2d_product.h"

#include "convk_window.h"

enum {
    TASK_PANELS = 8, // panels of patches in a task, at most: with kc taps they stay in the L2 cache
    ENOUGH_TASKS = 64, // tasks that keep a large machine busy
    LARGEST_BLOCK_RUNS = TASK_PANELS * CONVK_LARGEST_NR,
};

/// A window of single pixels with an image in one row: runs of patches then end where images do.
static convk_window in_one_row(const convk_window *w) {
    convk_window row = *w;
    row.h = row.oh = 1;
    row.w = row.ow = w->h * w->w;
    return row;
}

convk_conv2d_product convk_conv2d_product_make(const convk_window *window, ptrdiff_t groups,
                                               ptrdiff_t m, convk_execution execution) {
    convk_conv2d_product p = {.entry = convk_sgemm_entry_for(execution.isa),
                              .window = *window,
                              .groups = groups,
                              .m = m,
                              .k = window->c * window->kh * window->kw,
                              .is_pointwise = convk_is_pointwise(window)};
    if (p.is_pointwise) p.window = in_one_row(window);
    p.panel = convk_panel_height(m, p.entry);
    p.kc = convk_ceil_div(p.k, convk_ceil_div(p.k, p.entry->kc));
    p.mc = convk_max(p.entry->mc / p.panel, 1) * p.panel;
    const ptrdiff_t panels = convk_ceil_div(window->n * window->oh * window->ow, p.entry->nr);
    p.block_panels =
        convk_max(1, convk_min(TASK_PANELS, convk_ceil_div(panels * groups, ENOUGH_TASKS)));
    const ptrdiff_t blocks = convk_ceil_div(panels, p.block_panels) * groups;
    // With few pixels, as for a single image, threads share the filters too. Each of the sharing
    // tasks packs the patches again, which pays where there are many rows to multiply.
    const ptrdiff_t rows_worth_a_task = 4 * p.panel;
    p.row_tasks =
        convk_max(1, convk_min(convk_ceil_div(ENOUGH_TASKS / 4, blocks), m / rows_worth_a_task));
    return p;
}

static ptrdiff_t row_panels(const convk_conv2d_product *p) {
    return convk_ceil_div(p->m, p->panel);
}

/// The floats of one thread's block of patches, with the slack that packing may overwrite.
static ptrdiff_t block_size(const convk_conv2d_product *p) {
    return convk_round_up((p->block_panels * p->kc + 1) * p->entry->nr, 16);
}

ptrdiff_t convk_conv2d_product_weights_size(const convk_conv2d_product *p) {
    return convk_round_up(p->groups * row_panels(p) * p->panel * p->k, 16);
}

ptrdiff_t convk_conv2d_product_workspace(const convk_conv2d_product *p, int threads) {
    return threads * block_size(p);
}

void convk_conv2d_product_pack(const convk_conv2d_product *p, float *restrict packed_weights,
                               const float *restrict weights) {
    const ptrdiff_t panels = row_panels(p);
    // Each panel is written by one thread; all wait for the last.
    const convk_share share = convk_share_of(p->groups * panels);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t row = index % panels * p->panel;
        const convk_matrix a = {weights + (index / panels * p->m + row) * p->k, p->k, 1};
        convk_pack_a(p->entry, packed_weights + index * p->panel * p->k, a,
                     convk_min(p->panel, p->m - row), p->k, p->panel);
    }
    convk_wait_for_all();
}

/// One task: some panels of output pixels, some rows of one group.
typedef struct {
    const convk_conv2d_product *p;
    float *y;             // the group's first output channel of the first image
    const float *weights; // the group's packed weights
    const float *bias;    // of the group, or NULL
    bool relu;
    float *patches;               // the thread's block
    ptrdiff_t column, column_end; // output pixels, counted over (n, oh, ow)
    ptrdiff_t row, row_end;       // output channels of the group
} task;

/// Cuts the pixels column ..< end into runs within one row; returns how many.
static ptrdiff_t cut_runs(convk_patch_run *runs, const convk_conv2d_product *p, const float *x,
                          ptrdiff_t column, ptrdiff_t end) {
    const convk_window *w = &p->window;
    const ptrdiff_t pixels = w->oh * w->ow;
    const ptrdiff_t image_size = p->groups * w->c * w->h * w->w;
    ptrdiff_t count = 0;
    for (ptrdiff_t j = column; j < end;) {
        const ptrdiff_t n = j / pixels, oh = j % pixels / w->ow, ow = j % w->ow;
        const ptrdiff_t length = convk_min(w->ow - ow, end - j);
        runs[count++] = (convk_patch_run){.image = x + n * image_size,
                                          .place = j - column,
                                          .count = length,
                                          .row = oh * w->stride_h - w->pad_top,
                                          .column = ow * w->stride_w - w->pad_left};
        j += length;
    }
    return count;
}

/// Writes a tile that spans images to the output, or adds it and rectifies the sums where asked
/// for, piece by piece. tile: rows x nr.
static void write_pieces(const task *t, const float *tile, ptrdiff_t row, ptrdiff_t rows,
                         ptrdiff_t column, ptrdiff_t columns, bool accumulate, bool relu) {
    const convk_conv2d_product *p = t->p;
    const ptrdiff_t pixels = p->window.oh * p->window.ow;
    const ptrdiff_t image_size = p->groups * p->m * pixels;
    for (ptrdiff_t j = 0; j < columns;) {
        const ptrdiff_t n = (column + j) / pixels, pixel = (column + j) % pixels;
        const ptrdiff_t length = convk_min(pixels - pixel, columns - j);
        for (ptrdiff_t i = 0; i < rows; i++) {
            const float *tile_i = tile + i * p->entry->nr + j;
            float *y_i = t->y + n * image_size + (row + i) * pixels + pixel;
            if (accumulate)
                for (ptrdiff_t l = 0; l < length; l++) {
                    const float sum = y_i[l] + tile_i[l];
                    y_i[l] = relu && sum <= 0 ? 0 : sum;
                }
            else
                for (ptrdiff_t l = 0; l < length; l++) y_i[l] = tile_i[l];
        }
        j += length;
    }
}

/// One call of the micro-kernel: taps k ..< k + depth of one panel of pixels and one of rows.
/// image: NULL, or where the panel of pixels lies in an image, from where the tile packs it.
static void multiply_tile(const task *t, float *patches, const float *image, ptrdiff_t row,
                          ptrdiff_t column, ptrdiff_t k, ptrdiff_t depth) {
    const convk_conv2d_product *p = t->p;
    const ptrdiff_t pixels = p->window.oh * p->window.ow;
    const ptrdiff_t n = column / pixels, pixel = column % pixels;
    const bool relu = t->relu && k + depth == p->k;
    float spanning[CONVK_LARGEST_MR * CONVK_LARGEST_NR];
    convk_tile tile = {
        .c = t->y + (n * p->groups * p->m + row) * pixels + pixel,
        .ldc = pixels,
        .a = t->weights + row * p->k + k * p->panel,
        .panel = p->panel,
        .b = image ? image : patches,
        .b_row_stride = image ? pixels : p->entry->nr,
        .packed_b = image ? patches : NULL,
        .k = depth,
        .rows = convk_min(p->panel, p->m - row),
        .columns = convk_min(p->entry->nr, t->column_end - column),
        .alpha = 1,
        .beta = k == 0 ? 0 : 1,
        .row_bias = k == 0 && t->bias ? t->bias + row : NULL,
        .relu = relu,
    };
    if (pixel + tile.columns <= pixels) return p->entry->kernel(&tile);
    tile.c = spanning;
    tile.ldc = p->entry->nr;
    tile.beta = 0;
    tile.relu = relu && k == 0;
    p->entry->kernel(&tile);
    write_pieces(t, spanning, row, tile.rows, column, tile.columns, k != 0, relu);
}

/// The panel of pixels of some runs at tap k, in the image, or NULL where it has to be packed
/// before it is multiplied.
static const float *panel_in_image(const convk_conv2d_product *p, const convk_patch_run *runs,
                                   ptrdiff_t count, ptrdiff_t k) {
    if (!p->is_pointwise || count > 1 || runs->count < p->entry->nr) return NULL;
    return runs->image + k * p->window.w + runs->column;
}

static void run_task(const task *t, const float *x) {
    const convk_conv2d_product *p = t->p;
    const ptrdiff_t nr = p->entry->nr;
    convk_patch_run runs[LARGEST_BLOCK_RUNS];
    ptrdiff_t first_run[TASK_PANELS + 1] = {0};
    for (ptrdiff_t b = 0, j = t->column; j < t->column_end; b++, j += nr)
        first_run[b + 1] =
            first_run[b] + cut_runs(runs + first_run[b], p, x, j, convk_min(j + nr, t->column_end));
    for (ptrdiff_t k = 0; k < p->k; k += p->kc) {
        const ptrdiff_t depth = convk_min(p->kc, p->k - k);
        const float *image[TASK_PANELS];
        for (ptrdiff_t b = 0, j = t->column; j < t->column_end; b++, j += nr) {
            const ptrdiff_t count = first_run[b + 1] - first_run[b];
            image[b] = panel_in_image(p, runs + first_run[b], count, k);
            if (image[b] == NULL)
                p->entry->pack_patches(t->patches + b * depth * nr, &p->window, runs + first_run[b],
                                       count, k, k + depth);
        }
        for (ptrdiff_t i_0 = t->row; i_0 < t->row_end; i_0 += p->mc)
            for (ptrdiff_t b = 0, j = t->column; j < t->column_end; b++, j += nr)
                for (ptrdiff_t i = i_0; i < convk_min(i_0 + p->mc, t->row_end); i += p->panel)
                    multiply_tile(t, t->patches + b * depth * nr, i == t->row ? image[b] : NULL, i,
                                  j, k, depth);
    }
}

void convk_conv2d_product_run(const convk_conv2d_product *p, float *restrict y,
                              const float *restrict x, const float *restrict packed_weights,
                              const float *restrict bias, bool relu, float *restrict workspace) {
    const convk_window *w = &p->window;
    const ptrdiff_t columns = w->n * w->oh * w->ow, nr = p->entry->nr;
    const ptrdiff_t panels = convk_ceil_div(columns, nr);
    const ptrdiff_t blocks = convk_ceil_div(panels, p->block_panels);
    float *patches = workspace + convk_thread_number() * block_size(p);
    // Each task writes its own pixels of its own output channels. Panels are dealt out evenly: a
    // small last task would leave its thread waiting.
#pragma omp for schedule(static)
    for (ptrdiff_t index = 0; index < p->groups * blocks * p->row_tasks; index++) {
        const ptrdiff_t g = index / (blocks * p->row_tasks);
        const ptrdiff_t j = index / p->row_tasks % blocks, i = index % p->row_tasks;
        const task t = {
            .p = p,
            .y = y + g * p->m * w->oh * w->ow,
            .weights = packed_weights + g * row_panels(p) * p->panel * p->k,
            .bias = bias ? bias + g * p->m : NULL,
            .relu = relu,
            .patches = patches,
            .column = j * panels / blocks * nr,
            .column_end = convk_min((j + 1) * panels / blocks * nr, columns),
            .row = i * row_panels(p) / p->row_tasks * p->panel,
            .row_end = convk_min((i + 1) * row_panels(p) / p->row_tasks * p->panel, p->m),
        };
        if (t.row < t.row_end) run_task(&t, x + g * w->c * w->h * w->w);
    }
}
