// SPDX-License-Identifier: MIT
//
// Pooling over whole planes; Lin et al., "Network in network", 2013.

/// The mean of each plane: `[N, C, H, W]` to `[N, C, 1, 1]`, images of one pixel, as in
/// ONNX, so that convolutions may follow; ``Flatten`` makes rows of them, and ``Affine``
/// takes them as they are.
public struct GlobalAveragePooling: UnaryLayer {
    /// A layer without parameters.
    public init() {}

    private func pooling(for inputShape: [Int]) throws -> AveragePooling {
        guard inputShape.count == 4 else {
            throw TensorError(
                operation: "GlobalAveragePooling", argument: "x", value: "\(inputShape)",
                expected: "[N, C, H, W]")
        }
        return AveragePooling(window: try Window(height: inputShape[2], width: inputShape[3]))
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try pooling(for: inputShape).outputShape(for: inputShape)
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try pooling(for: x.shape).predict(x, on: kernels)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try pooling(for: x.shape).forward(x, in: pass)
    }
}
