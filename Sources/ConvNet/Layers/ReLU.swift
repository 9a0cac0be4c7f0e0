// SPDX-License-Identifier: MIT
//
// The rectifier, "Deep Learning from Scratch", section 5.5.1.

/// `max(x, 0)` for each number, of any shape. NaN stays NaN; the gradient at 0 is 0.
public struct ReLU: Layer {
    private var output: Tensor?

    /// A layer without parameters.
    public init() {}

    /// A layer whose forward pass the layer before did along with its own.
    init(output: Tensor) { self.output = output }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.relu(x)
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let y = try kernels.relu(x)
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
        return needsInputGradient ? try kernels.reluGradient(outputGradient, output: y) : nil
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> ReLU { ReLU() }
}
