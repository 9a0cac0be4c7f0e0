// SPDX-License-Identifier: MIT
//
// Images as rows.

/// The numbers of each sample in a row: `[N, C, H, W]`, or any shape from two axes on, to `[N, C·H·W]`.
/// Nothing is copied. ``Affine`` does not need it; a network that ends in a pooling does.
public struct Flatten: Layer {
    private var inputShape: [Int]?

    /// A layer without parameters.
    public init() {}

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

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try x.reshaped(to: outputShape(for: x.shape))
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let output = try predict(x, on: kernels)
        inputShape = x.shape
        return output
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        let shape = try Self.kept(inputShape)
        try require(outputGradient, fitsInput: shape)
        inputShape = nil
        return needsInputGradient ? try outputGradient.reshaped(to: shape) : nil
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> Flatten { Flatten() }
}
