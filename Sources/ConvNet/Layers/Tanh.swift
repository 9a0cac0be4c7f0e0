// SPDX-License-Identifier: MIT
//
// The hyperbolic tangent, as between the layers of LeNet in 1998.

/// `tanh(x)` for each number, of any shape.
public struct Tanh: Layer {
    private var output: Tensor?

    /// A layer without parameters.
    public init() {}

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.tanh(x)
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let y = try kernels.tanh(x)
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
        return needsInputGradient ? try kernels.tanhGradient(outputGradient, output: y) : nil
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> Tanh { Tanh() }
}
