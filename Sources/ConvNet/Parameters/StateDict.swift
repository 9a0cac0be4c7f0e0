// SPDX-License-Identifier: MIT
//
// PyTorch's names for parameters and buffers: what a `state_dict` calls a node's tensors, and how
// they lie there.

/// Tensors by PyTorch's names, under a network's own.
enum StateDict {
    /// What `torch.nn` calls the tensors that layers here have under other keys.
    private static let names = [
        "W": "weight", "b": "bias", "gamma": "weight", "beta": "bias", "mean": "running_mean",
        "variance": "running_var", "slope": "weight",
    ]
    /// A count that PyTorch keeps beside running statistics, and nothing here needs.
    private static let countName = "num_batches_tracked"

    /// The tensors with the network's names where they have PyTorch's, `fc.weight` for `fc.W`; the
    /// weights of affine layers are `[out, in]` there, and are transposed; those of convolutions in
    /// one dimension are `[F, C, W]`, and get a height of 1. Others stay as they are. A tensor that
    /// several nodes read may have any of their names, or come once for each.
    static func renamed(_ tensors: [NamedTensor], for network: Network) throws -> [NamedTensor] {
        var own: [String: (name: String, matrix: ScalarType?)] = [:]
        let present = Set(tensors.map(\.name))
        let rows = Set(
            network.parameters.filter { $0.value.shape.count == 4 && $0.value.shape[2] == 1 }
                .map(\.name))
        let graph = network.graph
        let hasTies = !graph.parameterTies.isEmpty || !graph.bufferTies.isEmpty
        for (node, keys) in zip(graph.nodes, network.tensorNames) {
            let isAffine = node.layer.pattern == .affine
            for (key, name) in keys {
                // The name that it would have by itself.
                let ownName = "\(node.name).\(key)"
                if hasTies, ownName != name { own[ownName] = (name, nil) }
                guard !present.contains(name), let suffix = names[key] else { continue }
                let type = isAffine && key == "W" ? node.layer.parameters.first?.scalarType : nil
                own["\(node.name).\(suffix)"] = (name, type)
            }
        }
        return try tensors.map { tensor in
            guard let (name, type) = own[tensor.name] else { return tensor }
            // Filters of layers in one dimension are those of images of one row.
            if rows.contains(name), tensor.value.shape.count == 3 {
                let shape = tensor.value.shape
                return (name, try tensor.value.reshaped(to: [shape[0], shape[1], 1, shape[2]]))
            }
            guard let type, tensor.value.shape.count == 2 else { return (name, tensor.value) }
            return (name, try transposed(tensor.value.converted(to: type), network.kernels))
        }
    }

    /// The network's tensors as PyTorch would have them, `fc.weight` for `fc.W` and `[out, in]`.
    /// What has such a name already, as the parameters of a model from ONNX, stays as it is. A
    /// tensor that several nodes read has the first one's name.
    static func tensors(of network: Network) throws -> [NamedTensor] {
        let suffixes = Set(names.values).map { ".\($0)" }
        var theirs: [String: (name: String, isMatrix: Bool)] = [:]
        for (node, keys) in zip(network.graph.nodes, network.tensorNames) {
            for (key, name) in keys where theirs[name] == nil {
                guard let suffix = names[key], !suffixes.contains(where: name.hasSuffix) else {
                    continue
                }
                let isMatrix = key == "W" && node.layer.pattern == .affine
                theirs[name] = ("\(node.name).\(suffix)", isMatrix)
            }
        }
        return try (network.parameters + network.buffers).map { tensor in
            guard let (name, isMatrix) = theirs[tensor.name] else { return tensor }
            return (name, isMatrix ? try transposed(tensor.value, network.kernels) : tensor.value)
        }
    }

    /// Whether a tensor is one of PyTorch's that a network has no use for.
    static func isIgnored(_ name: String, by network: Network) -> Bool {
        guard name.hasSuffix(".\(countName)") else { return false }
        let node = name.dropLast(countName.count + 1)
        return network.graph.nodes.contains { $0.name == node && !$0.layer.bufferNames.isEmpty }
    }

    private static func transposed(_ matrix: Tensor, _ kernels: any Kernels) throws -> Tensor {
        let (rows, columns) = (matrix.shape[0], matrix.shape[1])
        return try kernels.copied(
            matrix, as: StridedView(shape: [columns, rows], strides: [1, columns]))
    }
}
