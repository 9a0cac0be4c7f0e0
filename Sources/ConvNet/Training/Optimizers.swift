// SPDX-License-Identifier: MIT
//
// Optimizers by name, as command lines ask for them.

/// Optimizers by name, for command lines.
public enum Optimizers {
    /// The names that ``named(_:learningRate:weightDecay:momentum:)`` knows.
    public static let names = [
        "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw",
    ]

    /// The optimizer of that name, with its usual settings.
    ///
    /// - Parameters:
    ///   - name: one of ``names``.
    ///   - learningRate: the step size; the optimizer's own default when nil.
    ///   - weightDecay: the L2 weight decay, for `adamw` the decoupled one; the optimizer's own
    ///     default when nil.
    ///   - momentum: how much of the velocity `sgd`, `momentum` and `nesterov` keep; 0 for `sgd`
    ///     and 0.9 for the others when nil. Other optimizers have none.
    /// - Throws: ``TensorError`` when there is none of that name, the learning rate is not above 0,
    ///   the weight decay below 0, the momentum not from 0 to below 1, or one of them beyond
    ///   `Float`'s range.
    public static func named(
        _ name: String, learningRate: Double? = nil, weightDecay: Double? = nil,
        momentum: Double? = nil
    ) throws(TensorError) -> any Optimizer {
        let decay = weightDecay ?? 0
        switch name {
        case "sgd":
            return try SGD(
                learningRate: learningRate ?? 0.01, momentum: momentum ?? 0, weightDecay: decay)
        case "momentum":
            return try Momentum(
                learningRate: learningRate ?? 0.01, momentum: momentum ?? 0.9, weightDecay: decay)
        case "nesterov":
            return try Nesterov(
                learningRate: learningRate ?? 0.01, momentum: momentum ?? 0.9, weightDecay: decay)
        case "adagrad": return try AdaGrad(learningRate: learningRate ?? 0.01, weightDecay: decay)
        case "rmsprop": return try RMSProp(learningRate: learningRate ?? 0.01, weightDecay: decay)
        case "adam": return try Adam(learningRate: learningRate ?? 0.001, weightDecay: decay)
        case "adamw":
            return try AdamW(learningRate: learningRate ?? 0.001, weightDecay: weightDecay ?? 0.01)
        default:
            throw TensorError(
                operation: "Optimizers", argument: "name", value: name,
                expected: "one of " + names.joined(separator: ", "))
        }
    }
}
