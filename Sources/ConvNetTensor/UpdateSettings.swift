// SPDX-License-Identifier: MIT
//
// The constants of the optimisers' updates, as `Kernels` takes them.

/// What is done to each number `g` of a gradient before an update uses it, `p` being the
/// parameter's: `factor · min(max(g, −limit), limit) + weightDecay · p`. NaN stays NaN.
///
/// It is part of the update, so that clipping and weight decay cost no pass over memory.
public struct GradientAdjustment: Sendable, Hashable {
    /// What the gradient is multiplied by; below 1 where its norm is clipped.
    public var factor: Double
    /// The largest size of a number.
    public var limit: Double
    /// How much of the parameter is added: the gradient of `weightDecay/2 · p²` (L2).
    public var weightDecay: Double

    /// An adjustment; by default the gradient is used as it is.
    public init(factor: Double = 1, limit: Double = .infinity, weightDecay: Double = 0) {
        self.factor = factor
        self.limit = limit
        self.weightDecay = weightDecay
    }
}

/// The settings of an update with a velocity.
public struct MomentumSettings: Sendable, Hashable {
    /// The step size.
    public var learningRate: Double
    /// How much of the velocity is kept each step.
    public var momentum: Double
    /// Whether the step looks ahead along the new velocity (Nesterov).
    public var isNesterov: Bool

    /// Settings for an update with a velocity.
    public init(learningRate: Double, momentum: Double, isNesterov: Bool = false) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.isNesterov = isNesterov
    }
}

/// The settings of an update that is scaled by the root of the gradient's squares so far.
public struct SquaresSettings: Sendable, Hashable {
    /// The step size.
    public var learningRate: Double
    /// How much of the old squares counts: 1 for their sum.
    public var kept: Double
    /// How much of the new square counts.
    public var added: Double
    /// What keeps the divisor from 0; added to the root.
    public var epsilon: Double

    /// Settings for an update that is scaled by the root of squares.
    public init(learningRate: Double, kept: Double, added: Double, epsilon: Double) {
        self.learningRate = learningRate
        self.kept = kept
        self.added = added
        self.epsilon = epsilon
    }
}

/// The settings of Adam, with the paper's values as defaults.
public struct AdamSettings: Sendable, Hashable {
    /// The step size.
    public var learningRate: Double
    /// How much of the first moment is kept each step.
    public var beta1: Double
    /// How much of the second moment is kept each step.
    public var beta2: Double
    /// What keeps the divisor from 0.
    public var epsilon: Double
    /// How much of a parameter goes each step, times the learning rate, whatever its gradient
    /// (AdamW); 0 for Adam.
    public var decoupledWeightDecay: Double

    /// Settings for Adam.
    public init(
        learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
        epsilon: Double = 1e-8, decoupledWeightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.decoupledWeightDecay = decoupledWeightDecay
    }
}

extension Kernels {
    /// Stochastic gradient descent with the gradient as it is.
    public func sgdUpdate(
        _ parameter: inout Tensor, gradient: Tensor, learningRate: Double
    ) throws {
        try sgdUpdate(
            &parameter, gradient: gradient, learningRate: learningRate,
            adjustment: GradientAdjustment())
    }

    /// An update with a velocity and the gradient as it is.
    public func momentumUpdate(
        _ parameter: inout Tensor, velocity: inout Tensor, gradient: Tensor,
        settings: MomentumSettings
    ) throws {
        try momentumUpdate(
            &parameter, velocity: &velocity, gradient: gradient, settings: settings,
            adjustment: GradientAdjustment())
    }

    /// Adam with the gradient as it is.
    public func adamUpdate(
        _ parameter: inout Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
        gradient: Tensor, step: Int, settings: AdamSettings
    ) throws {
        try adamUpdate(
            &parameter, firstMoment: &firstMoment, secondMoment: &secondMoment,
            gradient: gradient, step: step, settings: settings, adjustment: GradientAdjustment())
    }
}
