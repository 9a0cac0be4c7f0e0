// SPDX-License-Identifier: MIT
//
// Getting numbers out of a tensor, and tensors of one number type from those of the other.

extension Tensor {
    /// The numbers in row-major order as `Float` (rounded where the tensor holds `float64`).
    ///
    /// A new array, for which there has to be memory: Swift's arrays end the process where
    /// there is none.
    public var scalars: [Float] { converted() }

    /// The numbers in row-major order as `Double`; a new array, as for ``scalars``.
    public var doubles: [Double] { converted() }

    /// The number at one index per axis, outermost first.
    ///
    /// - Throws: ``TensorError`` when there are not as many indices as axes, or one is outside.
    public subscript(_ indices: Int...) -> Double {
        get throws(TensorError) {
            guard indices.count == shape.count,
                zip(indices, shape).allSatisfy({ $0 >= 0 && $0 < $1 })
            else {
                throw TensorError(
                    operation: "subscript", argument: "indices", value: "\(indices)",
                    expected: "an index inside each axis of \(shape)")
            }
            let offset = zip(indices, shape).reduce(0) { $0 * $1.1 + $1.0 }
            return number(at: offset)
        }
    }

    /// The number at a place in row-major order, which the caller has checked.
    package func number(at place: Int) -> Double {
        switch scalarType {
        case .float32: withUnsafeScalars(of: Float.self) { Double($0[place]) }
        case .float64: withUnsafeScalars(of: Double.self) { $0[place] }
        }
    }

    /// The same numbers in another type; itself when it has that type already.
    ///
    /// - Throws: ``TensorError`` when there is no memory for it.
    public func converted(to type: ScalarType) throws(TensorError) -> Tensor {
        guard type != scalarType else { return self }
        var result = try Tensor(uninitialized: shape, scalarType: type, operation: "converted")
        switch type {
        case .float32:
            withUnsafeScalars(of: Double.self) { numbers in
                result.withUnsafeMutableScalars(of: Float.self) {
                    for place in numbers.indices { $0[place] = Float(numbers[place]) }
                }
            }
        case .float64:
            withUnsafeScalars(of: Float.self) { numbers in
                result.withUnsafeMutableScalars(of: Double.self) {
                    for place in numbers.indices { $0[place] = Double(numbers[place]) }
                }
            }
        }
        return result
    }

    private func converted<Scalar: TensorScalar>() -> [Scalar] {
        switch scalarType {
        case .float32: return withUnsafeScalars(of: Float.self) { $0.map { Scalar($0) } }
        case .float64: return withUnsafeScalars(of: Double.self) { $0.map { Scalar($0) } }
        }
    }
}
