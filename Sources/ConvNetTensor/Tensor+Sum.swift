// SPDX-License-Identifier: MIT
//
// Adding tensors up where they lie: what shards of a batch need of arithmetic outside of `Kernels`.
// Each sum is rounded once, so that it is the same bits wherever it is computed.

extension Tensor {
    /// Adds another tensor's numbers to this one's.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ, or the numbers are shared and
    ///   there is no memory for a copy.
    package mutating func add(_ other: Tensor) throws(TensorError) {
        guard other.shape == shape, other.scalarType == scalarType else {
            throw TensorError(
                operation: "add", argument: "other", value: "\(other.shape) of \(other.scalarType)",
                expected: "\(shape) of \(scalarType)")
        }
        try makeUnique(operation: "add")
        switch scalarType {
        case .float32: accumulate(other, as: Float.self)
        case .float64: accumulate(other, as: Double.self)
        }
    }

    /// Multiplies all numbers by a factor.
    ///
    /// - Throws: ``TensorError`` when the numbers are shared and there is no memory for a copy.
    package mutating func multiply(by factor: Double) throws(TensorError) {
        try makeUnique(operation: "multiply")
        switch scalarType {
        case .float32: scale(by: Float(factor))
        case .float64: scale(by: factor)
        }
    }

    private mutating func accumulate<Scalar: TensorScalar>(
        _ other: Tensor, as type: Scalar.Type
    ) {
        other.withUnsafeScalars(of: type) { addends in
            withUnsafeMutableScalars(of: type) { sums in
                for place in sums.indices { sums[place] += addends[place] }
            }
        }
    }

    private mutating func scale<Scalar: TensorScalar>(by factor: Scalar) {
        withUnsafeMutableScalars(of: Scalar.self) { numbers in
            for place in numbers.indices { numbers[place] *= factor }
        }
    }
}
