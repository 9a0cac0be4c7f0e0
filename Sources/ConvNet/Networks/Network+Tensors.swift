// SPDX-License-Identifier: MIT
//
// A network's parameters and buffers: their names, and visiting them where they lie.

extension Network {
    /// The places of the layers that have parameters or buffers; the first is number 1 in names.
    private var layersWithTensors: [Int] {
        layers.indices.filter {
            !layers[$0].layer.parameters.isEmpty || !layers[$0].layer.buffers.isEmpty
        }
    }

    /// The tensors that each layer gives, named by key and number.
    func named(
        _ tensors: (any Layer) -> [(key: String, value: Tensor)]
    ) -> [NamedTensor] {
        layersWithTensors.enumerated().flatMap { number, index in
            tensors(layers[index].layer).map { ("\($0.key)\(number + 1)", $0.value) }
        }
    }

    /// Visits every parameter in place, with its name and the gradient of the last backward pass, over
    /// all shards where the step was shared.
    mutating func updateParameters(
        _ body: (_ name: String, _ value: inout Tensor, _ gradient: Tensor?) throws -> Void
    ) throws {
        let averaged = averagedGradients
        var place = 0
        for (number, index) in layersWithTensors.enumerated() {
            try layers[index].layer.updateParameters { key, value, gradient in
                try body(
                    "\(key)\(number + 1)", &value, averaged.isEmpty ? gradient : averaged[place])
                place += 1
            }
        }
    }

    /// The gradients of one layer's parameters, of its last backward pass.
    ///
    /// - Throws: ``TensorError`` when there is none for one of them.
    mutating func gradients(ofLayer index: Int) throws -> [Tensor] {
        var gradients: [Tensor] = []
        let name = layers[index].name
        try layers[index].layer.updateParameters { key, _, gradient in
            guard let gradient else {
                throw TensorError(
                    operation: "layer \(name)", argument: "gradient", value: "nil for \(key)",
                    expected: "a gradient for each parameter where batches are cut into shards")
            }
            gradients.append(gradient)
        }
        return gradients
    }

    /// Visits every buffer in place, with its name.
    mutating func updateBuffers(
        _ body: (_ name: String, _ value: inout Tensor) throws -> Void
    ) throws {
        for (number, index) in layersWithTensors.enumerated() {
            try layers[index].layer.updateBuffers { key, value in
                try body("\(key)\(number + 1)", &value)
            }
        }
    }

    /// Replaces every parameter, in the order of `parameters`; shapes and types are the caller's care.
    package mutating func replaceParameters(_ replacements: [Tensor]) throws {
        var index = 0
        try updateParameters { _, value, _ in
            value = replacements[index]
            index += 1
        }
    }

    /// Replaces every buffer, in the order of `buffers`; shapes and types are the caller's care.
    package mutating func replaceBuffers(_ replacements: [Tensor]) throws {
        var index = 0
        try updateBuffers { _, value in
            value = replacements[index]
            index += 1
        }
    }
}
