// SPDX-License-Identifier: MIT
//
// Pooling over whole planes; Lin et al., "Network in network", 2013.

/// The largest number of each plane: `[N, C, H, W]` to `[N, C, 1, 1]`, images of one pixel, as in ONNX, so that
/// convolutions may follow; ``Flatten`` makes rows of them, and ``Affine`` takes them as they are.
public struct GlobalMaxPooling: Layer {
    // Made for the planes of the last forward pass.
    private var pooling: MaxPooling?
    private var inputShape: [Int]?

    /// A layer without parameters.
    public init() {}

    private func pooling(for inputShape: [Int]) throws -> MaxPooling {
        guard inputShape.count == 4 else {
            throw TensorError(
                operation: "GlobalMaxPooling", argument: "x", value: "\(inputShape)",
                expected: "[N, C, H, W]")
        }
        return MaxPooling(window: try Window(height: inputShape[2], width: inputShape[3]))
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try pooling(for: inputShape).outputShape(for: inputShape)
    }

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try pooling(for: x.shape).predict(x, on: kernels)
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        var pooling = try pooling(for: x.shape)
        let output = try pooling.forward(x, on: kernels)
        (self.pooling, inputShape) = (pooling, x.shape)
        return output
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        var pooling = try Self.kept(pooling)
        // Checked here, so that the error names this layer.
        try require(outputGradient, fitsInput: try Self.kept(inputShape))
        let gradient = try pooling.backward(
            outputGradient, needsInputGradient: needsInputGradient, on: kernels)
        (self.pooling, inputShape) = (nil, nil)
        return gradient
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> GlobalMaxPooling {
        GlobalMaxPooling()
    }
}
