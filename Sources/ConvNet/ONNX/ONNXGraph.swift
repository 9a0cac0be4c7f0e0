// SPDX-License-Identifier: MIT
//
// A graph of operators that grows node by node.

/// A layer that ONNX's operators can do.
protocol ONNXLayer: Layer {
    /// Adds what the layer does in prediction to a graph.
    ///
    /// - Parameter inputShape: the first of what goes in, `[1, …]`; the graph takes any
    ///   number of samples.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws
}

/// The operators of a network, and the tensors that they know.
///
/// A value is named by the layer that it comes out of, `conv1.output`, a tensor as in parameter
/// files, W1: neither is ever `input` or `output`.
struct ONNXGraph {
    private(set) var nodes: [ONNXNode] = []
    /// TensorProto messages.
    private(set) var constants: [ProtobufMessage] = []
    /// The names of the layer's inputs.
    private(set) var inputs: [String] = []
    /// The name of the last operator's output; before a layer's first operator, that of
    /// its first input.
    private(set) var value = ""
    /// What the values of the network's graph are called.
    private var valueNames: [Graph.Value: String] = [:]
    private var layer = ""
    private var names: Set<String> = []
    /// The shapes of constants, by their names.
    private var constantShapes: [String: [Int]] = [:]
    private var outputNames: Set<String> = []
    /// The names of the layer's tensors, by key.
    private var tensorNames: [String: String] = [:]

    /// A graph of a network's inputs, without operators.
    init(_ graph: Graph) {
        for (place, input) in graph.inputs.enumerated() {
            valueNames[Graph.Value(source: .input(place))] = input.name
        }
    }

    /// Adds a layer's operators.
    ///
    /// - Throws: ``TensorError`` that names the layer if there are none for it.
    mutating func add(
        _ node: Graph.Node, at place: Int, inputShape: [Int], tensorNames: [String: String]
    ) throws {
        guard let layer = node.layer as? any ONNXLayer else {
            throw TensorError(
                operation: "exportONNX", argument: "layer \(node.name)",
                value: "\(type(of: node.layer))", expected: "one of the package's own layers")
        }
        self.layer = node.name
        self.tensorNames = tensorNames
        inputs = node.inputs.map { valueNames[$0] ?? "" }
        value = inputs.first ?? ""
        try layer.export(to: &self, inputShape: inputShape)
        valueNames[Graph.Value(source: .node(place))] = value
    }

    /// Adds an operator, the layer's result or a step on the way to it.
    ///
    /// - Parameters:
    ///   - operation: ONNX's name.
    ///   - first: the first input; the last value when nil.
    ///   - others: further inputs.
    ///   - step: what the layer's name is extended by, where it takes several operators.
    mutating func add(
        _ operation: String, on first: String? = nil, _ others: [String] = [], step: String? = nil,
        _ attributes: [(name: String, value: ONNXAttribute)] = []
    ) {
        var name = step.map { "\(layer).\($0)" } ?? layer
        // A layer may have been given the name of another one's step.
        while !names.insert(name).inserted { name += "_" }
        nodes.append(
            ONNXNode(
                name: name, operation: operation, inputs: [first ?? value] + others,
                output: "\(name).output", attributes: attributes))
        value = "\(name).output"
    }

    /// Gives the last operator an output behind its first.
    ///
    /// - Returns: its name.
    @discardableResult
    mutating func addSecondOutput() -> String {
        let name = "\(value).second"
        nodes[nodes.count - 1].furtherOutputs.append(name)
        return name
    }

    /// Makes rows of images, unless they are rows.
    mutating func addFlatten(unlessRows inputShape: [Int]) {
        if inputShape.count != 2 { add("Flatten", step: "rows", [("axis", .int(1))]) }
    }

    /// Adds one of the layer's parameters or buffers.
    ///
    /// - Returns: its name, W1 for key W of the first layer with tensors.
    mutating func add(_ tensor: NamedTensor) throws -> String {
        try add(tensor.value, named: tensorNames[tensor.name] ?? tensor.name)
    }

    /// Adds numbers that the layer needs in ONNX alone.
    ///
    /// - Returns: their name, which begins with the layer's.
    mutating func addConstant(_ name: String, _ tensor: Tensor) throws -> String {
        try add(tensor, named: "\(layer).\(name)")
    }

    /// Adds whole numbers that the layer needs in ONNX alone.
    ///
    /// - Returns: their name, which begins with the layer's.
    mutating func addIntegers(_ name: String, _ values: [Int]) -> String {
        constants.append(ProtobufMessage(onnxIntegers: values, name: "\(layer).\(name)"))
        return "\(layer).\(name)"
    }

    private mutating func add(_ tensor: Tensor, named name: String) throws -> String {
        // Layers may share a tensor, and may want it in another shape.
        var name = name
        while let shape = constantShapes[name] {
            if shape == tensor.shape { return name }
            name += "_"
        }
        constantShapes[name] = tensor.shape
        // Networks compute in float32; float64 is for checks.
        constants.append(
            ProtobufMessage(onnx: try tensor.converted(to: .float32), name: name))
        return name
    }

    /// The whole model; the operators that the network's outputs come from are given their names.
    mutating func model(of network: Network) throws -> ONNXModel {
        for output in network.graph.outputs { name(output) }
        return ONNXModel(
            name: "network", nodes: nodes, constants: constants,
            inputs: network.graph.inputs.map {
                ONNXValue(name: $0.name, wholeShape: $0.wholeShape)
            },
            outputs: try network.graph.outputs.map {
                ONNXValue(
                    name: $0.name, wholeShape: try network.graph.wholeShape(of: $0.value))
            })
    }

    private mutating func name(_ output: Graph.Output) {
        let old = valueNames[output.value] ?? ""
        // An input as it is, or a value that is an output already, is copied.
        guard let producer = nodes.firstIndex(where: { $0.output == old }),
            outputNames.insert(output.name).inserted, !outputNames.contains(old)
        else {
            layer = output.name
            add("Identity", on: old, step: "identity")
            nodes[nodes.count - 1].output = output.name
            return
        }
        nodes[producer].output = output.name
        for place in nodes.indices {
            nodes[place].inputs = nodes[place].inputs.map { $0 == old ? output.name : $0 }
        }
        for (value, name) in valueNames where name == old { valueNames[value] = output.name }
    }
}
