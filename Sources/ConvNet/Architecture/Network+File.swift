// SPDX-License-Identifier: MIT
//
// Whole networks in files: parameters, and the layers they belong to.

import Foundation

extension Classifier {
    /// Writes the whole network to a safetensors file: layers, parameters and buffers. It is written
    /// beside the target and renamed, so that the target is always whole; the same network gives the
    /// same bytes.
    ///
    /// `Network(contentsOf:)` reads it without more code, `loadParameters(from:)` takes the
    /// parameters alone.
    ///
    /// - Throws: ``TensorError`` that names a layer which is no ``DescribedLayer``, and
    ///   ``ParameterFileError`` when the file can't be written.
    public func save(to url: URL) throws {
        let metadata = try network.architectureMetadata()
        try ParameterFile.write(
            Safetensors.encode(parameters + buffers, metadata: metadata, file: url.path), to: url)
    }
}

extension Network {
    /// The text that makes a file of parameters a whole network.
    ///
    /// - Throws: ``TensorError`` that names a layer which is no ``DescribedLayer``.
    package func architectureMetadata() throws -> [String: String] {
        [Architecture.metadataKey: try Architecture(self).text()]
    }

    /// The network of a file that ``Classifier/save(to:)`` wrote.
    ///
    /// ```swift
    /// let network = try Network(contentsOf: URL(fileURLWithPath: "digits.safetensors"))
    /// ```
    ///
    /// - Parameters:
    ///   - url: the file. It may come from a stranger: nothing in it is executed, and everything is
    ///     checked.
    ///   - kernels: what does the arithmetic.
    ///   - layerTypes: layers of one's own that the file may name.
    /// - Throws: ``ParameterFileError`` when the file can't be read or is broken, describes no
    ///   network, names an unknown layer, or where settings and tensors don't fit together.
    public init(
        contentsOf url: URL, kernels: any Kernels = NativeKernels(),
        layerTypes: [any DescribedLayer.Type] = []
    ) throws {
        try self.init(
            Safetensors.contents(of: url), file: url.path, kernels: kernels,
            layerTypes: layerTypes)
    }

    /// The network that a file's contents describe.
    package init(
        _ contents: Safetensors.Contents, file: String, kernels: any Kernels = NativeKernels(),
        layerTypes: [any DescribedLayer.Type] = []
    ) throws {
        guard let text = contents.metadata[Architecture.metadataKey] else {
            throw ParameterFileError(
                file: file,
                problem: "holds no network, expected \(Architecture.metadataKey) in its metadata")
        }
        let architecture = try Architecture(text: text, file: file)
        try Self.requireOneType(contents.tensors, file: file)
        var reader = LayerReader(
            tensors: contents.tensors, types: BuiltInLayers.types + layerTypes, file: file)
        let layers = try architecture.layers.map { try reader.read($0) }
        try reader.finish()
        do {
            try self.init(inputShape: architecture.inputShape, layers: layers, kernels: kernels)
        } catch let error as TensorError {
            throw ParameterFileError(file: file, problem: "\(error)")
        }
        guard (parameters + buffers).map(\.name).sorted() == contents.tensors.map(\.name) else {
            throw ParameterFileError(
                file: file, problem: "tensors are not named as the layers name theirs")
        }
    }

    private static func requireOneType(_ tensors: [NamedTensor], file: String) throws {
        guard let first = tensors.first,
            let other = tensors.first(where: { $0.value.scalarType != first.value.scalarType })
        else { return }
        throw ParameterFileError(
            file: file,
            problem: "\(other.name) has type \(other.value.scalarType), expected "
                + "\(first.value.scalarType) as \(first.name)")
    }
}

extension Safetensors.Contents {
    /// Whether the tensors are those of a network that is described beside them.
    package var describesNetwork: Bool { metadata[Architecture.metadataKey] != nil }
}

/// Makes layers in order and gives each its tensors.
private struct LayerReader {
    private var tensors: [String: Tensor]
    private let types: [String: any DescribedLayer.Type]
    private let file: String
    private var number = 0

    init(tensors: [NamedTensor], types: [any DescribedLayer.Type], file: String) {
        self.tensors = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.value) })
        self.types = Dictionary(types.map { ($0.typeName, $0) }) { $1 }
        self.file = file
    }

    mutating func read(_ layer: Architecture.Layer) throws -> NamedLayer {
        guard let type = types[layer.type] else {
            throw fail(
                layer,
                "is of an unknown type, expected one of "
                    + types.keys.sorted().joined(separator: ", "))
        }
        if !layer.tensors.isEmpty { number += 1 }
        var own: [String: Tensor] = [:]
        for key in layer.tensors {
            // Taken out: a tensor belongs to one layer.
            guard let tensor = tensors.removeValue(forKey: "\(key)\(number)") else {
                throw fail(layer, "lacks its tensor \(key)\(number)")
            }
            own[key] = tensor
        }
        do {
            let made = try type.init(settings: layer.settings, tensors: LayerTensors(own))
            return NamedLayer(layer.name, made)
        } catch let error as TensorError {
            throw fail(layer, "\(error.argument) is \(error.value), expected \(error.expected)")
        }
    }

    /// Fails when a tensor is left over.
    func finish() throws {
        if let extra = tensors.keys.min() {
            throw ParameterFileError(
                file: file, problem: "\(extra) is unexpected, expected only the layers' tensors")
        }
    }

    private func fail(_ layer: Architecture.Layer, _ problem: String) -> ParameterFileError {
        ParameterFileError(file: file, problem: "layer \(layer.name) (\(layer.type)): \(problem)")
    }
}
