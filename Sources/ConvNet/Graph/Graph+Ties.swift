// SPDX-License-Identifier: MIT
//
// Tied weights: a layer that is applied at several places, and single tensors that
// several layers read.

extension Graph {
    /// Applies a layer of the graph once more. Both nodes have one set of parameters and
    /// buffers: a file holds them once, an optimizer changes them once, by the sum of the
    /// gradients of all places.
    ///
    /// ```swift
    /// let left = try graph.add(Affine(inputSize: 64, outputSize: 8), a, name: "embedding")
    /// let right = try graph.add(layerOf: left, b)
    /// ```
    ///
    /// (A layer is a value: one that is added twice in the ordinary way becomes two that only begin
    /// with the same numbers.) A ``BatchNormalization`` moves its running statistics at each place,
    /// in the order of the nodes, as in PyTorch; a ``Dropout`` draws the same numbers at each.
    ///
    /// - Parameters:
    ///   - output: what the layer has given before, in this graph.
    ///   - values: what it is applied to.
    ///   - name: the new node's name; the layer's kind and a number when nil.
    /// - Returns: its output.
    /// - Throws: ``TensorError`` when `output` is no layer's, the name is taken, or the layer can't
    ///   work with the values' shapes.
    public mutating func add(
        layerOf output: Value, _ values: Value..., name: String? = nil
    ) throws -> Value {
        try add(layerOf: output, values, name: name)
    }

    /// Applies a layer of the graph once more, to several values in an array.
    ///
    /// - Parameters:
    ///   - output: what the layer has given before, in this graph.
    ///   - values: what it is applied to.
    ///   - name: the new node's name; the layer's kind and a number when nil.
    /// - Returns: its output.
    /// - Throws: ``TensorError`` when `output` is no layer's, the name is taken, or the layer can't
    ///   work with the values' shapes.
    public mutating func add(
        layerOf output: Value, _ values: [Value], name: String? = nil
    ) throws -> Value {
        let first = try node(of: output, operation: "add")
        let value = try add(nodes[first].layer, values, name: name)
        let second = nodes.count - 1
        for index in nodes[first].layer.namedParameters.indices {
            parameterTies.tie(
                TensorPlace(node: first, index: index), TensorPlace(node: second, index: index))
        }
        for index in nodes[first].layer.namedBuffers.indices {
            bufferTies.tie(
                TensorPlace(node: first, index: index), TensorPlace(node: second, index: index))
        }
        return value
    }

    /// Makes one tensor of two: a parameter of a layer becomes that of another, or a buffer that of
    /// another.
    ///
    /// ```swift
    /// try graph.tie("W", of: decoder, to: "W", of: encoder)      // the decoder's own W is dropped
    /// ```
    ///
    /// - Parameters:
    ///   - key: which of the layer's tensors, by its key.
    ///   - output: the layer's output.
    ///   - otherKey: which of the other layer's tensors; its numbers stay.
    ///   - other: the other layer's output.
    /// - Throws: ``TensorError`` when one of them is no layer's output or has no such tensor, when
    ///   a parameter were a buffer, or when shapes or number types differ.
    public mutating func tie(
        _ key: String, of output: Value, to otherKey: String, of other: Value
    ) throws {
        let (one, two) = (
            try tensor(key, of: node(of: output, operation: "tie")),
            try tensor(otherKey, of: node(of: other, operation: "tie"))
        )
        guard one.isBuffer == two.isBuffer, one.tensor.shape == two.tensor.shape,
            one.tensor.scalarType == two.tensor.scalarType
        else {
            func text(_ found: (place: TensorPlace, isBuffer: Bool, tensor: Tensor)) -> String {
                "a \(found.isBuffer ? "buffer" : "parameter") \(found.tensor.shape) of "
                    + "\(found.tensor.scalarType)"
            }
            throw TensorError(
                operation: "tie", argument: "\(nodes[one.place.node].name).\(key)",
                value: text(one),
                expected: "\(text(two)) as \(nodes[two.place.node].name).\(otherKey)")
        }
        if one.isBuffer {
            bufferTies.tie(one.place, two.place)
            spread(two.tensor, from: two.place, \.buffers, bufferTies)
        } else {
            parameterTies.tie(one.place, two.place)
            spread(two.tensor, from: two.place, \.parameters, parameterTies)
        }
    }

    /// Where the tensors of all nodes lie in one list.
    func layout(of tensors: KeyPath<any Layer, [Tensor]>, _ ties: TiedTensors) -> TensorLayout {
        TensorLayout(counts: nodes.map { $0.layer[keyPath: tensors].count }, ties)
    }

    /// Puts each tensor that several places hold into all of them, from the first one.
    mutating func spreadTiedTensors() {
        for place in parameterTies.followers {
            let owner = parameterTies.owner(of: place)
            nodes[place.node].layer.parameters[place.index] =
                nodes[owner.node].layer.parameters[owner.index]
        }
        for place in bufferTies.followers {
            let owner = bufferTies.owner(of: place)
            nodes[place.node].layer.buffers[place.index] =
                nodes[owner.node].layer.buffers[owner.index]
        }
    }

    /// Puts a tensor into all places that are tied to one.
    private mutating func spread(
        _ tensor: Tensor, from place: TensorPlace,
        _ tensors: WritableKeyPath<any Layer, [Tensor]>, _ ties: TiedTensors
    ) {
        let owner = ties.owner(of: place)
        nodes[owner.node].layer[keyPath: tensors][owner.index] = tensor
        for follower in ties.followers where ties.owner(of: follower) == owner {
            nodes[follower.node].layer[keyPath: tensors][follower.index] = tensor
        }
    }

    /// The node that a value comes from.
    private func node(of value: Value, operation: String) throws(TensorError) -> Int {
        _ = try shape(of: value)
        guard case .node(let index) = value.source else {
            throw TensorError(
                operation: operation, argument: "output", value: "the input \(name(of: value))",
                expected: "the output of a layer")
        }
        return index
    }

    /// A node's tensor by its key.
    private func tensor(
        _ key: String, of node: Int
    ) throws(TensorError) -> (place: TensorPlace, isBuffer: Bool, tensor: Tensor) {
        let layer = nodes[node].layer
        let (parameters, buffers) = (layer.namedParameters, layer.namedBuffers)
        if let index = parameters.firstIndex(where: { $0.name == key }) {
            return (TensorPlace(node: node, index: index), false, parameters[index].value)
        }
        if let index = buffers.firstIndex(where: { $0.name == key }) {
            return (TensorPlace(node: node, index: index), true, buffers[index].value)
        }
        let keys = (parameters + buffers).map(\.name)
        throw TensorError(
            operation: "tie", argument: "key", value: "\(nodes[node].name).\(key)",
            expected: keys.isEmpty
                ? "a key of a layer with tensors" : "one of \(keys.joined(separator: ", "))")
    }
}
