// SPDX-License-Identifier: MIT
//
// A chain of operators that grows layer by layer.

/// A layer that ONNX's operators can do.
protocol ONNXLayer: Layer {
    /// Adds what the layer does in prediction to a graph.
    ///
    /// - Parameter inputShape: what goes in, `[1, …]`; the graph takes any number of samples.
    func export(to graph: inout ONNXGraph, inputShape: [Int]) throws
}

/// The operators of a network, and the tensors that they know.
///
/// A value is named by the layer that it comes out of, `conv1.output`, a tensor as in parameter files,
/// W1: neither is ever `input` or `output`.
struct ONNXGraph {
    private(set) var nodes: [ONNXNode] = []
    /// TensorProto messages.
    private(set) var constants: [ProtobufMessage] = []
    /// The name of the last operator's output.
    private(set) var value = ONNXGraph.inputName
    private var layer = ""
    private var names: Set<String> = []
    private var tensorNumber = 0

    static let inputName = "input"
    static let outputName = "output"

    /// Adds a layer's operators.
    ///
    /// - Throws: ``TensorError`` that names the layer if there are none for it.
    mutating func add(_ named: NamedLayer, inputShape: [Int]) throws {
        guard let layer = named.layer as? any ONNXLayer else {
            throw TensorError(
                operation: "exportONNX", argument: "layer \(named.name)",
                value: "\(type(of: named.layer))", expected: "one of the package's own layers")
        }
        self.layer = named.name
        if !layer.parameters.isEmpty || !layer.buffers.isEmpty { tensorNumber += 1 }
        try layer.export(to: &self, inputShape: inputShape)
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

    /// Makes rows of images, unless they are rows.
    mutating func addFlatten(unlessRows inputShape: [Int]) {
        if inputShape.count != 2 { add("Flatten", step: "rows", [("axis", .int(1))]) }
    }

    /// Adds one of the layer's parameters or buffers.
    ///
    /// - Returns: its name, W1 for key W of the first layer with tensors.
    mutating func add(_ tensor: (key: String, value: Tensor)) throws -> String {
        try add(tensor.value, named: "\(tensor.key)\(tensorNumber)")
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
        // Networks compute in float32; float64 is for checks.
        constants.append(
            ProtobufMessage(onnx: try tensor.converted(to: .float32), name: name))
        return name
    }

    /// The whole model; the last operator's output becomes the network's.
    mutating func model(of network: Network) -> ONNXModel {
        if nodes.isEmpty { add("Identity", step: "identity") }
        nodes[nodes.count - 1].output = Self.outputName
        return ONNXModel(
            name: "network", nodes: nodes, constants: constants,
            input: ONNXValue(name: Self.inputName, sampleShape: network.inputShape),
            output: ONNXValue(name: Self.outputName, sampleShape: network.outputShape))
    }
}
