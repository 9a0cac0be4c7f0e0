// SPDX-License-Identifier: MIT
//
// Network: a graph of layers, the kernels they run on, and how far training has come.

/// A graph of layers and what it runs on: most often a chain, from an input of known
/// shape to logits.
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
/// Parameters and buffers of a chain are named by their layer's place among the layers that have
/// some: W1, b1, W2, b2. In other graphs they are named by node: `conv1.W`.
public struct Network: Classifier {
    /// The layers and how they feed one another.
    public internal(set) var graph: Graph
    /// The shape of one sample of the first input, `[C, H, W]`.
    public let inputShape: [Int]
    /// The shape of one sample of the first output, `[K]`.
    public let outputShape: [Int]
    /// What does the arithmetic.
    public var kernels: any Kernels
    /// How many training steps the network has made: the number of the next one, from 0. Layers
    /// that draw random numbers draw them for this step, so a network that resumes from a
    /// checkpoint draws what it would have drawn without a break.
    public package(set) var trainingStep = 0
    /// What is done to images before the network sees them, and what its classes are called; nil
    /// where it is unknown. Whole-network files keep it.
    public var preprocessing: Preprocessing?
    /// In which order nodes run in training, and which run as one.
    let plan: Plan
    /// The same in prediction.
    let predictionPlan: Plan
    /// The plan of the last training of a part, and the part.
    var partialPlan: (part: TrainedPart, plan: Plan)?
    /// What predictions read of the layers; others as soon as a tensor may change.
    var prepared = PreparedSteps()
    /// Where the network comes from, if that is an ONNX file: what makes graphs for other shapes.
    var imported: ImportedModel?

    /// The network itself.
    public var network: Network {
        get { self }
        // Modified in place: a copy would make every parameter shared, and every update a copy.
        _modify { yield &self }
    }

    /// A network of a graph, which has at least one input, one node and one output.
    ///
    /// - Throws: ``TensorError`` when one of them is missing.
    public init(_ graph: Graph, kernels: any Kernels = NativeKernels()) throws {
        for (argument, isMissing, rule) in [
            ("layers", graph.nodes.isEmpty, "at least one layer"),
            ("inputs", graph.inputs.isEmpty, "at least one input"),
            ("outputs", graph.outputs.isEmpty, "at least one output"),
        ] where isMissing {
            throw TensorError(
                operation: "Network", argument: argument, value: "empty", expected: rule)
        }
        self.graph = graph
        self.kernels = kernels
        inputShape = graph.inputs[0].shape
        outputShape = try graph.shape(of: graph.outputs[0].value)
        plan = Plan(graph, fusion: .training)
        predictionPlan = Plan(graph, fusion: .prediction)
    }

    /// A network of layers, each of which takes the output of the one before; their shapes
    /// are checked here.
    ///
    /// - Parameters:
    ///   - inputShape: the shape of one sample, without the axis that counts samples.
    ///   - layers: at least one; names must differ.
    ///   - kernels: what does the arithmetic.
    /// - Throws: ``TensorError`` that names the layer and the shape it can't work with.
    public init(
        inputShape: [Int], layers: [NamedLayer], kernels: any Kernels = NativeKernels()
    ) throws {
        // Inputs and nodes share their names.
        let isTaken = layers.contains { $0.name == Self.inputName }
        try self.init(
            inputShape: inputShape, inputName: isTaken ? "\(Self.inputName)_" : Self.inputName,
            kernels: kernels
        ) { graph, x in
            var value = x
            for named in layers { value = try graph.add(named.layer, value, name: named.name) }
            return value
        }
    }

