// SPDX-License-Identifier: MIT
//
// Adam, "Deep Learning from Scratch", section 6.1.6, with PyTorch's place for epsilon.

/// Adam: steps scaled by running means of the gradient and of its square.
public struct Adam: Optimizer {
    /// Step size, decay rates and epsilon.
    public let settings: AdamSettings
    /// How much of a parameter is added to its gradient (L2, as PyTorch's Adam has it); see
    /// ``AdamW`` for the other way.
    public let weightDecay: Double
    private var firstMoments: [Tensor] = []
    private var secondMoments: [Tensor] = []
    private var step = 0

    /// Adam with the paper's decay rates.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, or the weight decay below 0, or
    ///   one of them beyond `Float`'s range.
    public init(learningRate: Double = 0.001, weightDecay: Double = 0) throws(TensorError) {
        try self.init(
            settings: AdamSettings(learningRate: learningRate), weightDecay: weightDecay)
    }

    /// Adam with the given settings.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, a decay rate or epsilon not
    ///   from 0 to below 1, a weight decay below 0, or one of them beyond
    ///   `Float`'s range.
    public init(settings: AdamSettings, weightDecay: Double = 0) throws(TensorError) {
        try checkLearningRate(settings.learningRate, operation: "Adam")
        try check(settings.beta1, in: 0..<1, operation: "Adam", argument: "beta1")
        try check(settings.beta2, in: 0..<1, operation: "Adam", argument: "beta2")
        try check(settings.epsilon, in: 0..<1, operation: "Adam", argument: "epsilon")
        try checkWeightDecay(settings.decoupledWeightDecay, operation: "Adam")
        try checkWeightDecay(weightDecay, operation: "Adam")
        self.settings = settings
        self.weightDecay = weightDecay
    }

    /// One step.
    public mutating func update(_ network: inout Network, scaling: UpdateScaling) throws {
        let kernels = network.kernels
        var settings = settings
        settings.learningRate *= scaling.learningRate
        try network.prepare(&firstMoments, operation: "Adam")
        try network.prepare(&secondMoments, operation: "Adam")
        step += 1
        try network.forEachGradient { index, value, gradient in
            try kernels.adamUpdate(
                &value, firstMoment: &firstMoments[index], secondMoment: &secondMoments[index],
                gradient: gradient, step: step, settings: settings,
                adjustment: scaling.adjustment(weightDecay: weightDecay))
        }
    }

    /// The learning rate, the decay rates, epsilon and both weight decays.
    public var configuration: [String: String] {
        [
            "optimizer": "adam", "learningRate": "\(settings.learningRate)",
            "beta1": "\(settings.beta1)", "beta2": "\(settings.beta2)",
            "epsilon": "\(settings.epsilon)", "weightDecay": "\(weightDecay)",
            "decoupledWeightDecay": "\(settings.decoupledWeightDecay)",
        ]
    }

    /// Both moments and the number of steps so far.
    public var state: OptimizerState {
        OptimizerState(
            tensors: ["firstMoment": firstMoments, "secondMoment": secondMoments],
            counters: ["step": step])
    }

    /// Takes moments and the number of steps back.
    ///
    /// - Throws: ``TensorError`` when they are not those of such a network.
    public mutating func restore(
        _ state: OptimizerState, for network: Network
    ) throws(TensorError) {
        try state.check(
            tensors: ["firstMoment", "secondMoment"], counters: ["step"], suit: network,
            operation: "Adam.restore")
        firstMoments = state.tensors["firstMoment"] ?? []
        secondMoments = state.tensors["secondMoment"] ?? []
        step = state.counters["step"] ?? 0
    }
}
