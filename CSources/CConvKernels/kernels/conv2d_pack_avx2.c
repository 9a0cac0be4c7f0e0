// SPDX-License-Identifier: MIT
//
// Packing image patches for the AVX2 micro-kernel: the plain loops, compiled for its vectors.
#include "base/convk_targets.h"
#include "kernels/kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CONVK_AVX2))), apply_to = function)
enum { NR = 16 };
#define FUNCTION(name) name##_avx2
#include "convolution/conv2d_pack_plain.h"
#include "convolution/conv2d_pack.inc"
#pragma clang attribute pop
#endif
