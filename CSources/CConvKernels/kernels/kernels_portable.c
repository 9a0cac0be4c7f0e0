// SPDX-License-Identifier: MIT
//
// The kernels in portable C.
//
// Block sizes: a B panel of kc x nr floats stays in a first-level cache of 32 KiB, and an A block
// of mc x kc in 256 KiB.
#include "kernels/kernels.h"

const convk_kernels convk_kernels_portable = {
    .isa = CONVK_ISA_PORTABLE,
    .name = "sgemm_4x8_portable",
    .mr = 4,
    .nr = 8,
    .lanes = 4,
    .kc = 256,
    .product_kc = 256,
    .mc = 128,
    .rows_filters = 2,
    CONVK_MICRO_KERNELS(portable),
    CONVK_OTHER_KERNELS(portable),
};
