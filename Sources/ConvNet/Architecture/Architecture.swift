// SPDX-License-Identifier: MIT
//
// A network's layers as JSON: the text that makes a file of parameters a whole network. A chain:
//
//   {"format": "convnet", "version": 1, "input_shape": [1, 28, 28], "layers": [
//     {"name": "conv1", "type": "Convolution", "tensors": ["W", "b"],
//       "settings": {"groups": 1, …}},
//     {"name": "relu1", "type": "ReLU", "tensors": [], "settings": {}}, …]}
//
// The tensors of the layer are in the file under these keys and the layer's number among those with
// tensors: W1, b1. Any other graph has version 2, which names what flows where:
//
//   {"format": "convnet", "version": 2, "inputs": [{"name": "image", "shape": [3, 32, 32]}],
//     "outputs": [{"name": "logits", "value": "fc"}], "layers": [
//     {"name": "sum", "type": "Addition", "inputs": ["conv2", "relu1"], …}, …]}
//
// A layer without inputs takes the output of the one before, the first one the first input. Tensors
// are in the file under the layer's name and their keys: conv2.W.
//
// Where layers share tensors, it is version 3: a layer names those that belong to one before it,
//
//     {"name": "again", "type": "Affine", "tensors": ["W", "b"], "shared": {"W": "fc.W"}, …}
//
// and the file has them under that name alone. Earlier readers refuse the number of the version.

import Foundation

/// The layers of a network without their tensors.
struct Architecture: Codable {
    /// The versions that are read.
    static let versions = 1...3
    /// The key of the text in a file's metadata.
    static let metadataKey = "architecture"
    /// The longest text that is read, in bytes. AlexNet's has 4,000.
    static let largestText = 1 << 20

    struct Layer: Codable {
        let name: String
        let type: String
        let tensors: [String]
        let settings: LayerSettings
        var inputs: [String]?
        /// By key, the names of tensors that are those of layers before.
        var shared: [String: String]?
        /// By key, the names of tensors that are not called after the layer.
        var names: [String: String]?
    }

    struct Input: Codable {
        let name: String
        let shape: [Int]
        /// How many samples the network is made for, where that is not 1.
        var samples: Int?
    }

    struct Output: Codable {
        let name: String
        let value: String
    }

    let format: String
    let version: Int
    let inputShape: [Int]?
    let inputs: [Input]?
    let outputs: [Output]?
    let layers: [Layer]

    enum CodingKeys: String, CodingKey {
        case format, version, inputs, outputs
        case inputShape = "input_shape"
        case layers
    }

    private static let formatName = "convnet"

    /// Describes a network.
    ///
    /// - Throws: ``TensorError`` that names a layer which can't be described.
    init(_ network: Network) throws(TensorError) {
        let graph = network.graph
        // What version 1 can say is said in it, so that older readers understand.
        let isPlain =
            graph.isChain && graph.inputs[0].name.hasPrefix(Network.inputName)
            && graph.nodes.allSatisfy(\.tensorNames.isEmpty) && graph.inputs[0].wholeShape[0] == 1
            && graph.outputs[0].name == Network.outputName
        format = Self.formatName
        let shared = network.sharedTensorNames
        let isOlder =
            shared.allSatisfy(\.isEmpty) && graph.nodes.allSatisfy(\.tensorNames.isEmpty)
            && graph.inputs.allSatisfy { $0.wholeShape.first == 1 }
        version = isPlain ? 1 : isOlder ? 2 : 3
        if let input = graph.inputs.first(where: { $0.wholeShape.isEmpty }) {
            throw TensorError(
                operation: "save", argument: "input \(input.name)", value: "a single number",
                expected: "one with an axis of samples")
        }
        inputShape = isPlain ? network.inputShape : nil
        inputs =
            isPlain
            ? nil
            : graph.inputs.map {
                let samples = $0.wholeShape[0]
                return Input(name: $0.name, shape: $0.shape, samples: samples == 1 ? nil : samples)
            }
        outputs =
            isPlain
            ? nil : graph.outputs.map { Output(name: $0.name, value: graph.name(of: $0.value)) }
        var layers: [Layer] = []
        for (place, node) in graph.nodes.enumerated() {
            guard let layer = node.layer as? any DescribedLayer else {
                throw TensorError(
                    operation: "save", argument: "layer \(node.name)",
                    value: "\(Swift.type(of: node.layer))",
                    expected: "a layer that conforms to DescribedLayer")
            }
            let isNext = node.inputs == [Graph.valueBefore(place)]
            layers.append(
                Layer(
                    name: node.name, type: Swift.type(of: layer).typeName,
                    tensors: layer.parameterNames + layer.bufferNames,
                    settings: layer.layerSettings,
                    inputs: isNext ? nil : node.inputs.map(graph.name),
                    shared: shared[place].isEmpty ? nil : shared[place],
                    names: node.tensorNames.isEmpty
                        ? nil : node.tensorNames.filter { shared[place][$0.key] == nil }))
        }
        self.layers = layers
    }

