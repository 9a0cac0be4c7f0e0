// SPDX-License-Identifier: MIT
//
// Descent with momentum, "Deep Learning from Scratch", section 6.1.4.

/// Descent with momentum: `v = momentum · v − learningRate · g; p += v`.
///
/// With a learning rate that stays the same this is PyTorch's SGD with momentum. Where a schedule
/// changes it, the velocity here keeps the rates of earlier steps, there it takes the new one.
public struct Momentum: Optimizer {
    /// The step size.
    public let learningRate: Double
    /// How much of the velocity is kept each step.
    public let momentum: Double
    /// How much of a parameter is added to its gradient (L2, as PyTorch's SGD has it).
    public let weightDecay: Double

    /// Descent with momentum.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, the momentum not from 0 to
    ///   below 1, the weight decay below 0, or one of them beyond `Float`'s range.
    public init(
        learningRate: Double = 0.01, momentum: Double = 0.9, weightDecay: Double = 0
    ) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "Momentum")
        try check(momentum, in: 0..<1, operation: "Momentum", argument: "momentum")
        try checkWeightDecay(weightDecay, operation: "Momentum")
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    /// The learning rate, the momentum and the weight decay.
    public var configuration: [String: String] {
        [
            "optimizer": "momentum",
            "learningRate": "\(learningRate)",
            "momentum": "\(momentum)",
            "weightDecay": "\(weightDecay)",
        ]
    }

    /// The velocity.
    public var stateNames: [String] { ["velocity"] }

    /// Changes a parameter.
    public func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws {
        try require(state)
        try update.kernels.momentumUpdate(
            &parameter, velocity: &state[0], gradient: gradient,
            settings: MomentumSettings(learningRate: update.learningRate, momentum: momentum),
            adjustment: update.adjustment)
    }
}
