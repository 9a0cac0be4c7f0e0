// SPDX-License-Identifier: MIT
//
// Stochastic gradient descent, "Deep Learning from Scratch", section 6.1.2.

/// Stochastic gradient descent: `p −= learningRate · g`; with a momentum above 0, ``Momentum`` or
/// ``Nesterov`` under the name that PyTorch has for all three.
public struct SGD: Optimizer {
    /// The step size.
    public let learningRate: Double
    /// How much of the velocity is kept each step; 0 for plain descent.
    public let momentum: Double
    /// Whether a step with momentum looks ahead along the new velocity.
    public let isNesterov: Bool
    /// How much of a parameter is added to its gradient (L2, as PyTorch's SGD has it).
    public let weightDecay: Double

    /// Descent, plain unless a momentum is given.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, the momentum not from 0 to
    ///   below 1, the weight decay below 0, or one of them beyond `Float`'s range.
    public init(
        learningRate: Double = 0.01, momentum: Double = 0, isNesterov: Bool = false,
        weightDecay: Double = 0
    ) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "SGD")
        try check(momentum, in: 0..<1, operation: "SGD", argument: "momentum")
        try checkWeightDecay(weightDecay, operation: "SGD")
        self.learningRate = learningRate
        self.momentum = momentum
        self.isNesterov = isNesterov
        self.weightDecay = weightDecay
    }

    /// The learning rate and the weight decay, and where there is one, the momentum.
    public var configuration: [String: String] {
        var configuration = [
            "optimizer": "sgd", "learningRate": "\(learningRate)",
            "weightDecay": "\(weightDecay)",
        ]
        if momentum > 0 {
            configuration["momentum"] = "\(momentum)"
            configuration["isNesterov"] = "\(isNesterov)"
        }
        return configuration
    }

    /// With momentum, the velocity.
    public var stateNames: [String] { momentum > 0 ? ["velocity"] : [] }

    /// Changes a parameter.
    public func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws {
        guard momentum > 0 else {
            return try update.kernels.sgdUpdate(
                &parameter, gradient: gradient, learningRate: update.learningRate,
                adjustment: update.adjustment)
        }
        try require(state)
        try update.kernels.momentumUpdate(
            &parameter, velocity: &state[0], gradient: gradient,
            settings: MomentumSettings(
                learningRate: update.learningRate, momentum: momentum, isNesterov: isNesterov),
            adjustment: update.adjustment)
    }
}
