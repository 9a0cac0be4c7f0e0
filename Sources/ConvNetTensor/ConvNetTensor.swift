// SPDX-License-Identifier: MIT
//
// Importing any module of this package makes the errors of reading files visible as well.

@_exported public import ConvNetSupport
