// SPDX-License-Identifier: MIT
//
// Stochastic gradient descent, "Deep Learning from Scratch", section 6.1.2.

/// Stochastic gradient descent: `p −= learningRate · g`.
public struct SGD: Optimizer {
    /// The step size.
    public let learningRate: Double
    /// How much of a parameter is added to its gradient (L2, as PyTorch's SGD has it).
    public let weightDecay: Double

    /// Plain descent.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, or the weight decay below 0, or
    ///   one of them beyond `Float`'s range.
    public init(learningRate: Double = 0.01, weightDecay: Double = 0) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "SGD")
        try checkWeightDecay(weightDecay, operation: "SGD")
        self.learningRate = learningRate
        self.weightDecay = weightDecay
    }

    /// One step.
    public mutating func update(_ network: inout Network, scaling: UpdateScaling) throws {
        let kernels = network.kernels
        try network.forEachGradient { _, value, gradient in
            try kernels.sgdUpdate(
                &value, gradient: gradient, learningRate: learningRate * scaling.learningRate,
                adjustment: scaling.adjustment(weightDecay: weightDecay))
        }
    }

    /// The learning rate and the weight decay.
    public var configuration: [String: String] {
        [
            "optimizer": "sgd", "learningRate": "\(learningRate)",
            "weightDecay": "\(weightDecay)",
        ]
    }
}
