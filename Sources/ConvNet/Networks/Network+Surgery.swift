// SPDX-License-Identifier: MIT
//
// Another layer in the place of one: how a network that was trained for some classes becomes
// one for others.

extension Network {
    /// Puts another layer in a layer's place.
    ///
    /// ```swift
    /// try network.replaceLayer("fc", with: Affine(inputSize: 512, outputSize: 10, seed: 1))
    /// ```
    ///
    /// Its tensors keep the names that those of the old layer had where both have the same, as
    /// all kinds of ``Affine`` have. A network from an ONNX file keeps the sizes that it was made
    /// for from then on.
    ///
    /// - Parameters:
    ///   - name: the layer's name.
    ///   - layer: the new one; it is applied to the same values.
    /// - Throws: ``TensorError`` when there is no such layer, it shares a tensor with another
    ///   one, or the layers behind it can't work with what the new one gives. The network is
    ///   as before then.
    public mutating func replaceLayer(_ name: String, with layer: any Layer) throws {
        guard let place = graph.nodes.firstIndex(where: { $0.name == name }) else {
            throw TensorError(
                operation: "replaceLayer", argument: "name", value: name,
                expected: "a layer's name, such as \(graph.nodes.last?.name ?? "fc")")
        }
        try replace(Head(nodes: [place], last: place, inputs: graph.nodes[place].inputs), layer)
    }

    /// Puts another layer in the place of the last one that has parameters, on the way to the first
    /// output; layers behind it, such as a softmax, stay.
    ///
    /// A product with weights and the sum with a bias that an ONNX file has in place of an
    /// ``Affine`` are one layer here.
    ///
    /// - Parameter layer: the new one; it is applied to the same values.
    /// - Returns: the layer's name, for patterns of what is to be trained.
    /// - Throws: ``TensorError`` as ``replaceLayer(_:with:)`` does, and where no layer has
    ///   parameters before values come together.
    @discardableResult
    public mutating func replaceOutput(with layer: any Layer) throws -> String {
        let head = try head()
        let name = graph.nodes[head.last].name
        try replace(head, layer)
        return name
    }

    /// Puts a new layer of the same kind, with random weights, in the place of the last one that
    /// has parameters, with as many outputs as there are classes.
    ///
    /// ```swift
    /// var network = try Network(onnx: URL(fileURLWithPath: "model.onnx"))
    /// let head = try network.replaceOutput(classes: 10, seed: 1)
    /// ```
    ///
    /// In the place of a convolution comes one of the same window and groups, in that of a product
    /// an ``Affine``. The names of classes in ``preprocessing`` go, as they were the old ones'.
    ///
    /// - Parameters:
    ///   - classes: how many outputs the new layer has.
    ///   - seed: what its weights are drawn from.
    /// - Returns: the layer's name, for patterns of what is to be trained.
    /// - Throws: ``TensorError`` as ``replaceOutput(with:)`` does, and where that layer is neither
    ///   a convolution nor a product of one row per sample.
    @discardableResult
    public mutating func replaceOutput(classes: Int, seed: UInt64 = 0) throws -> String {
        let head = try head()
        let (node, input) = (graph.nodes[head.last], try graph.shape(of: head.inputs[0]))
        let isProductOfRows =
            input.count == 1 && head.nodes.contains { graph.nodes[$0].layer is BroadcastProduct }
        let layer: any Layer
        if let old = node.layer as? Convolution {
            layer = try Convolution(
                inputChannels: input[0], outputChannels: classes, window: old.window,
                groups: old.groups, hasBias: old.parameters.count == 2, seed: seed)
        } else if node.layer is Affine || isProductOfRows {
            layer = try Affine(inputSize: input.reduce(1, *), outputSize: classes, seed: seed)
        } else {
            throw TensorError(
                operation: "replaceOutput", argument: "network",
                value: "\(type(of: node.layer)) as its last layer with parameters",
                expected: "Convolution or Affine; replaceOutput(with:) takes any layer")
        }
        try replace(head, layer)
        preprocessing?.classNames = []
        return node.name
    }

