// SPDX-License-Identifier: MIT
//
// Whoever reads a file sees its errors, by importing any module of this package.

@_exported public import ConvNetSupport
