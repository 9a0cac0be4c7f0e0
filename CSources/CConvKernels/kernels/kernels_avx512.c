// SPDX-License-Identifier: MIT
//
// The kernels of AVX-512.
//
// Block sizes: these CPUs stream both panels from a second-level cache of at least 1 MiB, so the
// deepest block wins, as C is then touched least (product of 1024 on Emerald Rapids, one thread: kc
// 256 gives 151 GFLOP/s, 384 gives 153, 512 gives 158, 1024 no more; on Zen 5, whose second-level
// cache is half as large, 1024 is 1 to 3 % ahead of 512).
#include "kernels/kernels.h"

#if defined(__x86_64__)
const convk_kernels convk_kernels_avx512 = {
    .isa = CONVK_ISA_AVX512,
    .name = "sgemm_14x32_avx512",
    .mr = 14,
    .nr = 32,
    .lanes = 16,
    .kc = 512,
    .product_kc = 1024,
    .mc = 56,
    .rows_filters = 6,
    .column = convk_sgemm_column_avx512,
    .depthwise_planes = convk_depthwise_planes_avx512,
    .planes_columns = 1 << 16,
    CONVK_MICRO_KERNELS(avx512),
    CONVK_DEPTHWISE_KERNELS(avx512),
    CONVK_OTHER_KERNELS(avx512),
};
#endif
