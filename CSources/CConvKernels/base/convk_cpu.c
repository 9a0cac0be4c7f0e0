// SPDX-License-Identifier: MIT
//
// What this CPU offers: instruction sets and processors. For the former the compiler's builtin asks
// the operating system too, whether it saves the wide registers.
#define _GNU_SOURCE // sched_getaffinity
#include "base/convk_base.h"

#include <stdatomic.h>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <unistd.h>
#endif

int convk_available_processors(void) {
#if defined(__linux__)
    // Linux refuses a set that is smaller than its own, which may be for more than one has bits
    // for.
    enum { MOST = 16 };
    cpu_set_t sets[MOST];
    for (size_t count = 1; count <= MOST; count *= 2)
        if (sched_getaffinity(0, count * sizeof *sets, sets) == 0)
            return (int)convk_max(CPU_COUNT_S(count * sizeof *sets, sets), 1);
#elif defined(__APPLE__)
    return (int)convk_max(sysconf(_SC_NPROCESSORS_ONLN), 1);
#endif
    return 1;
}

ptrdiff_t convk_second_level_cache(void) {
    enum { UNKNOWN = 1 << 20, SMALLEST = 256 << 10, LARGEST = 2 << 20 };
    // Asking can take as long as a small product, where the CPU is a virtual one.
    static _Atomic ptrdiff_t known = 0;
    ptrdiff_t bytes = atomic_load_explicit(&known, memory_order_relaxed);
    if (bytes > 0) return bytes;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    bytes = bytes <= 0 ? UNKNOWN : convk_min(convk_max(bytes, SMALLEST), LARGEST);
    atomic_store_explicit(&known, bytes, memory_order_relaxed);
    return bytes;
}

bool convk_isa_supported(convk_isa isa) {
    switch (isa) {
    case CONVK_ISA_PORTABLE:
        return true;
#if defined(__x86_64__)
    case CONVK_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case CONVK_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               convk_isa_supported(CONVK_ISA_AVX2);
#elif defined(__aarch64__)
    case CONVK_ISA_NEON:
        return true;
#endif
    default:
        return false;
    }
}

convk_isa convk_best_isa(void) {
    static const convk_isa best_first[] = {CONVK_ISA_AVX512, CONVK_ISA_AVX2, CONVK_ISA_NEON};
    for (size_t i = 0; i < sizeof best_first / sizeof best_first[0]; i++)
        if (convk_isa_supported(best_first[i])) return best_first[i];
    return CONVK_ISA_PORTABLE;
}

const char *convk_isa_name(convk_isa isa) {
    switch (isa) {
    case CONVK_ISA_NEON:
        return "neon";
    case CONVK_ISA_AVX2:
        return "avx2";
    case CONVK_ISA_AVX512:
        return "avx512";
    default:
        return "portable";
    }
}
