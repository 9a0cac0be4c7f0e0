// SPDX-License-Identifier: MIT
//
// Network: named layers, one after the other, and the kernels they run on.

/// A layer and its name in a network.
public struct NamedLayer: Sendable {
    /// The name, such as `conv1`; each of a network is different.
    public let name: String
    /// The layer.
    public internal(set) var layer: any Layer

    /// Gives a layer a name.
    public init(_ name: String, _ layer: any Layer) {
        self.name = name
        self.layer = layer
    }
}

/// Layers that feed one another, from an input of known shape to logits.
///
/// ```swift
/// let network = try Network(
///     inputShape: [1, 28, 28],
///     layers: [
///         NamedLayer("conv1", Convolution(inputChannels: 1, outputChannels: 8, kernel: 3)),
///         NamedLayer("relu1", ReLU()),
///         NamedLayer("affine1", Affine(inputSize: 8 * 26 * 26, outputSize: 10)),
///     ])
/// ```
///
/// Parameters and buffers are named by their layer's place among the layers that have some: W1, b1,
/// W2, b2.
public struct Network: Classifier {
    /// The layers in order.
    public internal(set) var layers: [NamedLayer]
    /// The shape of one sample, `[C, H, W]`.
    public let inputShape: [Int]
    /// The shape of one sample's output, `[K]`.
    public let outputShape: [Int]
    /// What does the arithmetic.
    public var kernels: any Kernels
    /// How many training steps the network has made: the number of the next one, from 0. Layers that
    /// draw random numbers draw them for this step, so a network that goes on from a checkpoint draws
    /// what it would have drawn without a break.
    public package(set) var trainingStep = 0
    /// The gradients that the optimizer is to see in place of the layers' own: those over all shards,
    /// in the order of the parameters. Empty where a step is not shared.
    var averagedGradients: [Tensor] = []
    /// The order in which layers run, and which run as one.
    let steps: [NetworkStep]

    /// The network itself.
    public var network: Network {
        get { self }
        // Modified in place: a copy would make every parameter shared, and every update a copy.
        _modify { yield &self }
    }

    /// A network of the given layers; their shapes are checked here.
    ///
    /// - Parameters:
    ///   - inputShape: the shape of one sample, without the axis that counts samples.
    ///   - layers: at least one; names must differ.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` that names the layer and the shape it can't work with.
    public init(
        inputShape: [Int], layers: [NamedLayer], kernels: any Kernels = NativeKernels()
    ) throws {
        _ = try Shape.elementCount([1] + inputShape, operation: "Network", argument: "inputShape")
        guard !layers.isEmpty else {
            throw TensorError(
                operation: "Network", argument: "layers", value: "empty",
                expected: "at least one layer")
        }
        var names: Set<String> = []
        var shape = [1] + inputShape
        for named in layers {
            guard names.insert(named.name).inserted else {
                throw TensorError(
                    operation: "Network", argument: "layers", value: "two named \(named.name)",
                    expected: "names that differ")
            }
            do {
                shape = try named.layer.outputShape(for: shape)
            } catch let error as TensorError {
                throw TensorError(
                    operation: "layer \(named.name) (\(error.operation)) on \(shape)",
                    argument: error.argument, value: error.value, expected: error.expected)
            }
        }
        self.layers = layers
        steps = NetworkStep.plan(for: layers.map(\.layer))
        self.inputShape = inputShape
        self.outputShape = Array(shape.dropFirst())
        self.kernels = kernels
    }

    /// The same network with parameters of the given number type.
    ///
    /// - Throws: ``TensorError`` when there is no memory for it.
    public func converted(to scalarType: ScalarType, kernels: any Kernels) throws -> Network {
        var network = try Network(
            inputShape: inputShape,
            layers: layers.map { NamedLayer($0.name, try $0.layer.converted(to: scalarType)) },
            kernels: kernels)
        network.trainingStep = trainingStep
        return network
    }

    /// The logits as training sees them: each layer keeps what its gradient needs.
    ///
    /// - Parameter step: the step's number for layers that draw random numbers; the network's own by
    ///   default.
    mutating func forward(_ x: Tensor, step: Int? = nil) throws -> Tensor {
        for index in layers.indices { layers[index].layer.willTrain(step: step ?? trainingStep) }
        var signal = try checked(x)
        for step in steps { signal = try forward(signal, through: step) }
        return signal
    }

    /// Runs forward and backward, so that each layer keeps its gradients.
    ///
    /// - Parameters:
    ///   - step: the step's number for layers that draw random numbers.
    ///   - share: what the loss's gradient is multiplied by: the batch's share in a larger one.
    ///   - didPass: called with each layer whose gradients are ready, from the last one down.
    /// - Returns: the mean loss of the batch, and how many samples were sorted rightly.
    mutating func computeGradients(
        _ x: Tensor, labels: [Int], step: Int? = nil, share: Double = 1,
        didPass: (_ network: inout Network, _ layer: Int) throws -> Void = { _, _ in }
    ) throws -> BatchLoss {
        var signal = try forward(x, step: step)
        var lossLayer = SoftmaxWithLoss()
        let mean = try lossLayer.forward(signal, labels: labels, on: kernels)
        let loss = BatchLoss(
            mean: mean, correct: zip(try signal.argmaxOfRows(), labels).count { $0 == $1 })
        signal = try lossLayer.backward()
        if share != 1 {
            lossLayer = SoftmaxWithLoss()
            try signal.multiply(by: share)
        }
        for (place, step) in steps.enumerated().reversed() {
            let gradient = try backward(signal, through: step, needsInputGradient: place > 0)
            try didPass(&self, step.layer)
            guard let gradient else { break }
            signal = gradient
        }
        return loss
    }

    /// The output of all layers, keeping nothing.
    func predicted(_ x: Tensor) throws -> Tensor {
        var signal = try checked(x)
        for step in steps { signal = try predict(signal, through: step) }
        return signal
    }

    /// Fails unless a batch has samples of the network's input shape.
    func checked(_ x: Tensor) throws(TensorError) -> Tensor {
        guard x.shape.count == inputShape.count + 1, x.shape.dropFirst().elementsEqual(inputShape)
        else {
            throw TensorError(
                operation: "predict", argument: "x", value: "\(x.shape)",
                expected: "[N" + inputShape.map { ", \($0)" }.joined() + "]")
        }
        return x
    }
}
