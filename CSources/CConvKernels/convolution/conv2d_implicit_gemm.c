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
#include "convolution/conv2d_gemm_task.h"
#include "gemm/sgemm_pack.h"

typedef convk_conv2d_gemm blocking;

/// A window of single pixels with an image in one row: runs of patches then end where images do.
static convk_window in_one_row(const convk_window *w) {
    convk_window row = *w;
    row.h = row.oh = 1;
    row.w = row.ow = w->h * w->w;
    return row;
}

/// Cuts the work into tasks. How it is cut changes no sum.
///
/// Filters are read once for each block of patches, so a block is as large as fits. GFLOP/s of AVX2
/// on Emerald Rapids, one thread, blocks of one panel and such: 1 x 1 / 2, 1024 -> 2048 channels of
/// 14 x 14 53 and 72; 3 x 3, 512 -> 512 of 7 x 7 49 and 68.
///
/// With few pixels, as for a single image, threads share the filters too. Each of the sharing tasks
/// packs the patches again, which costs as much as many rows' products, and least where images are
/// read in place.
static void cut(blocking *p, int threads) {
    enum { TASKS_IN_PLACE = 4, TASKS_WITH_PATCHES = 2, ROWS_WORTH_PACKING = 96 };
    const convk_window *w = &p->window;
    const ptrdiff_t panels = convk_ceil_div(w->n * w->oh * w->ow, p->kernels->nr);
    p->blocks = convk_ceil_div(panels, CONVK_TASK_PANELS);
    p->row_tasks = 1;
    if (threads > 1) {
        // Half of a single block's filters are as much work as the other half.
        const ptrdiff_t with_patches = p->blocks == 1 ? 1 : TASKS_WITH_PATCHES;
        const ptrdiff_t of_thread = p->is_pointwise ? TASKS_IN_PLACE : with_patches;
        const ptrdiff_t rows_of_task = p->is_pointwise ? 8 * p->panel : ROWS_WORTH_PACKING;
        const ptrdiff_t tasks = convk_ceil_div(of_thread * threads, p->groups);
        p->row_tasks = convk_min(convk_ceil_div(tasks, p->blocks), p->m / rows_of_task);
        p->row_tasks = convk_max(p->row_tasks, 1);
        p->blocks = convk_max(p->blocks, convk_ceil_div(tasks, p->row_tasks));
        if (p->row_tasks == 1) p->blocks = convk_round_up(p->blocks, threads);
        p->blocks = convk_min(p->blocks, panels);
    }
    p->block_panels = convk_ceil_div(panels, p->blocks);
}

static blocking make(const convk_conv2d_plan *plan) {
    const convk_window window = convk_window_of_group(&plan->conv), *w = &window;
    const ptrdiff_t groups = plan->conv.groups, m = plan->conv.filters / groups;
    blocking p = {.kernels = convk_kernels_for(plan->execution.isa),
                  .window = window,
                  .groups = groups,
                  .x_image = convk_x_image(&plan->conv),
                  .y_image = convk_y_image(&plan->conv),
                  .m = m,
                  .k = w->c * w->kh * w->kw,
                  .is_pointwise = convk_is_pointwise(w)};
    if (p.is_pointwise) p.window = in_one_row(w);
    p.panel = convk_panel_height(m, p.kernels);
    p.kc = convk_ceil_div(p.k, convk_ceil_div(p.k, p.kernels->kc));
    p.mc = convk_max(p.kernels->mc / p.panel, 1) * p.panel;
    // Of few channels the sums are made faster than they are written: in long runs, a panel of rows
    // over all pixels of the task. 16 -> 96 of 112 x 112 on Zen 4, within a network: 42 GFLOP/s
    // with all rows of a panel of pixels at a time, and 62.
    enum { FEW_CHANNELS = 64 };
    if (p.is_pointwise && p.k <= FEW_CHANNELS) p.mc = p.panel;
    cut(&p, plan->threads);
    return p;
}

CONVK_FITS_A_PLAN(blocking);

/// The block sizes of a plan.
static blocking read(const convk_conv2d_plan *plan) {
    blocking p;
    convk_plan_read(plan, &p, sizeof p);
    return p;
}

