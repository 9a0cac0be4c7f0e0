// SPDX-License-Identifier: MIT
//
// The operations on two arrays and the reductions of one, each on one line. The enums, the leaves
// and their tables are made of these lists; Sources/ConvNetTensor/BinaryOperation.swift and
// Reduction.swift have the same names. The functions that are called here stand in
// elementwise_leaves.inc.
#ifndef CONVK_ELEMENTWISE_H
#define CONVK_ELEMENTWISE_H

// The name, y as a function of a and b, and the gradients of a and of b as functions of dy, a and
// b. NaN compares false everywhere, and passes.
// clang-format off
#define CONVK_BINARY_OPERATIONS(X)                                                                \
    X(add, a + b, dy, dy)                                                                         \
    X(subtract, a - b, dy, -dy)                                                                   \
    X(multiply, a * b, dy * b, dy * a)                                                            \
    X(divide, a / b, dy / b, -dy * (a / b) / b)                                                   \
    X(power, raised(a, b), raised_slope_of_base(dy, a, b), raised_slope_of_exponent(dy, a, b))    \
    X(minimum, a < b || a != a ? a : b, a == b ? dy / 2 : (a > b ? 0 : dy),                       \
      a == b ? dy / 2 : (a < b ? 0 : dy))                                                         \
    X(maximum, a > b || a != a ? a : b, a == b ? dy / 2 : (a < b ? 0 : dy),                       \
      a == b ? dy / 2 : (a > b ? 0 : dy))                                                         \
    X(prelu, a > 0 ? a : b * a, a > 0 ? dy : b * dy, a > 0 ? 0 : dy * a)

// The name, in double: what a total begins at, the total t with another number x, two totals t and
// u in one, and what becomes of the total of n numbers.
#define CONVK_REDUCTIONS(X)                                                                       \
    X(sum, 0, t + x, t + u, t)                                                                    \
    X(mean, 0, t + x, t + u, t / (double)n)                                                       \
    X(maximum, -INFINITY, t > x || t != t ? t : x, t > u || t != t ? t : u, t)                    \
    X(minimum, INFINITY, t < x || t != t ? t : x, t < u || t != t ? t : u, t)                     \
    X(l2, 0, t + x * x, t + u, sqrt(t))
// clang-format on

#endif
