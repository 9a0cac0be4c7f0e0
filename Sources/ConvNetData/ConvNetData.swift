// SPDX-License-Identifier: MIT
//
// Importing this module makes the errors of reading and writing files visible as well.

@_exported public import ConvNetSupport
