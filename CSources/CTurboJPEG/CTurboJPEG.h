// SPDX-License-Identifier: MIT
// libjpeg-turbo's TurboJPEG interface as Debian ships it (package libturbojpeg0-dev): JPEG files
// are read with it. Version 2.1 is enough: no function that begins with tj3 is called.
#include <turbojpeg.h>
