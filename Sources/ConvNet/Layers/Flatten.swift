// SPDX-License-Identifier: MIT
//
// Images as rows.

/// The numbers of each sample in a row: `[N, C, H, W]`, or any shape from two axes on, to
/// `[N, C·H·W]`. Nothing is copied. ``Affine`` does not need it; a network that ends in a pooling
/// does.
public struct Flatten: UnaryLayer {
    /// A layer without parameters.
    public init() {}

    /// Pixels become numbers of a row.
    public var fixesInputShape: Bool { true }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let count = try Shape.elementCount(inputShape, operation: "Flatten", argument: "x")
        guard inputShape.count >= 2 else {
            throw TensorError(
                operation: "Flatten", argument: "x", value: "\(inputShape)",
                expected: "[N, C] or [N, C, …]")
        }
        return [inputShape[0], count / inputShape[0]]
    }

    /// None: nothing is computed.
    public func operationCount(for inputShape: [Int]) throws -> Int { 0 }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try x.reshaped(to: outputShape(for: x.shape))
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let output = try predict(x, on: pass.kernels)
        return Forward(output) { [inputShape = x.shape] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try outputGradient.reshaped(to: inputShape))
        }
    }
}
