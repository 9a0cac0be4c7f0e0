// SPDX-License-Identifier: MIT
//
// Batch normalization, "Deep Learning from Scratch", section 6.3; statistics and defaults as PyTorch's.

/// Each channel of `[N, C]` or `[N, C, …]` brought to mean beta and deviation gamma:
/// `y = (x − mean) / √(variance + epsilon) · gamma + beta`.
///
/// Training takes mean and variance from the batch and moves the running statistics towards them, by the
/// share `momentum`, the variance then divided by the count less one. Prediction takes the running ones,
/// which are saved with the parameters.
public struct BatchNormalization: Layer {
    /// What keeps the divisor from 0.
    public let epsilon: Double
    /// The share of the batch in the running statistics.
    public let momentum: Double
    private var gamma: Parameter
    private var beta: Parameter
    private var running: BatchStatistics
    private var kept: (input: Tensor, statistics: BatchStatistics)?

    /// A layer with gamma 1, beta 0, running means 0 and running variances 1.
    ///
    /// - Parameters:
    ///   - channels: C.
    ///   - epsilon: what keeps the divisor from 0.
    ///   - momentum: the share of the batch in the running statistics.
    /// - Throws: ``TensorError`` when there is no channel, epsilon is not above 0, or the momentum not
    ///   from 0 to 1.
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
    /// - Throws: ``TensorError`` when shapes differ, epsilon is not above 0, or the momentum not from 0
    ///   to 1.
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
        self.gamma = Parameter(gamma)
        self.beta = Parameter(beta)
        running = BatchStatistics(mean: mean, variance: variance)
        self.epsilon = epsilon
        self.momentum = momentum
    }

    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] {
        let sizes = try KernelChecks.channels(
            inShape: inputShape, operation: "BatchNormalization", argument: "x")
        let channels = gamma.shape[0]
        guard sizes.channels == channels else {
            throw TensorError(
                operation: "BatchNormalization", argument: "x", value: "\(inputShape)",
                expected: "[N, \(channels)] or [N, \(channels), …]")
        }
        return inputShape
    }

    /// The layer's output by the running statistics, keeping nothing.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.batchNormalization(
            x, statistics: running, gamma: gamma.value, beta: beta.value, epsilon: epsilon)
    }

    /// The layer's output by the batch's statistics; keeps what the gradient needs.
    ///
    /// - Throws: ``TensorError`` when a channel has a single number: it has no variance.
    public mutating func forward(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        _ = try outputShape(for: x.shape)
        let count = x.count / gamma.shape[0]
        guard count > 1 else {
            throw TensorError(
                operation: "BatchNormalization", argument: "x", value: "\(x.shape)",
                expected: "more than one number a channel in training")
        }
        let statistics = try kernels.batchStatistics(x)
        let output = try kernels.batchNormalization(
            x, statistics: statistics, gamma: gamma.value, beta: beta.value, epsilon: epsilon)
        try moveRunningStatistics(towards: statistics, count: count)
        kept = (x, statistics)
        return output
    }

    private mutating func moveRunningStatistics(
        towards batch: BatchStatistics, count: Int
    ) throws {
        func moved(_ old: Tensor, _ new: Tensor, _ factor: Double) throws -> Tensor {
            let numbers = zip(old.doubles, new.doubles).map {
                (1 - momentum) * $0 + momentum * factor * $1
            }
            return try Tensor(shape: old.shape, doubles: numbers).converted(to: old.scalarType)
        }
        let unbiased = Double(count) / Double(count - 1)
        running = BatchStatistics(
            mean: try moved(running.mean, batch.mean, 1),
            variance: try moved(running.variance, batch.variance, unbiased))
    }

    /// The gradient with respect to the input of the last forward pass.
    public mutating func backward(
        _ outputGradient: Tensor, needsInputGradient: Bool, on kernels: any Kernels
    ) throws -> Tensor? {
        let (x, statistics) = try Self.kept(kept)
        try require(outputGradient, fitsInput: x.shape)
        kept = nil
        let gradient = try kernels.batchNormalizationGradient(
            outputGradient, input: x, statistics: statistics, gamma: gamma.value,
            epsilon: epsilon)
        (gamma.gradient, beta.gradient) = (gradient.gamma, gradient.beta)
        return needsInputGradient ? gradient.input : nil
    }

    /// The factor `gamma` and the addend `beta`.
    public var parameters: [(key: String, value: Tensor)] {
        [("gamma", gamma.value), ("beta", beta.value)]
    }

    /// Visits `gamma` and `beta` in place, with their gradients.
    public mutating func updateParameters(
        _ body: (_ key: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws {
        let operation = "BatchNormalization.updateParameters"
        try gamma.update("gamma", operation: operation, body)
        try beta.update("beta", operation: operation, body)
    }

    /// The running statistics, `mean` and `variance`.
    public var buffers: [(key: String, value: Tensor)] {
        [("mean", running.mean), ("variance", running.variance)]
    }

    /// Visits `mean` and `variance` in place.
    public mutating func updateBuffers(
        _ body: (_ key: String, _ value: inout Tensor) throws -> Void
    ) throws {
        let operation = "BatchNormalization.updateBuffers"
        try body("mean", &running.mean)
        try gamma.require(running.mean, operation: operation, argument: "mean")
        try body("variance", &running.variance)
        try gamma.require(running.variance, operation: operation, argument: "variance")
    }

    /// The same layer with parameters of the given number type.
    public func converted(to scalarType: ScalarType) throws -> BatchNormalization {
        try BatchNormalization(
            gamma: gamma.value.converted(to: scalarType),
            beta: beta.value.converted(to: scalarType),
            mean: running.mean.converted(to: scalarType),
            variance: running.variance.converted(to: scalarType), epsilon: epsilon,
            momentum: momentum)
    }
}
