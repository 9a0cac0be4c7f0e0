// SPDX-License-Identifier: MIT
//
// What changes the parameters by their gradients. An optimizer is a value that keeps what it needs
// from step to step: a copy goes on by itself.

/// A rule for changing parameters by their gradients.
///
/// An optimizer that keeps nothing from step to step needs ``update(_:scaling:)`` and
/// ``configuration`` alone. One that does gives it as ``state`` and takes it back in
/// ``restore(_:for:)``, so that training can be resumed with the same bits.
public protocol Optimizer: Sendable {
    /// Changes every parameter of the network by the gradient of its last backward pass.
    ///
    /// - Parameters:
    ///   - network: after a backward pass.
    ///   - scaling: what a schedule and clipping ask for; see ``ScheduledOptimizer`` and
    ///     ``ClippedOptimizer``.
    /// - Throws: ``TensorError`` when the network is not the one of earlier steps.
    mutating func update(_ network: inout Network, scaling: UpdateScaling) throws

    /// The name, under `optimizer`, and every setting, under its own, as text: what must be the same
    /// where training is resumed. What wraps another optimizer adds its settings to that one's.
    var configuration: [String: String] { get }

    /// What is kept from step to step. Reading it copies no numbers.
    var state: OptimizerState { get }

    /// Goes on from a state that an optimizer of the same kind had with the same network.
    ///
    /// - Throws: ``TensorError`` when the state is of another kind or does not suit the network;
    ///   nothing has changed then. See ``OptimizerState/check(tensors:counters:suit:operation:)``.
    mutating func restore(_ state: OptimizerState, for network: Network) throws(TensorError)
}

extension Optimizer {
    /// Nothing is kept.
    public var state: OptimizerState { OptimizerState() }

    /// There is nothing to restore.
    ///
    /// - Throws: ``TensorError`` when the state holds something nevertheless.
    public mutating func restore(
        _ state: OptimizerState, for network: Network
    ) throws(TensorError) {
        try state.check(tensors: [], counters: [], suit: network, operation: "\(Self.self).restore")
    }

    /// Changes every parameter of the network by the gradient of its last backward pass.
    ///
    /// - Throws: ``TensorError`` when the network is not the one of earlier steps.
    public mutating func update(_ network: inout Network) throws {
        try update(&network, scaling: UpdateScaling())
    }
}

/// What is different about one update: nothing by default.
public struct UpdateScaling: Sendable, Hashable {
    /// What the learning rate is multiplied by.
    public var learningRate = 1.0
    /// What the gradient is multiplied by.
    public var gradient = 1.0
    /// The largest size of a number of the gradient, before it is multiplied.
    public var gradientLimit = Double.infinity

    /// An update as the optimizer's settings have it.
    public init() {}

    /// What the kernels do to the gradient, with an optimizer's L2 weight decay.
    func adjustment(weightDecay: Double = 0) -> GradientAdjustment {
        GradientAdjustment(factor: gradient, limit: gradientLimit, weightDecay: weightDecay)
    }
}

/// The step that all optimizers take: through the network's parameters in place.
extension Network {
    /// Calls the body with each parameter that has a gradient, its number and its gradient.
    mutating func forEachGradient(
        _ body: (_ index: Int, _ value: inout Tensor, _ gradient: Tensor) throws -> Void
    ) throws {
        var index = 0
        try updateParameters { _, value, gradient in
            defer { index += 1 }
            if let gradient { try body(index, &value, gradient) }
        }
    }

    /// Makes zeros beside each parameter for what an optimizer keeps, the first time; afterwards
    /// checks that they still suit the parameters.
    ///
    /// - Throws: ``TensorError`` when the state was made for another network.
    func prepare(_ state: inout [Tensor], operation: String) throws {
        if state.isEmpty {
            state = try parameters.map {
                try Tensor(zeros: $0.value.shape, scalarType: $0.value.scalarType)
            }
        }
        guard
            state.elementsEqual(
                parameters,
                by: { $0.shape == $1.value.shape && $0.scalarType == $1.value.scalarType })
        else {
            throw TensorError(
                operation: operation, argument: "network",
                value: "one with parameters \(parameters.map(\.value.shape))",
                expected: "the one of earlier steps, with \(state.map(\.shape)) of the same type")
        }
    }
}
