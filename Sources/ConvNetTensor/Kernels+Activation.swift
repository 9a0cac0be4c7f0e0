// SPDX-License-Identifier: MIT
//
// What all kernels check of an activation's arguments, and short names for the book's activations.

extension KernelChecks {
    /// Fails where a parameter of an activation is none that `Float` can hold, or a range is empty.
    package static func activation(
        _ activation: Activation, operation: String
    ) throws(TensorError) {
        for (name, value) in activation.parameters
        where !(value.isFinite && Float(value).isFinite) {
            throw TensorError(
                operation: operation, argument: name, value: "\(value)",
                expected: "a finite number that Float can hold")
        }
        if case .clip(let from, let to) = activation, !(from <= to) {
            throw TensorError(
                operation: operation, argument: "from", value: "\(from)",
                expected: "at most \(to), the value of to")
        }
    }

    /// Checks the gradient of an activation.
    ///
    /// - Parameter value: the output or the input, whichever the gradient takes.
    package static func activationGradient(
        _ outputGradient: Tensor, from value: Tensor, _ activation: Activation
    ) throws(TensorError) -> String {
        let operation = "\(activation.name)Gradient"
        try self.activation(activation, operation: operation)
        try require(
            value, matches: outputGradient, operation: operation,
            argument: activation.gradientTakesOutput ? "output" : "x")
        return operation
    }
}

extension Kernels {
    /// `max(x, 0)` for each number; NaN stays NaN.
    ///
    /// - Throws: ``TensorError`` when the kernels do not take the number type.
    public func relu(_ x: Tensor) throws -> Tensor { try activation(x, .relu) }

    /// The gradient of ReLU: passes where the output is not zero or below, 0 elsewhere.
    ///
    /// - Throws: ``TensorError`` when the shapes differ.
    public func reluGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try activationGradient(outputGradient, from: output, .relu)
    }

    /// `1 / (1 + exp(−x))` for each number.
    ///
    /// - Throws: ``TensorError`` when the kernels do not take the number type.
    public func sigmoid(_ x: Tensor) throws -> Tensor { try activation(x, .sigmoid) }

    /// The gradient of the sigmoid, `outputGradient · y · (1 − y)`.
    ///
    /// - Throws: ``TensorError`` when the shapes differ.
    public func sigmoidGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try activationGradient(outputGradient, from: output, .sigmoid)
    }

    /// `tanh(x)` for each number.
    ///
    /// - Throws: ``TensorError`` when the kernels do not take the number type.
    public func tanh(_ x: Tensor) throws -> Tensor { try activation(x, .tanh) }

    /// The gradient of tanh, `outputGradient · (1 − y²)`.
    ///
    /// - Throws: ``TensorError`` when the shapes differ.
    public func tanhGradient(_ outputGradient: Tensor, output: Tensor) throws -> Tensor {
        try activationGradient(outputGradient, from: output, .tanh)
    }

    /// `x > 0 ? x : negativeSlope · x` for each number; NaN stays NaN.
    ///
    /// - Throws: ``TensorError`` when the kernels do not take the number type.
    public func leakyReLU(_ x: Tensor, negativeSlope: Double) throws -> Tensor {
        try activation(x, .leakyReLU(slope: negativeSlope))
    }

    /// The gradient of the leaky rectifier; at 0 it is the slope.
    ///
    /// - Throws: ``TensorError`` when the shapes differ.
    public func leakyReLUGradient(
        _ outputGradient: Tensor, input x: Tensor, negativeSlope: Double
    ) throws -> Tensor {
        try activationGradient(outputGradient, from: x, .leakyReLU(slope: negativeSlope))
    }
}
