// SPDX-License-Identifier: MIT
//
// The kernels of AVX2 with FMA.
//
// Block sizes: a B panel of kc x nr floats stays in a first-level cache of 32 KiB, and an A block
// of mc x kc in 256 KiB.
#include "kernels/kernels.h"

#if defined(__x86_64__)
const convk_kernels convk_kernels_avx2 = {
    .isa = CONVK_ISA_AVX2,
    .name = "sgemm_6x16_avx2",
    .mr = 6,
    .nr = 16,
    .lanes = 8,
    .kc = 384,
    .product_kc = 384,
    .mc = 96,
    .rows_filters = 2,
    .column = convk_sgemm_column_avx2,
    .depthwise_planes = convk_depthwise_planes_avx2,
    .planes_columns = 27,
    CONVK_MICRO_KERNELS(avx2),
    CONVK_DEPTHWISE_KERNELS(avx2),
    CONVK_OTHER_KERNELS(avx2),
};
#endif
