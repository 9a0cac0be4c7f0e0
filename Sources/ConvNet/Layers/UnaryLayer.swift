// SPDX-License-Identifier: MIT
//
// Layers with one input, which most are.

/// A ``Layer`` with one input.
///
/// ```swift
/// struct Doubling: UnaryLayer {
///     func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }
///     func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
///         Forward(try 2 * x) { outputGradient, _ in
///             LayerGradients(input: try 2 * outputGradient)
///         }
///     }
/// }
/// ```
public protocol UnaryLayer: Layer {
    /// The shape of the output for a shape of the input, both with the sample axis first.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func outputShape(for inputShape: [Int]) throws -> [Int]

    /// The layer's output in prediction; by default that of a training pass.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor

    /// The layer's output in training, and the way back.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func forward(_ x: Tensor, in pass: Pass) throws -> Forward

    /// Fails where training can't work with an input of such a shape although prediction can. By
    /// default nothing fails.
    ///
    /// - Throws: ``TensorError`` that names the rule.
    func requireTrainable(on inputShape: [Int]) throws

    /// The floating-point operations of a forward pass; one per element of the output by default.
    ///
    /// - Throws: ``TensorError`` when the layer can't work with such an input.
    func operationCount(for inputShape: [Int]) throws -> Int
}

extension UnaryLayer {
    /// The shape of the output for the shape of the one input.
    public func outputShape(for inputShapes: [[Int]]) throws -> [Int] {
        guard inputShapes.count == 1 else { throw wrongCount(inputShapes.count) }
        return try outputShape(for: inputShapes[0])
    }

    /// The layer's output in prediction.
    public func predict(_ inputs: [Tensor], on kernels: any Kernels) throws -> Tensor {
        guard inputs.count == 1 else { throw wrongCount(inputs.count) }
        return try predict(inputs[0], on: kernels)
    }

    /// The output of a training pass.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try forward(x, in: Pass(kernels: kernels)).output
    }

    /// The layer's output in training, and the way back.
    public func forward(_ inputs: [Tensor], in pass: Pass) throws -> Forward {
        guard inputs.count == 1 else { throw wrongCount(inputs.count) }
        return try forward(inputs[0], in: pass)
    }

    /// Fails where training can't work with an input of such a shape.
    public func requireTrainable(on inputShapes: [[Int]]) throws {
        guard inputShapes.count == 1 else { throw wrongCount(inputShapes.count) }
        try requireTrainable(on: inputShapes[0])
    }

    /// Nothing fails.
    public func requireTrainable(on inputShape: [Int]) throws {}

    /// The floating-point operations of a forward pass.
    public func operationCount(for inputShapes: [[Int]]) throws -> Int {
        guard inputShapes.count == 1 else { throw wrongCount(inputShapes.count) }
        return try operationCount(for: inputShapes[0])
    }

    /// One per element of the output.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        try operations(timesOutputs: 1, for: inputShape)
    }

    private func wrongCount(_ count: Int) -> TensorError {
        TensorError(
            operation: "\(Self.self)", argument: "inputs", value: "\(count)", expected: "1")
    }

    /// A number of operations for each element of the output.
    func operations(timesOutputs count: Int, for inputShape: [Int]) throws -> Int {
        try operations(timesOutputs: count, for: [inputShape])
    }
}
