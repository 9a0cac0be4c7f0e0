// SPDX-License-Identifier: MIT
//
// Whoever reads a file sees its errors, by importing this module alone.

@_exported public import ConvNetSupport
