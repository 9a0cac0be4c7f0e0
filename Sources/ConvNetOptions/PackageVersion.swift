// SPDX-License-Identifier: MIT
//
// The one place that says which version this is.

package enum PackageVersion {
    /// The version of the package and of both executables.
    package static let current = "0.2.0"
}
