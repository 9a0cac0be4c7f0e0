// SPDX-License-Identifier: MIT
#include "convk_base.h"

const char *convk_sgemm_kernel_name(convk_isa isa) { return convk_isa_name(isa); }
