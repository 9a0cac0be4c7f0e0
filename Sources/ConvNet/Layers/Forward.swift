// SPDX-License-Identifier: MIT
//
// A layer's pass in training: what goes in beside the tensors, what comes out, and the way back.

/// What a training pass is run with.
public struct Pass: Sendable {
    /// What does the arithmetic.
    public let kernels: any Kernels
    /// The training step's number, from 0: a layer that draws random numbers draws those of
    /// that step. Where batches are cut into shards (``Sharding``), each shard of a step has a
    /// number of its own.
    public let step: Int
    /// Whether a layer with running statistics works by them, and leaves them as they are: it is
    /// frozen (``Trainer/frozenNormalizations``).
    public let usesRunningStatistics: Bool

    /// A pass on given kernels, of a given step.
    ///
    /// - Parameters:
    ///   - kernels: what does the arithmetic.
    ///   - step: the training step's number.
    ///   - usesRunningStatistics: whether a layer with running statistics works by them.
    public init(
        kernels: any Kernels = NativeKernels(), step: Int = 0, usesRunningStatistics: Bool = false
    ) {
        self.kernels = kernels
        self.step = step
        self.usesRunningStatistics = usesRunningStatistics
    }

    /// The same pass for layers that work by their running statistics.
    var withRunningStatistics: Pass {
        Pass(kernels: kernels, step: step, usesRunningStatistics: true)
    }
}

/// What a layer's training pass gives.
public struct Forward: Sendable {
    /// The layer's output.
    public let output: Tensor
    /// From the gradient of the output to those of the inputs and parameters.
    public let pullback: Pullback
    /// What the pass makes of the layer's buffers, in their order; nil where they stay as they are.
    /// They become the layer's when the whole step has succeeded.
    public let buffers: [Tensor]?

    /// An output and the way back.
    ///
    /// - Parameters:
    ///   - output: the layer's output.
    ///   - inputs: how many inputs the layer has.
    ///   - buffers: what the pass makes of the layer's buffers; nil where they stay as they are.
    ///   - pullback: from the gradient of the output, of its shape, to the gradients that are
    ///     wanted. It should capture only the tensors that it needs.
    public init(
        _ output: Tensor, inputs: Int = 1, buffers: [Tensor]? = nil,
        pullback: @escaping Pullback.Function
    ) {
        self.output = output
        self.buffers = buffers
        self.pullback = Pullback(outputShape: output.shape, inputs: inputs, pullback)
    }
}

/// From the gradient of a layer's output to those of its inputs and parameters: the layer's
/// derivative at the inputs of one pass, transposed.
public struct Pullback: Sendable {
    /// What a pullback computes. It owns the gradient: one without another owner is released where
    /// the function no longer reads it, before it makes others of the same size.
    public typealias Function =
        @Sendable (_ outputGradient: consuming Tensor, _ wanted: WantedGradients) throws ->
        LayerGradients

    private let outputShape: [Int]
    private let inputs: Int
    private let function: Function

    init(outputShape: [Int], inputs: Int, _ function: @escaping Function) {
        self.outputShape = outputShape
        self.inputs = inputs
        self.function = function
    }

    /// The gradients of the inputs and parameters.
    ///
    /// - Parameters:
    ///   - outputGradient: the loss's gradient with respect to the layer's output, of its shape.
    ///   - wanted: which gradients are computed; all when nil.
    /// - Throws: ``TensorError`` when the gradient has another shape than the output had.
    public func callAsFunction(
        _ outputGradient: consuming Tensor, wanted: WantedGradients? = nil
    ) throws -> LayerGradients {
        // Products and sums would take any number of columns, and give parameters a gradient of a
        // shape that isn't theirs.
        try KernelChecks.require(
            outputGradient, hasShape: outputShape, operation: "pullback",
            argument: "outputGradient")
        return try function(consume outputGradient, wanted ?? WantedGradients(inputs: inputs))
    }
}

/// Which gradients a pullback has to compute.
public struct WantedGradients: Sendable, Hashable {
    /// For each input whether its gradient is wanted.
    public var inputs: [Bool]
    /// Whether the gradients of the parameters are wanted.
    public var parameters: Bool

    /// The given ones.
    public init(inputs: [Bool], parameters: Bool) {
        self.inputs = inputs
        self.parameters = parameters
    }

    /// All gradients of a layer with so many inputs.
    public init(inputs count: Int) {
        self.init(inputs: Array(repeating: true, count: count), parameters: true)
    }

    /// Whether the gradient of the first, often the only, input is wanted.
    public var input: Bool { inputs.first == true }
}

/// The gradients of a layer's inputs and parameters.
public struct LayerGradients: Sendable {
    /// One per input, of its shape; nil where it is not wanted.
    public var inputs: [Tensor?]
    /// One per parameter, of its shape; empty where they are not wanted, or there are none.
    public var parameters: [Tensor]

    /// The gradients of a layer with several inputs.
    public init(inputs: [Tensor?], parameters: [Tensor] = []) {
        self.inputs = inputs
        self.parameters = parameters
    }

    /// The gradients of a layer with one input.
    public init(input: Tensor?, parameters: [Tensor] = []) {
        self.init(inputs: [input], parameters: parameters)
    }

    /// The gradient of the first, often the only, input; nil where it is not wanted.
    public var input: Tensor? { inputs.first ?? nil }
}
