// SPDX-License-Identifier: MIT
//
// Nothing to call: whatever is linked with this target has removed OpenMP's blank environment
// variables before `main` begins. See blank_variables.c.
#ifndef CBLANK_VARIABLES_H
#define CBLANK_VARIABLES_H

#endif
