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

    /// Adam with the paper's decay rates.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, or the weight decay below
    ///   0, or one of them beyond `Float`'s range.
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

    /// The step size.
    public var learningRate: Double { settings.learningRate }

    /// The learning rate, the decay rates, epsilon and both weight decays.
    public var configuration: [String: String] {
        [
            "optimizer": "adam", "learningRate": "\(settings.learningRate)",
            "beta1": "\(settings.beta1)", "beta2": "\(settings.beta2)",
            "epsilon": "\(settings.epsilon)", "weightDecay": "\(weightDecay)",
            "decoupledWeightDecay": "\(settings.decoupledWeightDecay)",
        ]
    }

    /// Both moments.
    public var stateNames: [String] { ["firstMoment", "secondMoment"] }

    /// Changes a parameter.
    public func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws {
        try self.update(
            &parameter, state: &state, gradient: gradient, update,
            decoupledWeightDecay: settings.decoupledWeightDecay)
    }

    /// Changes a parameter with a given decoupled weight decay.
    func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update,
        decoupledWeightDecay: Double
    ) throws {
        var settings = settings
        settings.learningRate = update.learningRate
        settings.decoupledWeightDecay = decoupledWeightDecay
        try require(state)
        // Taken out: two elements of one array can't be changed at once.
        var secondMoment = state.removeLast()
        defer { state.append(secondMoment) }
        try update.kernels.adamUpdate(
            &parameter, firstMoment: &state[0], secondMoment: &secondMoment, gradient: gradient,
            step: update.step, settings: settings, adjustment: update.adjustment)
    }
}
