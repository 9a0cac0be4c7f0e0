// SPDX-License-Identifier: MIT
// libpng as Debian ships it (package libpng-dev): PNG files are read with it.
#include <png.h>
