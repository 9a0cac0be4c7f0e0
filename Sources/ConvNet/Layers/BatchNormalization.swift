// SPDX-License-Identifier: MIT
//
// Batch normalization, "Deep Learning from Scratch", section 6.3; statistics and defaults as
// PyTorch's.

/// Each channel of `[N, C]` or `[N, C, …]` brought to mean beta and deviation gamma:
/// `y = (x − mean) / √(variance + epsilon) · gamma + beta`.
///
/// Training takes mean and variance from the batch and moves the running statistics towards them,
/// by the share `momentum`, the variance then divided by the count less one. Prediction takes the
/// running ones, which are saved with the parameters; so does training where the layer is frozen
/// (``Trainer/frozenNormalizations``), as in PyTorch where the module is in evaluation mode. Of a
/// batch that is cut into shards (``Sharding``) each shard has statistics of its own.
public struct BatchNormalization: UnaryLayer {
    /// What keeps the divisor from 0.
    public let epsilon: Double
    /// The share of the batch in the running statistics.
    public let momentum: Double
    /// Gamma and beta, each `[C]`.
    public var parameters: [Tensor]
    /// The running means and variances, each `[C]`.
    public var buffers: [Tensor]
    private let channels: Int

    /// A layer with gamma 1, beta 0, running means 0 and running variances 1.
    ///
    /// - Parameters:
    ///   - channels: C.
    ///   - epsilon: what keeps the divisor from 0.
    ///   - momentum: the share of the batch in the running statistics.
    /// - Throws: ``TensorError`` when there is no channel, epsilon is not above 0, or the momentum
    ///   not from 0 to 1.
    public init(channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1) throws {
        _ = try Shape.elementCount(
            [channels], operation: "BatchNormalization", argument: "channels")
        try self.init(
            gamma: Tensor(shape: [channels], repeating: 1), beta: Tensor(zeros: [channels]),
            mean: Tensor(zeros: [channels]), variance: Tensor(shape: [channels], repeating: 1),
            epsilon: epsilon, momentum: momentum)
    }

