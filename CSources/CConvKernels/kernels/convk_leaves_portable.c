// SPDX-License-Identifier: MIT
//
// The inner loops, compiled for the architecture's baseline.
#include "kernels/convk_leaves.h"

enum { LANES = 4, PEAK_VECTORS = 12 };
#define LEAVES convk_leaves_portable
#include "kernels/convk_leaves.inc"
