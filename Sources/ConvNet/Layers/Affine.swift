// SPDX-License-Identifier: MIT
//
// The fully connected layer, "Deep Learning from Scratch", section 5.6.

/// A matrix product and a bias: `[N, in]` to `[N, out]`. Images `[N, C, H, W]` are taken as rows of
/// C·H·W numbers.
public struct Affine: Layer {
    private var weight: Parameter
    private var bias: Parameter
    private var input: Tensor?

    /// A layer with drawn weights and zero bias.
    ///
    /// - Parameters:
    ///   - inputSize: the numbers of a sample.
    ///   - outputSize: the numbers that come out of it.
    ///   - initialization: how wide the weights are spread.
    ///   - seed: what the weights are drawn from.
    ///   - stream: one of the seed's independent streams, so that layers of one seed differ.
    /// - Throws: ``TensorError`` when a size is below 1.
    public init(
        inputSize: Int, outputSize: Int, initialization: Initialization = .he, seed: UInt64 = 0,
        stream: UInt64 = 0
    ) throws {
        _ = try Shape.elementCount([inputSize, outputSize], operation: "Affine")
        let deviation = initialization.standardDeviation(fanIn: inputSize, fanOut: outputSize)
        var generator = Philox(seed: seed, stream: stream)
        try self.init(
            weights: Tensor(
                normal: [inputSize, outputSize], standardDeviation: deviation, using: &generator),
            bias: Tensor(zeros: [outputSize]))
    }

    /// A layer with given weights.
    ///
    /// - Parameters:
    ///   - weights: `[in, out]`, as in the book.
    ///   - bias: `[out]`.
    /// - Throws: ``TensorError`` when the shapes disagree.
    public init(weights: Tensor, bias: Tensor) throws {
        guard weights.shape.count == 2 else {
            throw TensorError(
                operation: "Affine", argument: "weights", value: "\(weights.shape)",
                expected: "[in, out]")
        }
        try KernelChecks.require(
            bias, hasShape: [weights.shape[1]], operation: "Affine", argument: "bias")
        try KernelChecks.require(
            bias, holds: weights.scalarType, operation: "Affine", argument: "bias")
        weight = Parameter(weights)
        self.bias = Parameter(bias)
    }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let (inputSize, outputSize) = (weight.shape[0], weight.shape[1])
        let count = try Shape.elementCount(inputShape, operation: "Affine", argument: "x")
        guard inputShape.count >= 2, count / inputShape[0] == inputSize else {
            throw TensorError(
                operation: "Affine", argument: "x", value: "\(inputShape)",
                expected: "[N, \(inputSize)], or images of as many numbers")
        }
        return [inputShape[0], outputSize]
    }

    /// A product and an addition for each weight and sample.
    public func operationCount(for inputShape: [Int]) throws -> Int {
        try operations(timesOutputs: 2 * weight.shape[0], for: inputShape)
    }

    /// The layer's output, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try predict(x, rectified: false, on: kernels)
    }

    /// The layer's output; keeps what the gradient needs.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try forward(x, rectified: false, on: kernels)
    }

    /// The layer's output, rectified where asked for, keeping nothing.
    func predict(_ x: Tensor, rectified: Bool, on kernels: any Kernels) throws -> Tensor {
        try kernels.affine(
            rows(of: x), weights: weight.value, bias: bias.value, rectified: rectified)
    }

    /// The input as a matrix `[N, in]`.
    private func rows(of x: Tensor) throws -> Tensor {
        let inputSize = weight.shape[0]
        if x.shape.count == 2, x.shape[1] == inputSize { return x }
        _ = try outputShape(for: x.shape)
        return try x.reshaped(to: [x.shape[0], inputSize])
    }

    /// The layer's output, rectified where asked for; keeps what the gradient needs.
    mutating func forward(_ x: Tensor, rectified: Bool, on kernels: any Kernels) throws -> Tensor {
        let output = try predict(x, rectified: rectified, on: kernels)
        input = x
        return output
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        let x = try Self.kept(input)
        try require(outputGradient, fitsInput: x.shape)
        input = nil
        let rows = try rows(of: x)
        // Let go of first: the new one takes its memory.
        weight.gradient = nil
        weight.gradient = try kernels.gemm(
            MatrixView(rows).transposed, MatrixView(outputGradient))
        bias.gradient = try kernels.biasGradient(outputGradient)
        guard needsInputGradient else { return nil }
        return try kernels.gemm(MatrixView(outputGradient), MatrixView(weight.value).transposed)
            .reshaped(to: x.shape)
    }

    /// The weights `W` and the bias `b`.
    public var parameters: [(key: String, value: Tensor)] {
        [("W", weight.value), ("b", bias.value)]
    }

    /// Visits `W` and `b` in place, with their gradients.
    public mutating func updateParameters(
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws {
        let operation = "Affine.updateParameters"
        try weight.update("W", operation: operation, body)
        try bias.update("b", operation: operation, body)
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> Affine {
        try Affine(
            weights: weight.value.converted(to: scalarType),
            bias: bias.value.converted(to: scalarType))
    }
}
