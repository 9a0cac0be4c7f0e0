// SPDX-License-Identifier: MIT
//
// What the importers of operators call: values that the graph computes or that are known, and
// layers with the names of their tensors.

extension ONNXImporter {
    /// A value as the graph has it. A constant becomes a node without inputs: one for all
    /// readers of it.
    mutating func running(_ value: Value) throws -> Graph.Value {
        switch value {
        case .running(let value, _): return value
        case .failed: throw ONNXRefusal("", "not supported", expected: "an operator that is")
        case .sequence: throw Self.isSequence
        case .constant(let constant, let name):
            if !name.isEmpty, let node = stored[name] { return node }
            let tensor = try constant.asTensor()
            // Single numbers are the formula's, not the training's.
            let isTrained =
                isWeight(name) && constant.type.isFloatingPoint && !constant.shape.isEmpty
            let key = isTrained ? StoredTensor.parameterKey : StoredTensor.bufferKey
            // Whole numbers stay the model's: among the network's tensors they would lose their
            // type.
            let isNamed = !name.isEmpty && constant.integers == nil
            let node = try add(
                StoredTensor(tensor, isTrained: isTrained), [],
                name: name.isEmpty ? stepName() : name,
                tensorNames: isNamed ? [key: name] : [:])
            if !name.isEmpty { stored[name] = node }
            return node
        }
    }

    /// The shape of a value.
    func shape(of value: Value) throws -> [Int] {
        switch value {
        case .running(let value, _): return try graph.wholeShape(of: value)
        case .constant(let constant, _): return constant.shape
        case .failed: return []
        case .sequence: throw Self.isSequence
        }
    }

    /// The type of a value's numbers.
    func type(of value: Value) -> ONNXType {
        switch value {
        case .running(_, let type): type
        case .constant(let constant, _): constant.type
        case .failed: .float
        case .sequence(let values): values.first.map { self.type(of: $0) } ?? .float
        }
    }

    /// A value that has to be known now.
    ///
    /// - Throws: `NeedsInput` where it is an input of the network, and a refusal where it is
    ///   computed.
    func constant(_ value: Value, _ argument: String) throws -> ONNXConstant {
        switch value {
        case .constant(let constant, _): return constant
        case .running(let value, let type):
            if case .input(let index) = value.source {
                throw NeedsInput(name: graph.inputs[index].name)
            }
            if let known = try known(value, type) { return known }
            throw ONNXRefusal(
                argument, "computed at run time", expected: "a constant")
        case .failed: throw ONNXRefusal(argument, "not supported", expected: "a constant")
        case .sequence: throw Self.isSequence
        }
    }

    private static var isSequence: ONNXRefusal {
        ONNXRefusal("", "a sequence", expected: "a tensor")
    }

    /// Whether a constant of a name is an initializer or a copy of one.
    func isWeight(_ name: String) -> Bool { weightNames.contains(name) }

    /// A constant as the network has it by now.
    func current(_ constant: ONNXConstant, named name: String) -> Value {
        let tensor = weights[name]
        return .constant(
            tensor.map { $0.shape == constant.shape ? ONNXConstant($0) : constant } ?? constant,
            name: constant.tensor == nil ? "" : name)
    }

    /// A constant of the model that is a weight, where it has several numbers.
    mutating func weight(_ constant: ONNXConstant, named name: String) -> Value {
        if constant.count > 1, constant.tensor != nil { weightNames.insert(name) }
        return current(constant, named: name)
    }

    /// Takes memory for numbers that the model makes of a shape.
    mutating func reserve(_ count: Int) throws {
        guard count <= 120_000_000, count <= room else {
            throw ONNXRefusal(
                "shape", "\(count) numbers", expected: "at most 120000000, and 200000000 in all")
        }
        room -= count
    }

    /// A constant of an initializer under another name: another tensor from now on.
    mutating func copied(_ constant: ONNXConstant, of name: String, as copy: String) -> Value {
        guard constant.tensor != nil, !copy.isEmpty else {
            return .constant(constant, name: "")
        }
        if isWeight(name) { weightNames.insert(copy) }
        return current(constant, named: copy)
    }

    /// Adds a layer of the current operator.
    ///
    /// - Parameters:
    ///   - values: what it is applied to.
    ///   - isLast: whether it bears the operator's name; a step on the way does not.
    ///   - tensorNames: what its tensors are called, by their keys.
    mutating func emit(
        _ layer: any Layer, _ values: Graph.Value..., isLast: Bool = true,
        tensorNames: [String: String] = [:]
    ) throws -> Graph.Value {
        try emit(layer, values, isLast: isLast, tensorNames: tensorNames)
    }

    /// Adds a layer of the current operator.
    mutating func emit(
        _ layer: any Layer, _ values: [Graph.Value], isLast: Bool = true,
        tensorNames: [String: String] = [:]
    ) throws -> Graph.Value {
        try add(
            layer, values, name: isLast ? current?.name ?? "layer" : stepName(),
            tensorNames: tensorNames)
    }

    /// A layer with the tensors that the network has by now, where it has some of these
    /// names and shapes.
    private func withCurrentTensors(_ layer: any Layer, _ names: [String: String]) -> any Layer {
        guard !weights.isEmpty else { return layer }
        var layer = layer
        for (place, key) in layer.parameterNames.enumerated() {
            if let tensor = weights[names[key] ?? ""],
                tensor.shape == layer.parameters[place].shape
            {
                layer.parameters[place] = tensor
            }
        }
        for (place, key) in layer.bufferNames.enumerated() {
            // Other constants may follow from the shapes, and be others by now.
            var name = names[key] ?? ""
            guard let tensor = weights[name], tensor.shape == layer.buffers[place].shape else {
                continue
            }
            while !isWeight(name), name.hasSuffix("_") { name.removeLast() }
            if isWeight(name) { layer.buffers[place] = tensor }
        }
        return layer
    }

    private mutating func stepName() -> String {
        steps += 1
        return "\(current?.name ?? "layer").step\(steps)"
    }

    private mutating func add(
        _ layer: any Layer, _ values: [Graph.Value], name: String, tensorNames: [String: String]
    ) throws -> Graph.Value {
        var free = name
        while !graph.isFree(free) { free += "_\(graph.nodes.count)" }
        let tensors = layer.namedParameters + layer.namedBuffers
        var (names, ties) = (tensorNames, [(key: String, name: String)]())
        for (place, (key, tensor)) in tensors.enumerated() {
            var name = names[key] ?? ""
            if name.isEmpty { name = "\(free).\(key)" }
            let isBuffer = place >= layer.parameterNames.count
            // One tensor for all that read it; where it can't be, as it has another shape or is
            // trained in one place only, a copy of another name.
            while let home = homes[name] {
                if home.tensor.shape == tensor.shape, home.isBuffer == isBuffer {
                    ties.append((key, name))
                    break
                }
                name += "_"
            }
            names[key] = name
        }
        let current = withCurrentTensors(layer, names)
        let value = try graph.add(current, values, name: free, tensorNames: names)
        for (key, name) in ties {
            guard let home = homes[name] else { continue }
            try graph.tie(key, of: value, to: home.key, of: home.value)
        }
        for (place, (key, tensor)) in tensors.enumerated() {
            guard let name = names[key], homes[name] == nil else { continue }
            homes[name] = Home(
                value: value, key: key, tensor: tensor,
                isBuffer: place >= layer.parameterNames.count)
        }
        return value
    }
}
