// SPDX-License-Identifier: MIT
//
// RMSProp, with PyTorch's place for epsilon and its constants
// (https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html).

/// RMSProp: `v = decay · v + (1 − decay) · g²; p −= learningRate · g / (√v + epsilon)` (Hinton,
/// "Neural networks for machine learning", lecture 6e, 2012).
public struct RMSProp: Optimizer {
    /// The step size.
    public let learningRate: Double
    /// How much of the mean square is kept each step; PyTorch's alpha.
    public let decay: Double
    /// What keeps the divisor from 0.
    public let epsilon: Double
    /// How much of a parameter is added to its gradient (L2, as PyTorch's RMSprop has it).
    public let weightDecay: Double

    /// RMSProp with PyTorch's defaults.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, the decay or epsilon not
    ///   from 0 to below 1, the weight decay below 0, or one of them beyond `Float`'s range.
    public init(
        learningRate: Double = 0.01, decay: Double = 0.99, epsilon: Double = 1e-8,
        weightDecay: Double = 0
    ) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "RMSProp")
        try check(decay, in: 0..<1, operation: "RMSProp", argument: "decay")
        try check(epsilon, in: 0..<1, operation: "RMSProp", argument: "epsilon")
        try checkWeightDecay(weightDecay, operation: "RMSProp")
        self.learningRate = learningRate
        self.decay = decay
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// The learning rate, the decay, epsilon and the weight decay.
    public var configuration: [String: String] {
        [
            "optimizer": "rmsprop",
            "learningRate": "\(learningRate)",
            "decay": "\(decay)",
            "epsilon": "\(epsilon)",
            "weightDecay": "\(weightDecay)",
        ]
    }

    /// The mean of the squares.
    public var stateNames: [String] { ["squares"] }

    /// Changes a parameter.
    public func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws {
        try require(state)
        try update.kernels.squaresUpdate(
            &parameter, squares: &state[0], gradient: gradient,
            settings: SquaresSettings(
                learningRate: update.learningRate, kept: decay, added: 1 - decay, epsilon: epsilon),
            adjustment: update.adjustment)
    }
}
