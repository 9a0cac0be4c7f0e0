// SPDX-License-Identifier: MIT
//
// Softmax as a layer of its own; a classifier is trained without it, by `SoftmaxWithLoss`.

/// Each row's softmax, `exp(x[n,k]) / Σ exp(x[n,j])`: `[N, K]` to `[N, K]`.
public struct Softmax: Layer {
    private var output: Tensor?

    /// A layer without parameters.
    public init() {}

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        guard inputShape.count == 2 else {
            throw TensorError(
                operation: "Softmax", argument: "x", value: "\(inputShape)", expected: "[N, K]")
        }
        return inputShape
    }

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.softmax(x)
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let y = try kernels.softmax(x)
        output = y
        return y
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        let y = try Self.kept(output)
        try require(outputGradient, fitsInput: y.shape)
        output = nil
        return needsInputGradient ? try kernels.softmaxGradient(outputGradient, output: y) : nil
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> Softmax { Softmax() }
}
