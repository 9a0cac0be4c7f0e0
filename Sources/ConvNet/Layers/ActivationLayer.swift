// SPDX-License-Identifier: MIT
//
// Activations as layers: what they share, and the book's by the names that it gives them.

/// A layer that is an ``Activation``.
public protocol ActivationLayer: UnaryLayer {
    /// The function of each number.
    var activation: Activation { get }
}

extension ActivationLayer {
    /// The shape that comes out for a shape that goes in: the same.
    public func outputShape(for inputShape: [Int]) throws -> [Int] { inputShape }

    /// ReLU is one that runs together with its neighbours.
    public var pattern: LayerPattern { .activation(activation) }

    /// The layer's output in prediction.
    public func predict(_ x: Tensor, on kernels: any Kernels) throws -> Tensor {
        try kernels.activation(x, activation)
    }

    /// The layer's output in training, and the way back, for which either it or the input is held.
    public func forward(_ x: Tensor, in pass: Pass) throws -> Forward {
        let y = try predict(x, on: pass.kernels)
        let (activation, kernels) = (activation, pass.kernels)
        let value = activation.gradientTakesOutput ? y : x
        return Forward(y) { outputGradient, wanted in
            guard wanted.input else { return LayerGradients(input: nil) }
            return LayerGradients(
                input: try kernels.activationGradient(outputGradient, from: value, activation))
        }
    }
}

/// Each activation is a layer.
extension Activation: ActivationLayer {
    /// The function itself.
    public var activation: Activation { self }
}

/// `max(x, 0)` for each number, of any shape. NaN stays NaN; the gradient at 0 is 0. "Deep Learning
/// from Scratch", section 5.5.1.
public struct ReLU: ActivationLayer {
    /// A layer without parameters.
    public init() {}

    /// The function.
    public var activation: Activation { .relu }
}

/// `1 / (1 + exp(−x))` for each number, of any shape. "Deep Learning from Scratch", section 5.5.2.
public struct Sigmoid: ActivationLayer {
    /// A layer without parameters.
    public init() {}

    /// The function.
    public var activation: Activation { .sigmoid }
}

/// `tanh(x)` for each number, of any shape, as between the layers of LeNet in 1998.
public struct Tanh: ActivationLayer {
    /// A layer without parameters.
    public init() {}

    /// The function.
    public var activation: Activation { .tanh }
}

/// `x > 0 ? x : negativeSlope · x` for each number, of any shape. NaN stays NaN; the gradient at 0
/// is the slope. Maas et al., "Rectifier nonlinearities improve neural network acoustic
/// models", 2013.
public struct LeakyReLU: ActivationLayer {
    /// The factor of negative numbers.
    public let negativeSlope: Double

    /// A layer without parameters.
    ///
    /// - Throws: ``TensorError`` when the slope is not finite.
    public init(negativeSlope: Double = 0.01) throws {
        guard negativeSlope.isFinite else {
            throw TensorError(
                operation: "LeakyReLU", argument: "negativeSlope", value: "\(negativeSlope)",
                expected: "a finite number")
        }
        self.negativeSlope = negativeSlope
    }

    /// The function.
    public var activation: Activation { .leakyReLU(slope: negativeSlope) }
}

extension Activation: DescribedLayer {
    /// What files call the type.
    public static let typeName = "Activation"

    /// The name and the parameters.
    public var layerSettings: LayerSettings {
        var settings: LayerSettings = ["name": .text(name)]
        for (name, value) in parameters { settings[name] = .number(value) }
        return settings
    }

    /// The activation of that name, with its parameters.
    public init(settings: LayerSettings, tensors: LayerTensors) throws {
        try tensors.require(only: [])
        let name = try settings.text("name")
        guard let model = Activation.examples.first(where: { $0.name == name }) else {
            throw TensorError(
                operation: "settings", argument: "name", value: name,
                expected: "one of "
                    + Activation.examples.map(\.name).sorted().joined(separator: ", "))
        }
        try settings.require(only: ["name"] + model.parameters.map(\.name))
        self = model.with(try model.parameters.map { try settings.number($0.name) })
        try KernelChecks.activation(self, operation: "settings")
    }
}
