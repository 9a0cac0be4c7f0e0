// SPDX-License-Identifier: MIT
// Cairo as Debian ships it (package libcairo2-dev): pictures are drawn with it, and PNG read.
#include <cairo-svg.h>
#include <cairo.h>
