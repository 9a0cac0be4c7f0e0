// SPDX-License-Identifier: MIT
//
// Copies between arrays whose axes lie in another order, run backwards or leave numbers out. The
// last two axes make patches of about CONVK_PATCH numbers: rows that lie side by side on both sides
// are copied as they are, and what is turned goes through registers, four rows and columns at a
// time. Threads share the patches, which are disjoint.
#include "base/convk_base.h"
#include "base/convk_transpose.h"

#include <string.h>

enum {
    CONVK_PATCH = 8192, ///< numbers of a patch, about: half of a first-level cache on both sides
    CONVK_SIDE = 64,    ///< rows and columns of one that is turned
};

/// The axes from the outermost on, the last two being those of a patch, and how patches are cut.
typedef struct {
    convk_copy_axis axes[CONVK_MOST_AXES + 2];
    int count;
    ptrdiff_t rows, columns;        ///< of a patch
    ptrdiff_t from_first, to_first; ///< where the first number lies
    ptrdiff_t row_blocks, column_blocks, patches;
} copy_plan;

/// Takes up the axes with more than one index, turned so that the output's strides are positive, in
/// the order of those strides, the narrowest last.
static void take_axes(copy_plan *plan, const convk_copy_axis *axes, int count) {
    for (int a = 0; a < count; a++) {
        convk_copy_axis axis = axes[a];
        if (axis.extent == 1) continue;
        if (axis.to < 0) {
            plan->from_first += (axis.extent - 1) * axis.from;
            plan->to_first += (axis.extent - 1) * axis.to;
            axis.from = -axis.from;
            axis.to = -axis.to;
        }
        int place = plan->count++;
        for (; place > 0 && plan->axes[place - 1].to < axis.to; place--)
            plan->axes[place] = plan->axes[place - 1];
        plan->axes[place] = axis;
    }
}

/// Makes one of neighbouring axes that are one run on both sides.
static void merge_axes(copy_plan *plan) {
    int last = 0;
    for (int a = 1; a < plan->count; a++) {
        convk_copy_axis *outer = &plan->axes[last];
        const convk_copy_axis inner = plan->axes[a];
        if (outer->from == inner.from * inner.extent && outer->to == inner.to * inner.extent)
            *outer = (convk_copy_axis){outer->extent * inner.extent, inner.from, inner.to};
        else
            plan->axes[++last] = inner;
    }
    if (plan->count > 0) plan->count = last + 1;
}

/// Of a patch's two axes, the rows' is the one along which the input's numbers lie closest.
static void choose_rows(copy_plan *plan) {
    const convk_copy_axis columns = plan->axes[plan->count - 1];
    if (columns.from == 1) return;
    int rows = plan->count - 2;
    for (int a = 0; a < rows; a++) {
        const ptrdiff_t from = plan->axes[a].from, best = plan->axes[rows].from;
        if (from != 0 && (best == 0 || (from < 0 ? -from : from) < (best < 0 ? -best : best)))
            rows = a;
    }
    const convk_copy_axis chosen = plan->axes[rows];
    for (int a = rows; a + 2 < plan->count; a++) plan->axes[a] = plan->axes[a + 1];
    plan->axes[plan->count - 2] = chosen;
}

static copy_plan make_plan(const convk_copy_axis *axes, int count) {
    assert(count <= CONVK_MOST_AXES);
    copy_plan plan = {.count = 0};
    take_axes(&plan, axes, count);
    merge_axes(&plan);
    while (plan.count < 2) {
        for (int a = plan.count++; a > 0; a--) plan.axes[a] = plan.axes[a - 1];
        plan.axes[0] = (convk_copy_axis){1, 0, 0};
    }
    choose_rows(&plan);
    const convk_copy_axis rows = plan.axes[plan.count - 2], columns = plan.axes[plan.count - 1];
    const bool is_run = columns.from == 1 && columns.to == 1;
    plan.columns = convk_min(columns.extent, is_run ? CONVK_PATCH : CONVK_SIDE);
    const ptrdiff_t side =
        plan.columns < CONVK_SIDE || is_run ? CONVK_PATCH / plan.columns : CONVK_SIDE;
    plan.rows = convk_min(rows.extent, convk_max(side, 1));
    plan.row_blocks = convk_ceil_div(rows.extent, plan.rows);
    plan.column_blocks = convk_ceil_div(columns.extent, plan.columns);
    plan.patches = plan.row_blocks * plan.column_blocks;
    for (int a = 0; a < plan.count - 2; a++) plan.patches *= plan.axes[a].extent;
    return plan;
}

