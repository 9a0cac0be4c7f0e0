// SPDX-License-Identifier: MIT
//
// Arithmetic on shapes that can't overflow. A shape is a plain `[Int]`, outermost axis first.

/// Checked arithmetic on shapes.
package enum Shape {
    /// The largest extent of one axis. It keeps every product of an extent, a stride and a
    /// dilation inside `Int`, so that geometry needs no overflow checks of its own.
    package static let largestExtent = Int(Int32.max)

    /// The number of elements of `shape`, 1 for a scalar's `[]`.
    ///
    /// - Throws: ``TensorError`` when an axis is empty or too long, or when the bytes of that many
    ///   `Double`s do not fit in `Int`.
    package static func elementCount(
        _ shape: [Int], operation: String, argument: String = "shape"
    ) throws(TensorError) -> Int {
        var count = 1
        for extent in shape {
            let product = count.multipliedReportingOverflow(by: extent)
            guard extent > 0, extent <= largestExtent, !product.overflow,
                product.partialValue <= Int.max / 16
            else {
                throw TensorError(
                    operation: operation, argument: argument, value: "\(shape)",
                    expected:
                        "extents from 1 to \(largestExtent) and a size that fits in memory")
            }
            count = product.partialValue
        }
        return count
    }
}
