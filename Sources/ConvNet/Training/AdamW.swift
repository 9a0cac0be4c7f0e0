// SPDX-License-Identifier: MIT
//
// Adam with decoupled weight decay, with PyTorch's constants
// (https://pytorch.org/docs/stable/generated/torch.optim.AdamW.html).

/// Adam whose weight decay goes past the moments: `p *= 1 − learningRate · weightDecay`, then Adam's
/// step (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).
public struct AdamW: Optimizer {
    private var adam: Adam

    /// AdamW with PyTorch's defaults.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, or the weight decay below 0, or
    ///   one of them beyond `Float`'s range.
    public init(learningRate: Double = 0.001, weightDecay: Double = 0.01) throws(TensorError) {
        try checkLearningRate(learningRate, operation: "AdamW")
        try checkWeightDecay(weightDecay, operation: "AdamW")
        adam = try Adam(
            settings: AdamSettings(
                learningRate: learningRate, decoupledWeightDecay: weightDecay))
    }

    /// Step size, decay rates, epsilon and weight decay.
    public var settings: AdamSettings { adam.settings }

    /// One step.
    public mutating func update(_ network: inout Network, scaling: UpdateScaling) throws {
        try adam.update(&network, scaling: scaling)
    }

    /// Adam's, under another name.
    public var configuration: [String: String] {
        adam.configuration.merging(["optimizer": "adamw"]) { $1 }
    }

    /// Both moments and the number of steps so far.
    public var state: OptimizerState { adam.state }

    /// Takes moments and the number of steps back.
    ///
    /// - Throws: ``TensorError`` when they are not those of such a network.
    public mutating func restore(
        _ state: OptimizerState, for network: Network
    ) throws(TensorError) {
        try adam.restore(state, for: network)
    }
}
