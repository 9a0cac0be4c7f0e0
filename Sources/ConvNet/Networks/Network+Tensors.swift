// SPDX-License-Identifier: MIT
//
// A network's parameters and buffers: their names, and changing them where they lie.

extension Network {
    /// For each node the names of its tensors, by their keys; a tensor that several nodes read is
    /// named by the first.
    var tensorNames: [[String: String]] {
        let isChain = graph.isChain
        var number = 0
        var names = graph.nodes.map { node in
            let keys = node.layer.parameterNames + node.layer.bufferNames
            if !keys.isEmpty { number += 1 }
            return Dictionary(
                keys.map {
                    let name = isChain ? "\($0)\(number)" : "\(node.name).\($0)"
                    return ($0, node.tensorNames[$0] ?? name)
                }
            ) { $1 }
        }
        func tie(_ ties: TiedTensors, _ keys: (any Layer) -> [String]) {
            for place in ties.followers {
                let owner = ties.owner(of: place)
                names[place.node][keys(graph.nodes[place.node].layer)[place.index]] =
                    names[owner.node][keys(graph.nodes[owner.node].layer)[owner.index]]
            }
        }
        tie(graph.parameterTies, \.parameterNames)
        tie(graph.bufferTies, \.bufferNames)
        return names
    }

    private func named(
        _ tensors: (any Layer) -> [NamedTensor], _ layout: TensorLayout
    ) -> [NamedTensor] {
        var named: [NamedTensor] = []
        for (node, names) in tensorNames.enumerated() {
            for (index, tensor) in tensors(graph.nodes[node].layer).enumerated()
            where layout.isOwner(node, index) {
                named.append((names[tensor.name] ?? tensor.name, tensor.value))
            }
        }
        return named
    }

    /// The parameters by name: in a chain W1, b1, W2, b2 and so on, otherwise `conv1.W`. One that
    /// several layers read is there once, by the name that the first one gives it.
    public var parameters: [NamedTensor] { named(\.namedParameters, plan.parameters) }

    /// What training changes beside the parameters, by name, such as running statistics: in a chain
    /// mean2, variance2, the number being that of the layer's parameters, otherwise `norm1.mean`.
    public var buffers: [NamedTensor] { named(\.namedBuffers, plan.buffers) }

    /// Lets a body change all parameters in place, in the order of ``parameters``.
    ///
    /// - Throws: what `body` throws, and ``TensorError`` when it leaves another number of tensors
    ///   or one of another shape or number type; zeros take the place of such a one.
    package mutating func updateParameters(_ body: (inout [Tensor]) throws -> Void) throws {
        try update(\.parameters, plan.parameters, named: parameters.map(\.name), body)
    }

    /// Replaces every parameter, in the order of ``parameters``; shapes and types are the
    /// caller's care.
    package mutating func replaceParameters(_ replacements: [Tensor]) throws {
        try updateParameters { $0 = replacements }
    }

    /// Replaces every buffer, in the order of ``buffers``; shapes and types are the caller's care.
    package mutating func replaceBuffers(_ replacements: [Tensor]) throws {
        try update(\.buffers, plan.buffers, named: buffers.map(\.name)) { $0 = replacements }
    }

    /// Moves the tensors of all layers into one array for the time of the body, and back: none is
    /// shared meanwhile, so that a body which writes to them copies none. One that several layers
    /// read is there once.
    private mutating func update(
        _ tensors: WritableKeyPath<any Layer, [Tensor]>, _ layout: TensorLayout,
        named names: [String], _ body: (inout [Tensor]) throws -> Void
    ) throws {
        // Predictions keep the tensors, and so do the graphs of other shapes: changing one
        // would copy it.
        if !prepared.isEmpty { prepared = PreparedSteps() }
        if imported != nil { imported?.plans = ShapePlans() }
        var all: [Tensor] = []
        var models: [(shape: [Int], type: ScalarType)] = []
        for node in graph.nodes.indices {
            var own: [Tensor] = []
            swap(&graph.nodes[node].layer[keyPath: tensors], &own)
            for (index, tensor) in own.enumerated() where layout.isOwner(node, index) {
                models.append((tensor.shape, tensor.scalarType))
                all.append(tensor)
            }
        }
        let result = Swift.Result { try body(&all) }
        var wrong: TensorError?
        if all.count != models.count {
            wrong = TensorError(
                operation: "update", argument: "parameters", value: "\(all.count) tensors",
                expected: "the \(models.count) that were given")
        }
        for (place, model) in models.enumerated() {
            let isThere = place < all.count
            if isThere, all[place].shape == model.shape, all[place].scalarType == model.type {
                continue
            }
            if isThere, wrong == nil {
                wrong = TensorError(
                    operation: "update", argument: names[place],
                    value: "\(all[place].shape) of \(all[place].scalarType)",
                    expected: "\(model.shape) of \(model.type)")
            }
            let zeros = try Tensor(zeros: model.shape, scalarType: model.type)
            if isThere { all[place] = zeros } else { all.append(zeros) }
        }
        for (node, numbers) in layout.numbers.enumerated() where !numbers.isEmpty {
            graph.nodes[node].layer[keyPath: tensors] = numbers.map { all[$0] }
        }
        try result.get()
        if let wrong { throw wrong }
    }
}
