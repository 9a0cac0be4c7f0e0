// SPDX-License-Identifier: MIT
//
// What stands behind a number of threads where the kernels know only one.

import ConvNetKernels

package enum SerialNote {
    /// Empty where the kernels were built with OpenMP.
    package static let text = NativeKernels.usesOpenMP ? "" : " (serial: built without OpenMP)"
}
