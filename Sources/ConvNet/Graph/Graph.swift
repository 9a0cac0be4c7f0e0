// SPDX-License-Identifier: MIT
//
// Graph: layers as the nodes of a directed graph without cycles. It says what is computed; in which
// order, and what runs together, a plan says.

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

/// Layers that feed one another, from named inputs to named outputs.
///
/// ```swift
/// var graph = Graph()
/// let x = try graph.input("image", [64, 56, 56])
/// let y = try graph.add(
///     Convolution(inputChannels: 64, outputChannels: 64, kernel: 3, padding: 1), x)
/// try graph.output(graph.add(ReLU(), graph.add(Addition(), y, x)), "features")
/// let network = try Network(graph)
/// ```
///
/// Each node takes values that stand before it, so nodes are in topological order by construction.
public struct Graph: Sendable {
    /// A tensor that flows: an input of the graph, or a node's output.
    public struct Value: Hashable, Sendable {
        enum Source: Hashable, Sendable {
            case input(Int)
            case node(Int)
        }

        let source: Source
    }

    /// An input.
    public struct Input: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// The shape of one sample, without the axis that counts samples.
        public let shape: [Int]
        /// The shape with all axes, of the number of samples that the graph was made with.
        let wholeShape: [Int]
    }

    /// A layer, applied to values.
    public struct Node: Sendable {
        /// The name, such as `conv1`; each of a graph is different.
        public let name: String
        /// The layer.
        public internal(set) var layer: any Layer
        /// What it is applied to.
        public let inputs: [Value]
        /// The shape of one sample's output, without the axis that counts samples.
        public let shape: [Int]
        /// The shape with all axes, of the number of samples that the graph was made with.
        let wholeShape: [Int]
        /// What its tensors are called, by their keys; empty where they follow from the node's
        /// name.
        var tensorNames: [String: String] = [:]
    }

    /// An output.
    public struct Output: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// The value.
        public let value: Value
    }

    /// The inputs in order.
    public private(set) var inputs: [Input] = []
    /// The nodes, each behind those that it takes values from.
    public internal(set) var nodes: [Node] = []
    /// The outputs in order.
    public internal(set) var outputs: [Output] = []
    /// Which parameters of nodes are one.
    var parameterTies = TiedTensors()
    /// Which buffers of nodes are one.
    var bufferTies = TiedTensors()
    private var names: Set<String> = []
    private var counts: [String: Int] = [:]

    /// A graph without inputs, nodes and outputs.
    public init() {}

    /// Adds an input.
    ///
    /// - Parameters:
    ///   - name: its name; each of a graph is different.
    ///   - shape: the shape of one sample, without the axis that counts samples.
    /// - Throws: ``TensorError`` when the name is taken, or an extent is below 1.
    public mutating func input(_ name: String, _ shape: [Int]) throws -> Value {
        try input(name, wholeShape: [1] + shape)
    }

    /// Adds an input that is made for a shape with all axes, the first of which need not
    /// count samples.
    mutating func input(_ name: String, wholeShape: [Int]) throws -> Value {
        _ = try Shape.elementCount(wholeShape, operation: "Graph", argument: "input \(name)")
        guard isFree(name) else { throw Self.taken(name, argument: "inputs") }
        inputs.append(
            Input(name: name, shape: Array(wholeShape.dropFirst()), wholeShape: wholeShape))
        return Value(source: .input(inputs.count - 1))
    }

    /// Whether no input and no node has a name.
    func isFree(_ name: String) -> Bool {
        !names.contains(name) && !inputs.contains { $0.name == name }
    }

    /// Applies a layer to values; shapes are checked here.
    ///
    /// - Parameters:
    ///   - layer: the layer.
    ///   - values: what it is applied to.
    ///   - name: the node's name; its kind and a number, such as `relu2`, when nil.
    /// - Returns: its output.
    /// - Throws: ``TensorError`` that names the node and the shapes it can't work with, or a name
    ///   that is taken.
    public mutating func add(
        _ layer: any Layer, _ values: Value..., name: String? = nil
    ) throws -> Value {
        try add(layer, values, name: name)
    }

    /// Applies a layer to values; shapes are checked here.
    ///
    /// - Parameters:
    ///   - layer: the layer.
    ///   - values: what it is applied to.
    ///   - name: the node's name; its kind and a number, such as `relu2`, when nil.
    /// - Returns: its output.
    /// - Throws: ``TensorError`` that names the node and the shapes it can't work with, or a name
    ///   that is taken.
    public mutating func add(
        _ layer: any Layer, _ values: [Value], name: String? = nil
    ) throws -> Value {
        try add(layer, values, name: name ?? freeName(for: layer), tensorNames: [:])
    }

    /// Applies a layer whose tensors have names of their own.
    mutating func add(
        _ layer: any Layer, _ values: [Value], name: String, tensorNames: [String: String]
    ) throws -> Value {
        guard isFree(name) else { throw Self.taken(name, argument: "layers") }
        let shapes = try values.map(wholeShape)
        let shape: [Int]
        do {
            shape = try layer.outputShape(for: shapes)
        } catch let error as TensorError {
            let inputs = shapes.map { "\($0)" }.joined(separator: ", ")
            throw TensorError(
                operation: "layer \(name) (\(error.operation)) on \(inputs)",
                argument: error.argument, value: error.value, expected: error.expected)
        }
        names.insert(name)
        nodes.append(
            Node(
                name: name, layer: layer, inputs: values, shape: Array(shape.dropFirst()),
                wholeShape: shape, tensorNames: tensorNames))
        return Value(source: .node(nodes.count - 1))
    }

    /// Makes a value an output.
    ///
    /// - Throws: ``TensorError`` when the name is taken or the value is another graph's.
    public mutating func output(_ value: Value, _ name: String = "output") throws {
        _ = try shape(of: value)
        guard !outputs.contains(where: { $0.name == name }) else {
            throw Self.taken(name, argument: "outputs")
        }
        outputs.append(Output(name: name, value: value))
    }

    /// The shape of one sample of a value, without the axis that counts samples.
    ///
    /// - Throws: ``TensorError`` when the value is another graph's.
    public func shape(of value: Value) throws(TensorError) -> [Int] {
        Array(try wholeShape(of: value).dropFirst())
    }

    /// The shape of a value with all axes, of the number of samples that the graph was made with.
    ///
    /// - Throws: ``TensorError`` when the value is another graph's.
    func wholeShape(of value: Value) throws(TensorError) -> [Int] {
        switch value.source {
        case .input(let index) where index < inputs.count: return inputs[index].wholeShape
        case .node(let index) where index < nodes.count: return nodes[index].wholeShape
        default:
            throw TensorError(
                operation: "Graph", argument: "value", value: "one of another graph",
                expected: "one of this graph")
        }
    }

    /// The name of the input or node that a value comes from.
    package func name(of value: Value) -> String {
        switch value.source {
        case .input(let index): inputs[index].name
        case .node(let index): nodes[index].name
        }
    }

    /// Whether each node takes the output of the one before, the last one's is the only output, and
    /// each has tensors of its own.
    var isChain: Bool {
        inputs.count == 1 && outputs.count == 1 && parameterTies.isEmpty && bufferTies.isEmpty
            && nodes.indices.allSatisfy { nodes[$0].inputs == [Self.valueBefore($0)] }
            && outputs[0].value == Self.valueBefore(nodes.count)
    }

    /// What a node of a chain takes.
    static func valueBefore(_ node: Int) -> Value {
        Value(source: node == 0 ? .input(0) : .node(node - 1))
    }

    private mutating func freeName(for layer: any Layer) -> String {
        let kind = "\(type(of: layer))".lowercased()
        while true {
            let number = counts[kind, default: 0] + 1
            counts[kind] = number
            let name = "\(kind)\(number)"
            if !names.contains(name) { return name }
        }
    }

    private static func taken(_ name: String, argument: String) -> TensorError {
        TensorError(
            operation: "Network", argument: argument, value: "two named \(name)",
            expected: "names that differ")
    }
}
