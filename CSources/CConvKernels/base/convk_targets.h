// SPDX-License-Identifier: MIT
//
// What a leaf may use of each instruction set of x86-64: the text of its `target` attribute.
// Portable C and NEON, which every AArch64 processor has, need none.
#ifndef CONVK_TARGETS_H
#define CONVK_TARGETS_H

#define CONVK_AVX2 "avx2,fma"
#define CONVK_AVX512 "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"

#endif
