// SPDX-License-Identifier: MIT
//
// Adam with decoupled weight decay, with PyTorch's constants
// (https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html).

/// Adam whose weight decay goes past the moments: `p *= 1 − learningRate · weightDecay`, then
/// Adam's step (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).
public struct AdamW: Optimizer {
    private var adam: Adam

    /// AdamW with PyTorch's defaults.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, or the weight decay below
    ///   0, or one of them beyond `Float`'s range.
    public init(learningRate: Double = 0.001, weightDecay: Double = 0.01) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "AdamW")
        try checkWeightDecay(weightDecay, operation: "AdamW")
        adam = try Adam(
            settings: AdamSettings(
                learningRate: learningRate, decoupledWeightDecay: weightDecay))
    }

    /// Step size, decay rates, epsilon and weight decay.
    public var settings: AdamSettings { adam.settings }

    /// The step size.
    public var learningRate: Double { settings.learningRate }

    /// How much of a parameter is taken away in each step, times the learning rate.
    public var weightDecay: Double { settings.decoupledWeightDecay }

    /// Adam's, under another name.
    public var configuration: [String: String] {
        adam.configuration.merging(["optimizer": "adamw"]) { $1 }
    }

    /// Both moments.
    public var stateNames: [String] { adam.stateNames }

    /// Changes a parameter.
    public func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws {
        var plain = update
        plain.weightDecay = 0
        try adam.update(
            &parameter, state: &state, gradient: gradient, plain,
            decoupledWeightDecay: update.weightDecay)
    }
}