    /// The text: the same for the same layers.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The architecture that a text describes; whether its layers exist and fit is not known yet.
    ///
    /// - Throws: ``FileError`` when the text is too long, not the format's JSON, names
    ///   something twice, or is of another version.
    init(text: String, file: String) throws {
        func fail(_ problem: String) -> FileError {
            FileError(file: file, problem: "architecture \(problem)")
        }
        let data = Data(text.utf8)
        do throws(StrictJSON.Refusal) {
            try StrictJSON.check(data, limit: Self.largestText)
        } catch {
            throw fail("\(error)")
        }
        struct Header: Decodable {
            let format: String
            let version: Int
        }
        let decoder = JSONDecoder()
        guard let header = try? decoder.decode(Header.self, from: data),
            header.format == Self.formatName
        else { throw fail("is not the JSON of a network") }
        guard Self.versions.contains(header.version) else {
            let (first, last) = (Self.versions.lowerBound, Self.versions.upperBound)
            throw fail("is of version \(header.version), expected from \(first) to \(last)")
        }
        do {
            self = try decoder.decode(Architecture.self, from: data)
        } catch let error as DecodingError {
            throw fail("is not the JSON of a network: \(Self.reason(error))")
        }
        let missing =
            version == 1
            ? inputShape == nil ? "input_shape" : nil
            : inputs == nil ? "inputs" : outputs == nil ? "outputs" : nil
        if let missing { throw fail("is not the JSON of a network: \(missing) is missing") }
        let later =
            version == 1
            && (inputs != nil || outputs != nil || layers.contains { $0.inputs != nil })
        if later { throw fail("is of version 1, but has inputs or outputs, expected version 2") }
        if version < 3, layers.contains(where: { $0.shared != nil }) {
            throw fail("is of version \(version), but has shared tensors, expected version 3")
        }
        let isNamed =
            layers.contains { $0.names != nil } || inputs?.contains { $0.samples != nil } == true
        if version < 3, isNamed {
            throw fail("is of version \(version), but names tensors or samples, expected version 3")
        }
    }

    /// The graph of the described layers.
    ///
    /// - Parameter made: the layers in order.
    /// - Throws: ``FileError`` when a name is unknown, and ``TensorError`` when shapes don't fit.
    func graph(of made: [NamedLayer], file: String) throws -> Graph {
        var graph = Graph()
        guard inputs?.isEmpty == false else {
            throw FileError(
                file: file,
                problem: "architecture: inputs is empty, expected at least one input")
        }
        var values: [String: Graph.Value] = [:]
        for input in inputs ?? [] {
            values[input.name] = try graph.input(
                input.name, wholeShape: [input.samples ?? 1] + input.shape)
        }
        func value(_ name: String, of user: String) throws -> Graph.Value {
            guard let value = values[name] else {
                throw FileError(
                    file: file,
                    problem:
                        "architecture: \(user) takes \(name), expected an input or a layer before")
            }
            return value
        }
        for (place, (layer, named)) in zip(layers, made).enumerated() {
            let arguments =
                try layer.inputs?.map { try value($0, of: "layer \(layer.name)") }
                ?? [Graph.valueBefore(place)]
            values[layer.name] = try graph.add(
                named.layer, arguments, name: layer.name, tensorNames: layer.names ?? [:])
        }
        try tieSharedTensors(in: &graph, values, file: file)
        for output in outputs ?? [] {
            try graph.output(value(output.value, of: "output \(output.name)"), output.name)
        }
        return graph
    }

    /// Where the text is wrong, and how.
    private static func reason(_ error: DecodingError) -> String {
        let (context, last): (DecodingError.Context, String?) =
            switch error {
            case .keyNotFound(let key, let context): (context, key.stringValue)
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .dataCorrupted(let context):
                (context, nil)
            @unknown default: (.init(codingPath: [], debugDescription: ""), nil)
            }
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
        let place = (path + (last.map { [$0] } ?? [])).joined(separator: ".")
        return last == nil ? "\(place) is of the wrong kind" : "\(place) is missing"
    }
}