static void copy_number_by_number(float *restrict y, const float *restrict x, convk_copy_axis rows,
                                  convk_copy_axis columns) {
    for (ptrdiff_t r = 0; r < rows.extent; r++)
        for (ptrdiff_t c = 0; c < columns.extent; c++)
            y[r * rows.to + c * columns.to] = x[r * rows.from + c * columns.from];
}

static void copy_runs(float *restrict y, const float *restrict x, convk_copy_axis rows,
                      ptrdiff_t count) {
    for (ptrdiff_t r = 0; r < rows.extent; r++) {
        float *y_r = y + r * rows.to;
        const float *x_r = x + r * rows.from;
        if (count < 64)
            convk_copy_short(y_r, x_r, count);
        else
            memcpy(y_r, x_r, (size_t)count * sizeof *y);
    }
}

/// A patch whose input runs along the rows' axis and whose output runs along the columns'.
static void copy_turned(float *restrict y, const float *restrict x, convk_copy_axis rows,
                        convk_copy_axis columns) {
    const ptrdiff_t whole_rows = rows.extent & ~(ptrdiff_t)3;
    const ptrdiff_t whole_columns = columns.extent & ~(ptrdiff_t)3;
    for (ptrdiff_t r = 0; r < whole_rows; r += 4) {
        for (ptrdiff_t c = 0; c < whole_columns; c += 4) {
            convk_four turned[4];
            convk_transposed_fours_plain(turned, x + r + c * columns.from, columns.from, 4);
            for (int q = 0; q < 4; q++)
                memcpy(y + (r + q) * rows.to + c, &turned[q], sizeof turned[q]);
        }
    }
    const convk_copy_axis right = {columns.extent - whole_columns, columns.from, 1};
    const convk_copy_axis upper = {whole_rows, 1, rows.to};
    copy_number_by_number(y + whole_columns, x + whole_columns * columns.from, upper, right);
    const convk_copy_axis lower = {rows.extent - whole_rows, 1, rows.to};
    copy_number_by_number(y + whole_rows * rows.to, x + whole_rows, lower, columns);
}

static void copy_patch(float *restrict y, const float *restrict x, convk_copy_axis rows,
                       convk_copy_axis columns) {
    if (columns.from == 1 && columns.to == 1)
        copy_runs(y, x, rows, columns.extent);
    else if (rows.from == 1 && columns.to == 1)
        copy_turned(y, x, rows, columns);
    else
        copy_number_by_number(y, x, rows, columns);
}

static void copy_patches(float *restrict y, const float *restrict x, const copy_plan *plan,
                         convk_share share) {
    const convk_copy_axis rows = plan->axes[plan->count - 2], columns = plan->axes[plan->count - 1];
    for (ptrdiff_t patch = share.begin; patch < share.end; patch++) {
        ptrdiff_t rest = patch / plan->column_blocks;
        const ptrdiff_t c = patch % plan->column_blocks * plan->columns;
        const ptrdiff_t r = rest % plan->row_blocks * plan->rows;
        rest /= plan->row_blocks;
        ptrdiff_t from = plan->from_first + r * rows.from + c * columns.from;
        ptrdiff_t to = plan->to_first + r * rows.to + c * columns.to;
        for (int a = plan->count - 3; a >= 0; a--) {
            const ptrdiff_t index = rest % plan->axes[a].extent;
            rest /= plan->axes[a].extent;
            from += index * plan->axes[a].from;
            to += index * plan->axes[a].to;
        }
        const convk_copy_axis part_rows = {convk_min(plan->rows, rows.extent - r), rows.from,
                                           rows.to};
        const convk_copy_axis part_columns = {convk_min(plan->columns, columns.extent - c),
                                              columns.from, columns.to};
        copy_patch(y + to, x + from, part_rows, part_columns);
    }
}

void convk_strided_copy(float *restrict y, const float *restrict x, const convk_copy_axis *axes,
                        int count, convk_execution execution) {
    const copy_plan plan = make_plan(axes, count);
    const int threads = convk_threads_for(plan.patches * plan.rows * plan.columns, execution);
    if (convk_is_alone(threads)) return copy_patches(y, x, &plan, (convk_share){0, plan.patches});
    CONVK_PARALLEL (threads) {
        copy_patches(y, x, &plan, convk_share_of(plan.patches));
    }
}