    /// What stands in the place of the last layer that has parameters.
    private func head() throws(TensorError) -> Head {
        guard let head = graph.head else {
            throw TensorError(
                operation: "replaceOutput", argument: "network",
                value: "without a layer with parameters that leads to "
                    + "\(graph.outputs[0].name) alone",
                expected: "one with such a layer; replaceLayer(_:with:) takes any by name")
        }
        return head
    }

    private mutating func replace(_ head: Head, _ layer: any Layer) throws {
        var network = try Network(graph.replacing(head, with: layer), kernels: kernels)
        network.trainingStep = trainingStep
        network.preprocessing = preprocessing
        self = network
    }
}

/// Nodes that go, and what the layer in their place is applied to.
private struct Head {
    /// The nodes.
    var nodes: Set<Int>
    /// The one whose output others read.
    var last: Int
    /// What the layer is applied to.
    var inputs: [Graph.Value]
}

extension Graph {
    /// The last layer with parameters on the way to the first output; nil where there is
    /// no single one.
    fileprivate var head: Head? {
        var value = outputs[0].value
        // A sum with a bias, as long as the product before it was not found.
        var bias: (nodes: Set<Int>, last: Int)?
        while case .node(let place) = value.source {
            let node = nodes[place]
            let stored = node.inputs.compactMap(storedNode)
            let running = node.inputs.filter { storedNode($0) == nil }
            guard running.count == 1 else { return nil }
            let own = Set(stored).union([place])
            if node.layer is BroadcastProduct, !stored.isEmpty {
                return Head(
                    nodes: own.union(bias?.nodes ?? []), last: bias?.last ?? place,
                    inputs: running)
            }
            guard bias == nil else { return nil }
            if !node.layer.parameters.isEmpty {
                return Head(nodes: [place], last: place, inputs: node.inputs)
            }
            if !stored.isEmpty { bias = (own, place) }
            value = running[0]
        }
        return nil
    }

    /// The node of a value that is a tensor of the network's own, and no layer's output.
    private func storedNode(_ value: Value) -> Int? {
        guard case .node(let place) = value.source, nodes[place].layer is StoredTensor else {
            return nil
        }
        return place
    }

    /// The graph with a layer in the place of some nodes, and the shapes that follow from it.
    fileprivate func replacing(_ head: Head, with layer: any Layer) throws -> Graph {
        try requireUntied(head)
        var graph = Graph()
        for input in inputs { _ = try graph.input(input.name, wholeShape: input.wholeShape) }
        // Where the nodes that stay lie from now on.
        var places: [Int: Int] = [:]
        func moved(_ value: Value) -> Value {
            guard case .node(let place) = value.source else { return value }
            return Value(source: .node(places[place] ?? place))
        }
        for (place, node) in nodes.enumerated()
        where place == head.last || !head.nodes.contains(place) {
            let isNew = place == head.last
            _ = try graph.add(
                isNew ? layer : node.layer, (isNew ? head.inputs : node.inputs).map(moved),
                name: node.name, tensorNames: node.tensorNames)
            places[place] = graph.nodes.count - 1
        }
        graph.outputs = outputs.map { Output(name: $0.name, value: moved($0.value)) }
        graph.parameterTies = parameterTies.moved(to: places)
        graph.bufferTies = bufferTies.moved(to: places)
        return graph
    }

    private func requireUntied(_ head: Head) throws(TensorError) {
        let isTied = [parameterTies, bufferTies].contains { ties in
            ties.followers.contains {
                head.nodes.contains($0.node) || head.nodes.contains(ties.owner(of: $0).node)
            }
        }
        // What reads a node that goes would be left without it.
        let isRead = nodes.enumerated().contains { place, node in
            !head.nodes.contains(place)
                && node.inputs.contains {
                    if case .node(let read) = $0.source {
                        head.nodes.contains(read) && read != head.last
                    } else {
                        false
                    }
                }
        }
        guard !isTied, !isRead else {
            throw TensorError(
                operation: "replaceLayer", argument: "name", value: nodes[head.last].name,
                expected: "a layer whose tensors no other one reads")
        }
    }
}
