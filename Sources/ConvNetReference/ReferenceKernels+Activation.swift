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

    /// `tanh(x)`.
    public func tanh(_ x: Tensor) throws -> Tensor {
        try Tensor(x.shape, x.doubles.map(hyperbolicTangent), like: x)
    }

    /// `outputGradient · (1 − y²)`.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func tanhGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try KernelChecks.require(
            output, matches: outputGradient, operation: "tanhGradient", argument: "output")
        let values = zip(outputGradient.doubles, output.doubles).map { dy, y in dy * (1 - y * y) }
        return try Tensor(output.shape, values, like: output)
    }

    /// `x > 0 ? x : negativeSlope · x`.
    public func leakyReLU(_ x: Tensor, negativeSlope: Double) throws -> Tensor {
        try Tensor(x.shape, x.doubles.map { $0 > 0 ? $0 : negativeSlope * $0 }, like: x)
    }

    /// Passes the gradient where the input is above 0, times the slope elsewhere.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ.
    public func leakyReLUGradient(
        _ outputGradient: Tensor, input x: Tensor, negativeSlope: Double
    ) throws -> Tensor {
        try KernelChecks.require(
            x, matches: outputGradient, operation: "leakyReLUGradient", argument: "x")
        let values = zip(outputGradient.doubles, x.doubles).map { dy, x in
            x > 0 ? dy : negativeSlope * dy
        }
        return try Tensor(x.shape, values, like: x)
    }

    /// `y · (outputGradient − Σ outputGradient · y)` for each row.
    ///
    /// - Throws: ``TensorError`` when shapes or number types differ, or they are no matrices.
    public func softmaxGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        let (rows, classes) = try KernelChecks.softmaxGradient(outputGradient, output: output)
        let (dy, y) = (outputGradient.doubles, output.doubles)
        var dx: [Double] = []
        for row in 0..<rows {
            let places = row * classes..<(row + 1) * classes
            let sum = places.reduce(0) { $0 + dy[$1] * y[$1] }
            dx += places.map { y[$0] * (dy[$0] - sum) }
        }
        return try Tensor(output.shape, dx, like: output)
    }
}
