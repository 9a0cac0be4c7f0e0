// SPDX-License-Identifier: MIT
//
// ReferenceKernels: every operation as its definition reads, one loop per index. It shares nothing
// with the native kernels but the argument checks, so that where both agree, both are right.

@_exported public import ConvNetTensor

/// The kernels in plain Swift, to read and to compare with.
///
/// Takes tensors of `float32` and of `float64`, all of one type in one call, and gives tensors of
/// that type. Whatever the type, it computes in `Double` and rounds once, at the end. It knows no
/// threads and no vectors.
public struct ReferenceKernels: Kernels {
    /// `reference`.
    public let name = "reference"

    /// The reference has no settings.
    public init() {}

    /// Fails unless the tensors hold the same type of number.
    static func requireSameType(
        _ first: Tensor, _ others: (argument: String, tensor: Tensor?)..., operation: String
    ) throws(TensorError) {
        for (argument, tensor) in others {
            guard let tensor else { continue }
            try KernelChecks.require(
                tensor, holds: first.scalarType, operation: operation, argument: argument)
        }
    }
}

extension Tensor {
    /// A tensor of sums in `Double` that begin at 0, rounded to the type of another
    /// tensor in the end.
    ///
    /// The sums lie in a tensor, as an array of more than there is memory for would trap.
    init(
        _ shape: [Int], like other: Tensor, operation: String,
        summing body: (UnsafeMutableBufferPointer<Double>) -> Void
    ) throws(TensorError) {
        var sums = try Tensor(uninitialized: shape, scalarType: .float64, operation: operation)
        sums.withUnsafeMutableScalars(of: Double.self) {
            $0.update(repeating: 0)
            body($0)
        }
        self = try sums.converted(to: other.scalarType)
    }

    /// A tensor of the given type with these numbers, rounded where they are too fine for it.
    init(_ shape: [Int], _ values: [Double], like other: Tensor) throws(TensorError) {
        self = try Tensor(shape: shape, doubles: values).converted(to: other.scalarType)
    }
}

extension WindowedSizes {
    /// How many places the window takes in one plane.
    var places: Int { outputHeight * outputWidth }

    /// How many pixels a plane has.
    var pixels: Int { height * width }

    /// The input row that tap u of output row i reads; outside `0..<height` it is padding.
    func row(_ i: Int, tap u: Int) -> Int {
        i * window.stride.height + u * window.dilation.height - window.padding.top
    }

    /// The input column that tap v of output column j reads; outside `0..<width` it is padding.
    func column(_ j: Int, tap v: Int) -> Int {
        j * window.stride.width + v * window.dilation.width - window.padding.left
    }
}
