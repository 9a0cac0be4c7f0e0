// SPDX-License-Identifier: MIT
//
// A network's layers as JSON, the text that a file of parameters carries to be a whole network:
//
//   {"format": "convnet", "version": 1, "input_shape": [1, 28, 28], "layers": [
//     {"name": "conv1", "type": "Convolution", "tensors": ["W", "b"], "settings": {"groups": 1, …}},
//     {"name": "relu1", "type": "ReLU", "tensors": [], "settings": {}}, …]}
//
// The tensors of the layer are in the file under these keys and the layer's number among those with
// tensors: W1, b1.

import Foundation

/// The layers of a network without their tensors.
struct Architecture: Codable {
    /// The version that is written, and the only one that is read.
    static let version = 1
    /// The key of the text in a file's metadata.
    static let metadataKey = "architecture"
    /// The longest text that is read, in bytes. AlexNet's has 4,000.
    static let largestText = 1 << 20

    struct Layer: Codable {
        let name: String
        let type: String
        let tensors: [String]
        let settings: LayerSettings
    }

    let format: String
    let version: Int
    let inputShape: [Int]
    let layers: [Layer]

    enum CodingKeys: String, CodingKey {
        case format, version
        case inputShape = "input_shape"
        case layers
    }

    private static let formatName = "convnet"

    /// Describes a network.
    ///
    /// - Throws: ``TensorError`` that names a layer which can't be described.
    init(_ network: Network) throws(TensorError) {
        format = Self.formatName
        version = Self.version
        inputShape = network.inputShape
        var layers: [Layer] = []
        for named in network.layers {
            guard let layer = named.layer as? any DescribedLayer else {
                throw TensorError(
                    operation: "save", argument: "layer \(named.name)",
                    value: "\(Swift.type(of: named.layer))",
                    expected: "a layer that conforms to DescribedLayer")
            }
            layers.append(
                Layer(
                    name: named.name, type: Swift.type(of: layer).typeName,
                    tensors: (layer.parameters + layer.buffers).map(\.key),
                    settings: layer.layerSettings))
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
    /// - Throws: ``ParameterFileError`` when the text is too long, not the format's JSON, names
    ///   something twice, or is of another version.
    init(text: String, file: String) throws {
        func fail(_ problem: String) -> ParameterFileError {
            ParameterFileError(file: file, problem: "architecture \(problem)")
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
        guard header.version == Self.version else {
            throw fail("is of version \(header.version), expected \(Self.version)")
        }
        do {
            self = try decoder.decode(Architecture.self, from: data)
        } catch let error as DecodingError {
            throw fail("is not the JSON of a network: \(Self.reason(error))")
        }
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
