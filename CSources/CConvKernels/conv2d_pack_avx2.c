// SPDX-License-Identifier: MIT
//
// Packing image patches for the AVX2 micro-kernel: the plain loops, compiled for its vectors.
#include "sgemm_kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
enum { NR = 16 };
#define FUNCTION(name) name##_avx2
#include "conv2d_pack_plain.h"
#include "conv2d_pack.inc"
#pragma clang attribute pop
#endif
