// SPDX-License-Identifier: MIT
//
// Where NaN and infinity are.

extension Tensor {
    /// The place of the first number that is NaN or infinite, in row-major order; nil where all are
    /// finite.
    package var firstNonFinite: Int? {
        switch scalarType {
        case .float32: withUnsafeScalars(of: Float.self) { $0.firstIndex { !$0.isFinite } }
        case .float64: withUnsafeScalars(of: Double.self) { $0.firstIndex { !$0.isFinite } }
        }
    }

    /// The index of each axis, outermost first, of a place in row-major order.
    package func indices(ofPlace place: Int) -> [Int] {
        var (indices, rest) = ([Int](), place)
        for extent in shape.reversed() {
            indices.append(rest % extent)
            rest /= extent
        }
        return indices.reversed()
    }
}
