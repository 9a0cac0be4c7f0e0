// SPDX-License-Identifier: MIT
//
// The kernels of NEON, which is part of 64-bit Arm's baseline: portable C beside the micro-kernels
// is compiled for it.
//
// Block sizes: a B panel of kc x nr floats stays in a first-level cache of 32 KiB, and an A block
// of mc x kc in 256 KiB.
#include "kernels/kernels.h"

#if defined(__aarch64__)
const convk_kernels convk_kernels_neon = {
    .isa = CONVK_ISA_NEON,
    .name = "sgemm_8x12_neon",
    .mr = 8,
    .nr = 12,
    .lanes = 4,
    .kc = 256,
    .product_kc = 256,
    .mc = 192,
    .rows_filters = 6,
    .column = convk_sgemm_column_neon,
    CONVK_MICRO_KERNELS(neon),
    CONVK_DEPTHWISE_KERNELS(neon),
    CONVK_OTHER_KERNELS(portable),
};
#endif