static ptrdiff_t row_panels(const blocking *p) {
    return convk_ceil_div(p->m, p->panel);
}

/// The floats of one thread's block of patches, with the slack that packing may overwrite.
static ptrdiff_t block_size(const blocking *p) {
    return convk_round_up((p->block_panels * p->kc + 1) * p->kernels->nr, 16);
}

static ptrdiff_t filters_size(const blocking *p) {
    return convk_round_up(p->groups * row_panels(p) * p->panel * p->k, 16);
}

/// Panel i of group g starts at (g * panels + i) * k * panel.
static void pack(const convk_conv2d_plan *plan, float *restrict filters,
                 const float *restrict weights, float *restrict workspace) {
    const blocking p = read(plan);
    (void)workspace;
    const ptrdiff_t panels = row_panels(&p);
    // Each panel is written by one thread; all wait for the last.
    const convk_share share = convk_share_of(p.groups * panels);
    for (ptrdiff_t index = share.begin; index < share.end; index++) {
        const ptrdiff_t row = index % panels * p.panel;
        const convk_matrix a = {weights + (index / panels * p.m + row) * p.k, p.k, 1};
        convk_pack_a(p.kernels, filters + index * p.panel * p.k, a, convk_min(p.panel, p.m - row),
                     p.k, p.panel);
    }
    convk_wait_for_all();
}

static void run(const convk_conv2d_plan *plan, const convk_conv2d_operands *o,
                float *restrict workspace) {
    const blocking p = read(plan);
    const convk_window *w = &p.window;
    const ptrdiff_t columns = w->n * w->oh * w->ow, nr = p.kernels->nr;
    const ptrdiff_t panels = convk_ceil_div(columns, nr), blocks = p.blocks;
    float *patches = workspace + convk_thread_number() * block_size(&p);
    // Each task writes its own pixels of its own output channels. Panels and rows are dealt out
    // evenly: a small last task would leave its thread waiting.
    CONVK_SHARED_LOOP (index, p.groups * blocks * p.row_tasks) {
        const ptrdiff_t g = index / (blocks * p.row_tasks);
        const ptrdiff_t i = index / blocks % p.row_tasks, j = index % blocks;
        const convk_gemm_task t = {
            .p = &p,
            .plan = plan,
            .operands = o,
            .filter = g * p.m,
            .y = o->to + g * p.m * w->oh * w->ow,
            .weights = o->filters + g * row_panels(&p) * p.panel * p.k,
            .bias = o->bias ? o->bias + g * p.m : NULL,
            .relu = o->relu,
            .patches = patches,
            .column = j * panels / blocks * nr,
            .column_end = convk_min((j + 1) * panels / blocks * nr, columns),
            .row = i * row_panels(&p) / p.row_tasks * p.panel,
            .row_end = convk_min((i + 1) * row_panels(&p) / p.row_tasks * p.panel, p.m),
        };
        if (t.row < t.row_end) convk_gemm_task_run(&t, o->from + g * w->c * w->h * w->w);
    }
    convk_wait_for_all();
}

// ---- As an algorithm ---------------------------------------------------------------------------

static void plan_blocks(convk_conv2d_plan *plan) {
    const blocking p = make(plan);
    plan->prepacked_floats = filters_size(&p);
    plan->workspace_floats = plan->threads * block_size(&p);
    convk_plan_keep(plan, &p, sizeof p);
}

static bool accepts_pointwise(const convk_conv2d *conv, convk_execution execution) {
    (void)execution;
    return convk_is_pointwise(&conv->window);
}

static bool accepts_all(const convk_conv2d *conv, convk_execution execution) {
    (void)conv, (void)execution;
    return true;
}

const convk_conv2d_algorithm convk_forward_pointwise = {
    .name = "pointwise",
    .clips = true,
    .accepts = accepts_pointwise,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
};

const convk_conv2d_algorithm convk_forward_implicit_gemm = {
    .name = "implicit GEMM",
    .clips = true,
    .accepts = accepts_all,
    .plan = plan_blocks,
    .pack = pack,
    .run = run,
};
