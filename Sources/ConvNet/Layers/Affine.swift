// SPDX-License-Identifier: MIT
//
// The fully connected layer, "Deep Learning from Scratch", section 5.6.

/// A matrix product and a bias: `[N, in]` to `[N, out]`. Images `[N, C, H, W]` are taken as rows of
/// C·H·W numbers.
public struct Affine: UnaryLayer {
    /// The weights `[in, out]` and the bias `[out]`.
    public var parameters: [Tensor]
    private let inputSize: Int
    private let outputSize: Int

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
        parameters = [weights, bias]
        (inputSize, outputSize) = (weights.shape[0], weights.shape[1])
    }

    /// Pixels become numbers of a row.
    public var fixesInputShape: Bool { true }

    /// The shape that comes out for a shape that goes in.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
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
        try operations(timesOutputs: 2 * inputSize, for: inputShape)
    }

    /// `W` and `b`.
    public var parameterNames: [String] { ["W", "b"] }

    /// A product with weights and a bias.
    public var pattern: LayerPattern { .affine }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try operation().predict(x, on: kernels)
    }

    /// The layer's output in training, and the way back.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        try operation().forward(x, on: pass.kernels)
    }

    private func operation() throws(TensorError) -> AffineOperation {
        let parameters = try checkedParameters([[inputSize, outputSize], [outputSize]])
        return AffineOperation(weights: parameters[0], bias: parameters[1])
    }
}
