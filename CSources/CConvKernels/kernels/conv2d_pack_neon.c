// SPDX-License-Identifier: MIT
//
// Packing image patches for the NEON micro-kernel. The compiler may assume NEON on 64-bit Arm.
#include "kernels/kernels.h"

#if defined(__aarch64__)
enum { NR = 12 };
#define FUNCTION(name) name##_neon
#include "convolution/conv2d_pack_plain.h"
#include "convolution/conv2d_pack.inc"
#endif
