// SPDX-License-Identifier: MIT
//
// Packing image patches for the portable micro-kernel.
#include "kernels/kernels.h"

enum { NR = 8 };
#define FUNCTION(name) name##_portable
#include "convolution/conv2d_pack_plain.h"
#include "convolution/conv2d_pack.inc"
