// SPDX-License-Identifier: MIT
//
// A rule that changes parameters by their gradients. It is a value and keeps nothing: what it needs
// from step to step lies beside it, in an updater.

/// A rule for changing a parameter by its gradient.
///
/// ```swift
/// struct SignDescent: Optimizer {                       // Bernstein et al., "signSGD", 2018
///     let learningRate = 0.001
///     var configuration: [String: String] {
///         ["optimizer": "sign", "learningRate": "\(learningRate)"]
///     }
///     func update(
///         _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
///     ) throws {
///         let signs = try gradient.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
///         parameter = try parameter - update.learningRate * signs
///     }
/// }
/// ```
public protocol Optimizer: Sendable {
    /// The step size; a schedule multiplies it, and a ``ParameterGroup`` may have another.
    var learningRate: Double { get }

    /// How much weights decay; 0 by default. A ``ParameterGroup`` may have another.
    var weightDecay: Double { get }

    /// The name, under `optimizer`, and every setting, under its own, as text: what must be the
    /// same where training is resumed.
    var configuration: [String: String] { get }

    /// What is kept beside each parameter from step to step, such as `velocity`: for each name a
    /// tensor of the parameter's shape and number type, zeros at first. None by default.
    var stateNames: [String] { get }

    /// Changes a parameter.
    ///
    /// - Parameters:
    ///   - parameter: the parameter; its shape and number type stay.
    ///   - state: a tensor for each of ``stateNames``, changed along.
    ///   - gradient: the parameter's gradient, of its shape.
    ///   - update: the step's number, the learning rate and what is done to the gradient.
    /// - Throws: ``TensorError`` when something does not suit the parameter.
    func update(
        _ parameter: inout Tensor, state: inout [Tensor], gradient: Tensor, _ update: Update
    ) throws
}

extension Optimizer {
    /// None.
    public var weightDecay: Double { 0 }

    /// Nothing is kept.
    public var stateNames: [String] { [] }

    /// Fails unless there is a tensor for each of ``stateNames``; kernels check their shapes.
    func require(_ state: [Tensor]) throws(TensorError) {
        guard state.count == stateNames.count else {
            throw TensorError(
                operation: "\(Self.self)", argument: "state", value: "\(state.count) tensors",
                expected: stateNames.joined(separator: ", "))
        }
    }
}

/// What an optimizer is given for one update of one parameter.
public struct Update: Sendable {
    /// The number of the step, from 1.
    public let step: Int
    /// The step size, the schedule's factor included.
    public let learningRate: Double
    /// How much weights decay.
    public var weightDecay: Double
    /// What the gradient is multiplied by: below 1 where the norm of all gradients is clipped.
    public let gradientFactor: Double
    /// The largest size of a number of the gradient, before it is multiplied.
    public let gradientLimit: Double
    /// What does the arithmetic.
    public let kernels: any Kernels

    /// What the kernels do to the gradient: clipping, and the weight decay as L2.
    public var adjustment: GradientAdjustment {
        GradientAdjustment(
            factor: gradientFactor, limit: gradientLimit, weightDecay: weightDecay)
    }
}
