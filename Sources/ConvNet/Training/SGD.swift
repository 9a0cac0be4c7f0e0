// SPDX-License-Identifier: MIT
//
// Stochastic gradient descent, plain and with momentum, "Deep Learning from Scratch", sections 6.1.2
// and 6.1.4.

/// Stochastic gradient descent: `p −= learningRate · g`.
public struct SGD: Optimizer {
    /// The step size.
    public let learningRate: Double

    /// Plain descent.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0.
    public init(learningRate: Double = 0.01) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "SGD")
        self.learningRate = learningRate
    }

    /// One step.
    public mutating func update(_ network: inout Network) throws {
        let kernels = network.kernels
        try network.forEachGradient { _, value, gradient in
            try kernels.sgdUpdate(&value, gradient: gradient, learningRate: learningRate)
        }
    }
}

/// Descent with momentum: `v = momentum · v − learningRate · g; p += v`.
public struct Momentum: Optimizer {
    /// The step size.
    public let learningRate: Double
    /// How much of the velocity is kept each step.
    public let momentum: Double
    private var velocities: [Tensor] = []

    /// Descent with momentum.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0 or the momentum not from 0 to
    ///   below 1.
    public init(learningRate: Double = 0.01, momentum: Double = 0.9) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "Momentum")
        try check(momentum, in: 0..<1, operation: "Momentum", argument: "momentum")
        self.learningRate = learningRate
        self.momentum = momentum
    }

    /// One step.
    public mutating func update(_ network: inout Network) throws {
        let kernels = network.kernels
        try network.prepare(&velocities, operation: "Momentum")
        try network.forEachGradient { index, value, gradient in
            try kernels.momentumUpdate(
                &value, velocity: &velocities[index], gradient: gradient,
                learningRate: learningRate, momentum: momentum)
        }
    }
}
