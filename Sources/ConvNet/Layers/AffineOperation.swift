// SPDX-License-Identifier: MIT
//
// A product with weights and a bias, perhaps with the ReLU behind it. The layer by itself and a
// plan's fused step are the same function.

/// An affine map with its weights, and what is done to its output at once.
struct AffineOperation: Sendable {
    /// `[in, out]`
    let weights: Tensor
    /// `[out]`
    let bias: Tensor
    /// Whether the output is rectified.
    var rectified = false

    /// The output in prediction.
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.affine(rows(of: x), weights: weights, bias: bias, rectified: rectified)
    }

    /// The output in training, and the way back.
    func forward(_ x: Tensor, on kernels: any Kernels) throws -> Forward {
        let output = try predict(x, on: kernels)
        return Forward(output) {
            [y = rectified ? output : nil] outputGradient, wanted in
            let gradient = try kernels.gradient(
                consume outputGradient, of: y == nil ? nil : .relu, output: y)
            return try gradients(gradient, input: x, wanted, on: kernels)
        }
    }

    private func gradients(
        _ outputGradient: Tensor, input x: Tensor, _ wanted: WantedGradients,
        on kernels: any Kernels
    ) throws -> LayerGradients {
        var gradients = LayerGradients(input: nil)
        if wanted.parameters {
            gradients.parameters = [
                try kernels.gemm(MatrixView(rows(of: x)).transposed, MatrixView(outputGradient)),
                try kernels.biasGradient(outputGradient),
            ]
        }
        if wanted.input {
            gradients.inputs = [
                try kernels.gemm(MatrixView(outputGradient), MatrixView(weights).transposed)
                    .reshaped(to: x.shape)
            ]
        }
        return gradients
    }

    /// The input as a matrix `[N, in]`.
    private func rows(of x: Tensor) throws -> Tensor {
        let inputSize = weights.shape[0]
        if x.shape.count == 2, x.shape[1] == inputSize { return x }
        guard x.shape.count >= 2, x.count / x.shape[0] == inputSize else {
            throw TensorError(
                operation: "Affine", argument: "x", value: "\(x.shape)",
                expected: "[N, \(inputSize)], or images of as many numbers")
        }
        return try x.reshaped(to: [x.shape[0], inputSize])
    }
}

extension Kernels {
    /// The gradient of what an activation was applied to along with another operation.
    ///
    /// - Parameter output: what came out; nil where there was no activation.
    func gradient(
        _ outputGradient: Tensor, of activation: Activation?, output: Tensor?
    ) throws -> Tensor {
        guard let activation, let output else { return outputGradient }
        return try activationGradient(outputGradient, from: output, activation)
    }
}
