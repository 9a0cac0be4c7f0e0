// SPDX-License-Identifier: MIT
//
// Which table of kernels serves an instruction set.
#include "kernels/kernels.h"

const convk_kernels *convk_kernels_for(convk_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case CONVK_ISA_AVX512:
        return &convk_kernels_avx512;
    case CONVK_ISA_AVX2:
        return &convk_kernels_avx2;
#elif defined(__aarch64__)
    case CONVK_ISA_NEON:
        return &convk_kernels_neon;
#endif
    default:
        return &convk_kernels_portable;
    }
}

const char *convk_sgemm_kernel_name(convk_isa isa) {
    return convk_kernels_for(isa)->name;
}
