// SPDX-License-Identifier: MIT
//
// The activations, each on one line: its name, y as a function of x, and dx as a function of dy and
// v, v being y or x. a and b are its parameters. The enum, the leaves and their table are made of
// this list; Sources/ConvNetTensor/Activation.swift has the same names. The functions that are
// called here stand in activation_leaves.inc.
#ifndef CONVK_ACTIVATIONS_H
#define CONVK_ACTIVATIONS_H

// NaN compares false everywhere, and passes.
// clang-format off
#define CONVK_ACTIVATIONS(X)                                                                      \
    X(relu, x <= 0 ? 0 : x, v <= 0 ? 0 : dy)                                                      \
    X(clip, x < a ? a : (x > b ? b : x), v <= a || v >= b ? 0 : dy)                               \
    X(leakyReLU, x > 0 ? x : a * x, v > 0 ? dy : a * dy)                                          \
    X(elu, x > 0 ? x : a * exponential_less_one(x), v > 0 ? dy : dy * a * exponential(v))         \
    X(sigmoid, 1 / (1 + exponential(-x)), dy * v * (1 - v))                                       \
    X(hardSigmoid, between_0_and_1(a * x + b), v <= 0 || v >= 1 ? 0 : dy * a)                     \
    X(tanh, hyperbolic_tangent(x), dy * ((1 - v) * (1 + v)))                                      \
    X(silu, x / one_plus_exponential(-x), dy * silu_slope(v))                                     \
    X(hardSwish, x * between_0_and_1(x * (1.0f / 6) + 0.5f),                                      \
      v <= -3 ? 0 : (v >= 3 ? dy : dy * (v / 3 + 0.5f)))                                          \
    X(gelu, 0.5f * x * (1 + error_function(0.707106781f * x)), dy * gelu_slope(v))                \
    X(geluTanh, 0.5f * x * (1 + hyperbolic_tangent(gelu_argument(x))), dy * gelu_tanh_slope(v))   \
    X(softplus, softplus(x), dy / (1 + exponential(-v)))                                          \
    X(mish, x * tanh_of_softplus(x), dy * mish_slope(v))                                          \
    X(erf, error_function(x), dy * (1.128379167f * exponential(-v * v)))
// clang-format on

#endif
