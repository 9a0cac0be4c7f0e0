// SPDX-License-Identifier: MIT
//
// Packing image patches for the portable micro-kernel.
#include "sgemm_kernels.h"

enum { NR = 8 };
#define FUNCTION(name) name##_portable
#include "conv2d_pack_plain.h"
#include "conv2d_pack.inc"
