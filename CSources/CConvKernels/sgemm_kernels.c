// SPDX-License-Identifier: MIT
//
// THE table of micro-kernels, best first; the portable row closes it.
//
// Block sizes: CPUs with AVX-512 stream both panels from a second-level cache of at least 1 MiB, so
// the deepest block wins, as C is then touched least (product of 1024 on Emerald Rapids, one
// thread: kc 256 gives 151 GFLOP/s, 384 gives 153, 512 gives 158, 1024 no more; on Zen 5, whose
// second-level cache is half as large, 1024 is 1 to 3 % ahead of 512). For the others a B
// panel of kc x nr floats stays in a first-level cache of 32 KiB and an A block of mc x kc in 256
// KiB.
#include "sgemm_kernels.h"

static const convk_sgemm_entry table[] = {
#if defined(__x86_64__)
    {.isa = CONVK_ISA_AVX512,
     .name = "sgemm_14x32_avx512",
     .mr = 14,
     .nr = 32,
     .lanes = 16,
     .kc = 512,
     .product_kc = 1024,
     .mc = 56,
     .kernel = convk_sgemm_14x32_avx512,
     .row = convk_sgemm_row_avx512,
     .direct = convk_direct_avx512,
     .rows = convk_rows_avx512,
     .rows_filters = 6,
     .planes = convk_planes_avx512,
     .planes_weights = convk_planes_weights_avx512,
     .direct_weights = convk_direct_weights_avx512,
     .pack_strip = convk_pack_strip_avx512,
     .spread_rows = convk_spread_rows_avx512,
     .unpack_planes = convk_unpack_planes_avx512,
     .pack_patches = convk_pack_patches_avx512,
     .gather_taps = convk_gather_taps_avx512},
    {.isa = CONVK_ISA_AVX2,
     .name = "sgemm_6x16_avx2",
     .mr = 6,
     .nr = 16,
     .lanes = 8,
     .kc = 384,
     .product_kc = 384,
     .mc = 96,
     .kernel = convk_sgemm_6x16_avx2,
     .row = convk_sgemm_row_avx2,
     .direct = convk_direct_avx2,
     .rows = convk_rows_avx2,
     .rows_filters = 2,
     .planes = convk_planes_avx2,
     .planes_weights = convk_planes_weights_avx2,
     .direct_weights = convk_direct_weights_avx2,
     .pack_strip = convk_pack_strip_avx2,
     .spread_rows = convk_spread_rows_avx2,
     .unpack_planes = convk_unpack_planes_avx2,
     .pack_patches = convk_pack_patches_avx2,
     .gather_taps = convk_gather_taps_avx2},
#elif defined(__aarch64__)
    {.isa = CONVK_ISA_NEON,
     .name = "sgemm_8x12_neon",
     .mr = 8,
     .nr = 12,
     .lanes = 4,
     .kc = 256,
     .product_kc = 256,
     .mc = 192,
     .kernel = convk_sgemm_8x12_neon,
     .row = convk_sgemm_row_neon,
     .direct = convk_direct_neon,
     .rows = convk_rows_neon,
     .rows_filters = 6,
     .direct_weights = convk_direct_weights_neon,
     .pack_strip = convk_pack_strip_portable,
     .spread_rows = convk_spread_rows_portable,
     .unpack_planes = convk_unpack_planes_portable,
     .pack_patches = convk_pack_patches_neon,
     .gather_taps = convk_gather_taps_neon},
#endif
    {.isa = CONVK_ISA_PORTABLE,
     .name = "sgemm_4x8_portable",
     .mr = 4,
     .nr = 8,
     .lanes = 4,
     .kc = 256,
     .product_kc = 256,
     .mc = 128,
     .kernel = convk_sgemm_4x8_portable,
     .row = convk_sgemm_row_portable,
     .direct = convk_direct_portable,
     .rows = convk_rows_portable,
     .rows_filters = 2,
     .direct_weights = convk_direct_weights_portable,
     .pack_strip = convk_pack_strip_portable,
     .spread_rows = convk_spread_rows_portable,
     .unpack_planes = convk_unpack_planes_portable,
     .pack_patches = convk_pack_patches_portable,
     .gather_taps = convk_gather_taps_portable},
};

const convk_sgemm_entry *convk_sgemm_entry_for(convk_isa isa) {
    const convk_sgemm_entry *entry = table;
    const convk_sgemm_entry *last = table + sizeof table / sizeof table[0] - 1;
    while (entry < last && entry->isa != isa) entry++;
    return entry;
}

const char *convk_sgemm_kernel_name(convk_isa isa) {
    return convk_sgemm_entry_for(isa)->name;
}
