// SPDX-License-Identifier: MIT
//
// Layers that compute nothing: their output is some of the input's numbers in another order.

/// A layer whose output is a view of its input, perhaps in another shape.
protocol ViewLayer: UnaryLayer {
    /// Where the output's numbers lie in an input, no place twice.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func view(of inputShape: [Int]) throws -> StridedView
}

extension ViewLayer {
    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        try view(of: inputShape).shape
    }

    /// None: numbers are copied.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        _ = try outputShape(for: inputShape)
        return 0
    }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let shape = try outputShape(for: x.shape)
        return try kernels.copied(x, as: view(of: x.shape)).reshaped(to: shape)
    }

    /// The layer's output in training, and the way back: numbers that were left out have no
    /// gradient.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let view = try view(of: x.shape)
        return Forward(try predict(x, on: pass.kernels)) {
            [inputShape = x.shape, kernels = pass.kernels] outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try kernels.copiedBack(
                    outputGradient.reshaped(to: view.shape), to: view, inputShape: inputShape))
        }
    }
}