    /// A layer with given parameters and running statistics, each `[C]`.
    ///
    /// - Throws: ``TensorError`` when shapes differ, epsilon is not above 0, or the momentum
    ///   not from 0 to 1.
    public init(
        gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor, epsilon: Double = 1e-5,
        momentum: Double = 0.1
    ) throws {
        let operation = "BatchNormalization"
        guard gamma.shape.count == 1 else {
            throw TensorError(
                operation: operation, argument: "gamma", value: "\(gamma.shape)", expected: "[C]")
        }
        for (argument, tensor) in [("beta", beta), ("mean", mean), ("variance", variance)] {
            try KernelChecks.require(
                tensor, matches: gamma, operation: operation, argument: argument)
        }
        try KernelChecks.checkEpsilon(epsilon, operation: operation)
        guard (0...1).contains(momentum) else {
            throw TensorError(
                operation: operation, argument: "momentum", value: "\(momentum)",
                expected: "from 0 to 1")
        }
        parameters = [gamma, beta]
        buffers = [mean, variance]
        channels = gamma.shape[0]
        self.epsilon = epsilon
        self.momentum = momentum
    }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let sizes = try KernelChecks.channels(
            inShape: inputShape, operation: "BatchNormalization", argument: "x")
        guard sizes.channels == channels else {
            throw TensorError(
                operation: "BatchNormalization", argument: "x", value: "\(inputShape)",
                expected: "[N, \(channels)] or [N, \(channels), …]")
        }
        return inputShape
    }

    /// `gamma` and `beta`.
    public var parameterNames: [String] { ["gamma", "beta"] }

    /// A normalization of channels.
    public var pattern: LayerPattern { .channelNormalization(epsilon: epsilon) }

    /// `mean` and `variance`.
    public var bufferNames: [String] { ["mean", "variance"] }

    /// Fails where a channel would have a single number: it has no variance.
    public func requireTrainable(on inputShape: [Int]) throws {
        _ = try outputShape(for: inputShape)
        let count = try Shape.elementCount(inputShape, operation: "BatchNormalization")
        guard count / channels > 1 else {
            throw TensorError(
                operation: "BatchNormalization", argument: "x", value: "\(inputShape)",
                expected: "more than one number per channel in training")
        }
    }

    /// The layer's output by the running statistics.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        let parameters = try checkedParameters([[channels], [channels]])
        try Self.check(buffers, named: bufferNames, [[channels], [channels]])
        return try kernels.batchNormalization(
            x, statistics: BatchStatistics(mean: buffers[0], variance: buffers[1]),
            gamma: parameters[0], beta: parameters[1], epsilon: epsilon)
    }

    /// The layer's output by the batch's statistics, the moved running statistics, and the way
    /// back.
    ///
    /// Where the pass says so, the output by the running statistics instead, which stay.
    ///
    /// - Throws: ``TensorError`` when a channel has a single number: it has no variance.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        if pass.usesRunningStatistics { return try frozenForward(x, on: pass.kernels) }
        return try forward(x, addend: nil, activation: nil, in: pass)
    }

    /// The same by the batch's statistics, with what stands behind the layer.
    ///
    /// - Parameters:
    ///   - x: what is normalized.
    ///   - addend: of the same shape, added to it; the second input of the way back then.
    ///   - activation: of the result; one whose gradient takes the output.
    func forward(
        _ x: Tensor, addend: Tensor?, activation: Activation?, in pass: Pass
    ) throws -> Forward {
        try requireTrainable(on: x.shape)
        let parameters = try checkedParameters([[channels], [channels]])
        let kernels = pass.kernels
        let normalization = ChannelNormalization(
            statistics: try kernels.batchStatistics(x), gamma: parameters[0], beta: parameters[1],
            epsilon: epsilon)
        let output = try kernels.batchNormalization(
            x, normalization, addend: addend, activation: activation)
        let moved = try movedStatistics(
            towards: normalization.statistics, count: x.count / channels)
        let hasAddend = addend != nil
        return Forward(output, inputs: hasAddend ? 2 : 1, buffers: moved) {
            [y = hasAddend && activation != nil ? output : nil] outputGradient, wanted in
            let gradient: BatchNormalizationGradient
            var sum: Tensor?
            if let activation, !hasAddend {
                gradient = try kernels.batchNormalizationGradient(
                    outputGradient, input: x, normalization, activation: activation)
            } else {
                let between = try kernels.gradient(
                    consume outputGradient, of: activation, output: y)
                gradient = try kernels.batchNormalizationGradient(
                    between, input: x, statistics: normalization.statistics,
                    gamma: normalization.gamma, epsilon: normalization.epsilon)
                sum = between
            }
            return LayerGradients(
                inputs: zip(wanted.inputs, [gradient.input, sum]).map { $0 ? $1 : nil },
                parameters: wanted.parameters ? [gradient.gamma, gradient.beta] : [])
        }
    }

    /// The layer's output by the running statistics, and the way back: a scale and a shift for each
    /// channel.
    private func frozenForward(_ x: Tensor, on kernels: any Kernels) throws -> Forward {
        let output = try predict(x, on: kernels)
        let statistics = BatchStatistics(mean: buffers[0], variance: buffers[1])
        return Forward(output) { [epsilon, gamma = parameters[0]] outputGradient, wanted in
            var gradients = LayerGradients(input: nil)
            if wanted.parameters {
                // Sums that do not ask where the statistics come from.
                let sums = try kernels.batchNormalizationGradient(
                    outputGradient, input: x, statistics: statistics, gamma: gamma,
                    epsilon: epsilon)
                gradients.parameters = [sums.gamma, sums.beta]
            }
            if wanted.input {
                let zeros = try Tensor(zeros: gamma.shape, scalarType: gamma.scalarType)
                gradients.inputs = [
                    try kernels.batchNormalization(
                        outputGradient,
                        statistics: BatchStatistics(mean: zeros, variance: statistics.variance),
                        gamma: gamma, beta: zeros, epsilon: epsilon)
                ]
            }
            return gradients
        }
    }

    /// The running statistics after a batch.
    private func movedStatistics(towards batch: BatchStatistics, count: Int) throws -> [Tensor] {
        try Self.check(buffers, named: bufferNames, [[channels], [channels]])
        func moved(_ old: Tensor, _ new: Tensor, _ factor: Double) throws -> Tensor {
            let numbers = zip(old.doubles, new.doubles).map {
                (1 - momentum) * $0 + momentum * factor * $1
            }
            return try Tensor(shape: old.shape, doubles: numbers).converted(to: old.scalarType)
        }
        let unbiased = Double(count) / Double(count - 1)
        return [
            try moved(buffers[0], batch.mean, 1), try moved(buffers[1], batch.variance, unbiased),
        ]
    }
}
