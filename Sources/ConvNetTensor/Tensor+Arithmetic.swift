// SPDX-License-Identifier: MIT
//
// Arithmetic number by number, for your own layers, losses and optimizers. Each result is rounded
// once. It runs on one thread; what must be fast goes through `Kernels`.

extension Tensor {
    /// The sum, number by number.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public static func + (left: Tensor, right: Tensor) throws(TensorError) -> Tensor {
        try left.combined(with: right, operation: "+", { $0 + $1 }, { $0 + $1 })
    }

    /// The difference, number by number.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public static func - (left: Tensor, right: Tensor) throws(TensorError) -> Tensor {
        try left.combined(with: right, operation: "-", { $0 - $1 }, { $0 - $1 })
    }

    /// The product, number by number.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public static func * (left: Tensor, right: Tensor) throws(TensorError) -> Tensor {
        try left.combined(with: right, operation: "*", { $0 * $1 }, { $0 * $1 })
    }

    /// The quotient, number by number.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public static func / (left: Tensor, right: Tensor) throws(TensorError) -> Tensor {
        try left.combined(with: right, operation: "/", { $0 / $1 }, { $0 / $1 })
    }

    /// Every number multiplied by a factor, which is rounded to the number type first.
    ///
    /// - Throws: ``TensorError`` when there is no memory for the result.
    public static func * (factor: Double, tensor: Tensor) throws(TensorError) -> Tensor {
        var result = tensor
        try result.multiply(by: factor)
        return result
    }

    /// Every number replaced by a function of it, computed in `Double` and rounded once.
    ///
    /// - Throws: ``TensorError`` when there is no memory for the result, and what `body` throws.
    public func map(_ body: (Double) throws -> Double) throws -> Tensor {
        var result = self
        try result.makeUnique(operation: "map")
        switch scalarType {
        case .float32:
            try result.withUnsafeMutableScalars(of: Float.self) { numbers in
                for place in numbers.indices {
                    numbers[place] = Float(try body(Double(numbers[place])))
                }
            }
        case .float64:
            try result.withUnsafeMutableScalars(of: Double.self) { numbers in
                for place in numbers.indices { numbers[place] = try body(numbers[place]) }
            }
        }
        return result
    }

    private func combined(
        with other: Tensor, operation: String, _ floats: (Float, Float) -> Float,
        _ doubles: (Double, Double) -> Double
    ) throws(TensorError) -> Tensor {
        guard other.shape == shape, other.scalarType == scalarType else {
            throw TensorError(
                operation: operation, argument: "right",
                value: "\(other.shape) of \(other.scalarType)",
                expected: "\(shape) of \(scalarType)")
        }
        var result = try Tensor(
            uninitialized: shape, scalarType: scalarType, operation: operation)
        switch scalarType {
        case .float32: write(other, to: &result, floats)
        case .float64: write(other, to: &result, doubles)
        }
        return result
    }

    private func write<Scalar: TensorScalar>(
        _ other: Tensor, to result: inout Tensor, _ function: (Scalar, Scalar) -> Scalar
    ) {
        withUnsafeScalars(of: Scalar.self) { left in
            other.withUnsafeScalars(of: Scalar.self) { right in
                result.withUnsafeMutableScalars(of: Scalar.self) { numbers in
                    for place in numbers.indices {
                        numbers[place] = function(left[place], right[place])
                    }
                }
            }
        }
    }
}
