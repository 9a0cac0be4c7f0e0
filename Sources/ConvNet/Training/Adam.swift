// SPDX-License-Identifier: MIT
//
// Adam, "Deep Learning from Scratch", section 6.1.6, with PyTorch's place for epsilon.

/// Adam: steps scaled by running means of the gradient and of its square.
public struct Adam: Optimizer {
    /// Step size, decay rates and epsilon.
    public let settings: AdamSettings
    private var firstMoments: [Tensor] = []
    private var secondMoments: [Tensor] = []
    private var step = 0

    /// Adam with the paper's decay rates.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0.
    public init(learningRate: Double = 0.001) throws(TensorError) {
        try self.init(settings: AdamSettings(learningRate: learningRate))
    }

    /// Adam with the given settings.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, a decay rate not from 0 to
    ///   below 1, or epsilon negative.
    public init(settings: AdamSettings) throws(TensorError) {
        try checkLearningRate(settings.learningRate, operation: "Adam")
        try check(settings.beta1, in: 0..<1, operation: "Adam", argument: "beta1")
        try check(settings.beta2, in: 0..<1, operation: "Adam", argument: "beta2")
        try check(settings.epsilon, in: 0..<1, operation: "Adam", argument: "epsilon")
        self.settings = settings
    }

    /// One step.
    public mutating func update(_ network: inout Network) throws {
        let kernels = network.kernels
        try network.prepare(&firstMoments, operation: "Adam")
        try network.prepare(&secondMoments, operation: "Adam")
        step += 1
        try network.forEachGradient { index, value, gradient in
            try kernels.adamUpdate(
                &value, firstMoment: &firstMoments[index], secondMoment: &secondMoments[index],
                gradient: gradient, step: step, settings: settings)
        }
    }
}
