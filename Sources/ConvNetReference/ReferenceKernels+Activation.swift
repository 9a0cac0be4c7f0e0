// SPDX-License-Identifier: MIT
//
// Activations: one number in, one number out.

import ConvNetTensor

extension ReferenceKernels {
    /// `max(x, 0)`; NaN stays NaN.
    public func relu(_ x: Tensor) throws -> Tensor {
        try Tensor(x.shape, x.doubles.map { $0 <= 0 ? 0 : $0 }, like: x)
    }

    /// Passes the gradient where the output is not zero or below.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func reluGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try KernelChecks.require(
            output, matches: outputGradient, operation: "reluGradient", argument: "output")
        let values = zip(outputGradient.doubles, output.doubles).map { dy, y in y <= 0 ? 0 : dy }
        return try Tensor(output.shape, values, like: output)
    }

    /// `1 / (1 + exp(−x))`.
    public func sigmoid(_ x: Tensor) throws -> Tensor {
        try Tensor(x.shape, x.doubles.map { 1 / (1 + exponential(-$0)) }, like: x)
    }

    /// `outputGradient · y · (1 − y)`.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func sigmoidGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try KernelChecks.require(
            output, matches: outputGradient, operation: "sigmoidGradient", argument: "output")
        let values = zip(outputGradient.doubles, output.doubles).map { dy, y in dy * y * (1 - y) }
        return try Tensor(output.shape, values, like: output)
    }
}
