// SPDX-License-Identifier: MIT
// Cairo as Debian ships it (package libcairo2-dev): pictures are drawn with it.
#include <cairo-svg.h>
#include <cairo.h>
