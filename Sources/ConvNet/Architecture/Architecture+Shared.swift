// SPDX-License-Identifier: MIT
//
// Tensors that several layers of a described network share: what a layer says of them, and which
// tensor a name then means.

extension Architecture {
    /// A tensor that is a layer's own.
    struct Home {
        /// The layer's name.
        let layer: String
        /// The tensor's key.
        let key: String
    }

    /// For each layer the names of its tensors: in a chain its keys with the number of the layer
    /// among those that have some, otherwise with the layer's name. A shared one has the name that
    /// it has where it is at home.
    ///
    /// - Throws: ``FileError`` where a layer shares what no layer before it has.
    func tensorNames(file: String) throws(FileError) -> [[String]] {
        var number = 0
        _ = try homes(file: file)
        let isChain = isChain
        return layers.map { layer in
            if !layer.tensors.isEmpty { number += 1 }
            return layer.tensors.map {
                layer.shared?[$0] ?? layer.names?[$0]
                    ?? (isChain ? "\($0)\(number)" : "\(layer.name).\($0)")
            }
        }
    }

    /// Ties the tensors that layers share.
    ///
    /// - Parameter values: what each layer gives.
    func tieSharedTensors(
        in graph: inout Graph, _ values: [String: Graph.Value], file: String
    ) throws {
        let homes = try homes(file: file)
        for layer in layers {
            for (key, name) in (layer.shared ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let home = homes[name], let value = values[layer.name],
                    let other = values[home.layer]
                else { continue }
                try graph.tie(key, of: value, to: home.key, of: other)
            }
        }
    }

    /// The tensors that are layers' own, by their names.
    private func homes(file: String) throws(FileError) -> [String: Home] {
        var homes: [String: Home] = [:]
        for layer in layers {
            let shared = layer.shared ?? [:]
            for key in layer.tensors where shared[key] == nil {
                homes[layer.names?[key] ?? "\(layer.name).\(key)"] = Home(
                    layer: layer.name, key: key)
            }
            for (key, name) in shared.sorted(by: { $0.key < $1.key })
            where homes[name] == nil || !layer.tensors.contains(key) {
                throw FileError(
                    file: file,
                    problem: "architecture: layer \(layer.name) shares \(name) as \(key), expected "
                        + "one of its tensors, and one of a layer before")
            }
        }
        return homes
    }

    /// Whether tensors are named by number.
    private var isChain: Bool {
        guard let inputs, let outputs else { return true }
        return inputs.count == 1 && outputs.map(\.value) == layers.suffix(1).map(\.name)
            && layers.allSatisfy { $0.inputs == nil && $0.shared?.isEmpty ?? true }
    }
}

extension Network {
    /// For each node, by key, the names of tensors that are those of another place before.
    var sharedTensorNames: [[String: String]] {
        let names = tensorNames
        var shared = [[String: String]](repeating: [:], count: graph.nodes.count)
        func add(_ ties: TiedTensors, _ keys: (any Layer) -> [String]) {
            for place in ties.followers {
                let key = keys(graph.nodes[place.node].layer)[place.index]
                shared[place.node][key] = names[place.node][key]
            }
        }
        add(graph.parameterTies, \.parameterNames)
        add(graph.bufferTies, \.bufferNames)
        return shared
    }
}
