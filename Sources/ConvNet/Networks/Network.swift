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
    /// The places of the layers in the order they run; see ``runOrder(of:)``.
    let steps: [Int]

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
        steps = Self.runOrder(of: layers)
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

    /// The order in which layers run: a max pooling right behind a ReLU goes before it.
    ///
    /// The largest number of a window is rectified to the same as the largest rectified one, NaN
    /// included; and where it is not positive, no gradient passes either way. So results and
    /// gradients are the same bits, and ReLU has only the pooled numbers to work on.
    private static func runOrder(of layers: [NamedLayer]) -> [Int] {
        var order = Array(layers.indices)
        for index in layers.indices.dropFirst()
        where layers[index - 1].layer is ReLU && layers[index].layer is MaxPooling {
            order.swapAt(index - 1, index)
        }
        return order
    }

    /// The logits as training sees them: each layer keeps what its gradient needs.
    mutating func forward(_ x: Tensor) throws -> Tensor {
        for index in layers.indices { layers[index].layer.willTrain(step: trainingStep) }
        var signal = try checked(x)
        var step = 0
        while step < steps.count {
            step += try forward(from: step, &signal)
        }
        return signal
    }

    /// Runs forward and backward, so that each layer keeps its gradients.
    ///
    /// - Returns: the mean loss of the batch, and how many samples were sorted rightly.
    mutating func computeGradients(_ x: Tensor, labels: [Int]) throws -> BatchLoss {
        var signal = try forward(x)
        var lossLayer = SoftmaxWithLoss()
        let mean = try lossLayer.forward(signal, labels: labels, on: kernels)
        let loss = BatchLoss(
            mean: mean, correct: zip(try signal.argmaxOfRows(), labels).count { $0 == $1 })
        signal = try lossLayer.backward()
        for (step, index) in steps.enumerated().reversed() {
            let gradient = try layers[index].layer.backward(
                signal, needsInputGradient: step > 0, on: kernels)
            guard step > 0 else { break }
            guard let gradient else {
                throw TensorError.missingGradient(of: "layer \(layers[index].name)")
            }
            signal = gradient
        }
        return loss
    }

    /// Runs a layer, or a convolution and the max pooling behind it together.
    ///
    /// - Returns: how many layers have run.
    private mutating func forward(from step: Int, _ signal: inout Tensor) throws -> Int {
        let index = steps[step]
        guard step + 1 < steps.count, var convolution = layers[index].layer as? Convolution,
            var pooling = layers[steps[step + 1]].layer as? MaxPooling
        else {
            signal = try layers[index].layer.forward(signal, on: kernels)
            return 1
        }
        signal = try convolution.forward(signal, pooledBy: &pooling, on: kernels)
        layers[index].layer = convolution
        layers[steps[step + 1]].layer = pooling
        return 2
    }

    /// The output of all layers, keeping nothing.
    func predicted(_ x: Tensor) throws -> Tensor {
        var signal = try checked(x)
        var step = 0
        while step < steps.count {
            let layer = layers[steps[step]].layer
            if step + 1 < steps.count, let convolution = layer as? Convolution,
                let pooling = layers[steps[step + 1]].layer as? MaxPooling
            {
                signal = try convolution.predict(signal, pooledBy: pooling, on: kernels)
                step += 2
            } else {
                signal = try layer.predict(signal, on: kernels)
                step += 1
            }
        }
        return signal
    }

    /// Fails unless a batch has samples of the network's input shape.
    func checked(_ x: Tensor) throws(TensorError) -> Tensor {
        guard x.shape.count == inputShape.count + 1, Array(x.shape.dropFirst()) == inputShape
        else {
            throw TensorError(
                operation: "predict", argument: "x", value: "\(x.shape)",
                expected: "[N" + inputShape.map { ", \($0)" }.joined() + "]")
        }
        return x
    }
}
