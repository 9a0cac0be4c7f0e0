// SPDX-License-Identifier: MIT
//
// Descent with Nesterov's momentum, as PyTorch's SGD(nesterov=True) has it
// (https://pytorch.org/docs/stable/generated/torch.optim.SGD.html).

/// Descent that looks ahead along its velocity: `v = momentum · v + g; p −= learningRate · (g +
/// momentum · v)` (Sutskever et al., "On the importance of initialization and momentum in deep
/// learning", 2013).
public struct Nesterov: Optimizer {
    /// The step size.
    public let learningRate: Double
    /// How much of the velocity is kept each step.
    public let momentum: Double
    /// How much of a parameter is added to its gradient (L2, as PyTorch's SGD has it).
    public let weightDecay: Double

    /// Descent with Nesterov's momentum.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, the momentum not from 0 to
    ///   below 1, the weight decay below 0, or one of them beyond `Float`'s range.
    public init(
        learningRate: Double = 0.01, momentum: Double = 0.9, weightDecay: Double = 0
    ) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "Nesterov")
        try check(momentum, in: 0..<1, operation: "Nesterov", argument: "momentum")
        try checkWeightDecay(weightDecay, operation: "Nesterov")
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    /// The learning rate, the momentum and the weight decay.
    public var configuration: [String: String] {
        [
            "optimizer": "nesterov",
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
            settings: MomentumSettings(
                learningRate: update.learningRate, momentum: momentum, isNesterov: true),
            adjustment: update.adjustment)
    }
}
