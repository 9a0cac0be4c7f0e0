// SPDX-License-Identifier: MIT
// zlib as Debian ships it (package zlib1g-dev): gzip files are read through it.
#include <zlib.h>
