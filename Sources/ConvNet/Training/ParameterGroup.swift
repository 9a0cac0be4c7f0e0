// SPDX-License-Identifier: MIT
//
// Parameters that are trained with settings of their own, chosen by their names.

/// Parameters with a learning rate or weight decay of their own.
///
/// ```swift
/// // The last layer learns ten times as fast, and no bias decays.
/// let groups = [ParameterGroup("fc.*", learningRate: 0.1), ParameterGroup("*.b", weightDecay: 0)]
/// ```
public struct ParameterGroup: Sendable, Hashable {
    /// Which names are meant: `*` stands for any characters, `?` for one.
    public let pattern: String
    /// Their step size; the optimizer's when nil. A schedule multiplies it.
    public let learningRate: Double?
    /// How much they decay; as the optimizer has it when nil.
    public let weightDecay: Double?

    /// A group.
    ///
    /// - Throws: ``TensorError`` when the learning rate is not above 0, the weight decay below 0,
    ///   or one of them beyond `Float`'s range.
    public init(
        _ pattern: String, learningRate: Double? = nil, weightDecay: Double? = nil
    ) throws(TensorError) {
        if let learningRate {
            try checkLearningRate(learningRate, operation: "ParameterGroup")
        }
        if let weightDecay { try checkWeightDecay(weightDecay, operation: "ParameterGroup") }
        self.pattern = pattern
        self.learningRate = learningRate
        self.weightDecay = weightDecay
    }

    /// Whether a parameter of this name is meant.
    public func matches(_ name: String) -> Bool { NamePattern(pattern).matches(name) }

    /// The group as text, for checkpoints.
    var text: String {
        let rate = learningRate.map { " learningRate \($0)" } ?? ""
        let decay = weightDecay.map { " weightDecay \($0)" } ?? ""
        return pattern + rate + decay
    }
}