    /// A network with one input and one output that a closure builds in between.
    ///
    /// ```swift
    /// let network = try Network(inputShape: [64, 56, 56]) { graph, x in
    ///     var y = try graph.add(
    ///         Convolution(inputChannels: 64, outputChannels: 64, kernel: 3, padding: 1), x)
    ///     y = try graph.add(ReLU(), graph.add(BatchNormalization(channels: 64), y))
    ///     return try graph.add(ReLU(), graph.add(Addition(), y, x))
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - inputShape: the shape of one sample, without the axis that counts samples.
    ///   - kernels: what does the arithmetic.
    ///   - build: adds layers to the graph, from the given value on, and returns the output.
    /// - Throws: ``TensorError`` that names the layer and the shapes it can't work with, and what
    ///   `build` throws.
    public init(
        inputShape: [Int], kernels: any Kernels = NativeKernels(),
        _ build: (_ graph: inout Graph, _ x: Graph.Value) throws -> Graph.Value
    ) throws {
        try self.init(
            inputShape: inputShape, inputName: Self.inputName, kernels: kernels, build)
    }

    private init(
        inputShape: [Int], inputName: String, kernels: any Kernels,
        _ build: (_ graph: inout Graph, _ x: Graph.Value) throws -> Graph.Value
    ) throws {
        _ = try Shape.elementCount([1] + inputShape, operation: "Network", argument: "inputShape")
        var graph = Graph()
        let x = try graph.input(inputName, inputShape)
        let y = try build(&graph, x)
        try graph.output(y, Self.outputName)
        try self.init(graph, kernels: kernels)
    }

    /// What the only input and output are called unless a graph says otherwise.
    static let inputName = "input"
    static let outputName = "output"

    /// The layers in the order of the graph's nodes.
    public var layers: [NamedLayer] { graph.nodes.map { NamedLayer($0.name, $0.layer) } }

    /// The same network with parameters of the given number type.
    ///
    /// - Throws: ``TensorError`` when there is no memory for it.
    public func converted(to scalarType: ScalarType, kernels: any Kernels) throws -> Network {
        var network = self
        for index in graph.nodes.indices {
            network.graph.nodes[index].layer = try graph.nodes[index].layer.converted(
                to: scalarType)
        }
        network.graph.spreadTiedTensors()
        network.kernels = kernels
        network.prepared = PreparedSteps()
        network.imported?.plans = ShapePlans()
        return network
    }

    /// The output of all layers.
    func predicted(_ x: Tensor) throws -> Tensor {
        if let imported, graph.inputs.count == 1 {
            return try imported.predict(self, [graph.inputs[0].name: x], outputs: nil)[0]
        }
        return try predictionPlan.predict(graph, [checked(x)], prepared, on: kernels)[0]
    }

    /// Predicts layer by layer, none fused with others, and shows what goes in and comes out.
    package func forEachLayer(
        of x: Tensor, _ body: (_ layer: NamedLayer, _ inputs: [Tensor], _ output: Tensor) -> Void
    ) throws {
        let plan = Plan(graph, fusion: .none)
        _ = try plan.predict(graph, [checked(x)], PreparedSteps(), on: kernels) {
            let node = graph.nodes[$0]
            body(NamedLayer(node.name, node.layer), $1, $2)
        }
    }

    /// Fails unless a batch has samples of the network's input shape, or of one that all layers can
    /// work with as well.
    func checked(_ x: Tensor) throws(TensorError) -> Tensor {
        guard graph.inputs.count == 1 else {
            throw TensorError(
                operation: "predict", argument: "x", value: "one tensor",
                expected: "one for each of the inputs "
                    + graph.inputs.map(\.name).joined(separator: ", "))
        }
        let isAsMade =
            x.shape.count == inputShape.count + 1 && x.shape.dropFirst().elementsEqual(inputShape)
        // In an imported model more may depend on the shape than its layers show.
        let isAccepted =
            isAsMade ? x.shape == graph.inputs[0].wholeShape || imported == nil : false
        if let imported, !isAccepted, graph.accepts([x.shape]),
            imported.hasSameLayers(for: [x.shape], as: self)
        {
            return x
        }
        guard isAccepted || (imported == nil && graph.accepts([x.shape])) else {
            throw TensorError(
                operation: "predict", argument: "x", value: "\(x.shape)",
                expected: "[N" + inputShape.map { ", \($0)" }.joined() + "]")
        }
        return x
    }
}
