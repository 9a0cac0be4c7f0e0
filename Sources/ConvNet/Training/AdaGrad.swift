// SPDX-License-Identifier: MIT
//
// AdaGrad, "Deep Learning from Scratch", section 6.1.5, with PyTorch's constants
// (https://pytorch.org/docs/stable/generated/torch.optim.Adagrad.html).

/// AdaGrad: `v += g²; p −= learningRate · g / (√v + epsilon)` (Duchi et al., "Adaptive subgradient
/// methods for online learning and stochastic optimization", 2011).
public struct AdaGrad: Optimizer {
    /// The step size.
    public let learningRate: Double
    /// What keeps the divisor from 0.
    public let epsilon: Double
    /// How much of a parameter is added to its gradient (L2, as PyTorch's Adagrad has it).
    public let weightDecay: Double

    /// AdaGrad with PyTorch's defaults.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, epsilon not from 0 to below
    ///   1, the weight decay below 0, or one of them beyond `Float`'s range.
    public init(
        learningRate: Double = 0.01, epsilon: Double = 1e-10, weightDecay: Double = 0
    ) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "AdaGrad")
        try check(epsilon, in: 0..<1, operation: "AdaGrad", argument: "epsilon")
        try checkWeightDecay(weightDecay, operation: "AdaGrad")
        self.learningRate = learningRate
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// The learning rate, epsilon and the weight decay.
    public var configuration: [String: String] {
        [
            "optimizer": "adagrad",
            "learningRate": "\(learningRate)",
            "epsilon": "\(epsilon)",
            "weightDecay": "\(weightDecay)",
        ]
    }

    /// The sum of the squares.
    public var stateNames: [String] { ["squares"] }

    /// Changes a parameter.
    public func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws {
        try require(state)
        try update.kernels.squaresUpdate(
            &parameter, squares: &state[0], gradient: gradient,
            settings: SquaresSettings(
                learningRate: update.learningRate, kept: 1, added: 1, epsilon: epsilon),
            adjustment: update.adjustment)
    }
}
