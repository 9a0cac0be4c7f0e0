// SPDX-License-Identifier: MIT
//
// Loops over numbers that layers do themselves, where there is no kernel.

/// A loop whose turns are independent of each other, on the threads of kernels that have some.
///
/// - Parameter numbers: how many numbers each turn looks at.
func forEachBlock(
    of count: Int, numbers: Int = 1, on kernels: any Kernels, _ body: (Range<Int>) -> Void
) throws(TensorError) {
    guard let native = kernels as? NativeKernels else { return body(0..<count) }
    try native.forEachBlock(of: count, block: max((1 << 13) / max(numbers, 1), 1), body)
}

extension Tensor {
    /// Every number replaced by a function of it, as ``map(_:)`` does, on the threads of kernels.
    func mapped(on kernels: any Kernels, _ function: (Double) -> Double) throws -> Tensor {
        var result = try Tensor(uninitialized: shape, scalarType: scalarType, operation: "map")
        switch scalarType {
        case .float32: try write(to: &result, on: kernels, function, Float.self)
        case .float64: try write(to: &result, on: kernels, function, Double.self)
        }
        return result
    }

    private func write<Scalar: TensorScalar>(
        to result: inout Tensor, on kernels: any Kernels, _ function: (Double) -> Double,
        _ type: Scalar.Type
    ) throws(TensorError) {
        try withUnsafeScalars(of: type) { numbers throws(TensorError) in
            try result.withUnsafeMutableScalars(of: type) { results throws(TensorError) in
                try forEachBlock(of: numbers.count, on: kernels) { block in
                    for place in block {
                        results[place] = Scalar(function(Double(numbers[place])))
                    }
                }
            }
        }
    }
}
