// SPDX-License-Identifier: MIT
//
// Whole networks in files: parameters, and the layers they belong to.

import Foundation

extension Classifier {
    /// Writes the whole network to a safetensors file: layers, parameters and buffers. It is
    /// written beside the target and renamed, so that the target is always whole; the same
    /// network gives the same bytes. NaN and infinities are written too, for looking into a
    /// training that diverged.
    ///
    /// `Network(contentsOf:)` reads it without more code, `loadParameters(from:)` takes the
    /// parameters alone.
    ///
    /// - Throws: ``TensorError`` that names a layer which is no ``DescribedLayer``, and
    ///   ``FileError`` when the file can't be written.
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
        var metadata = [Architecture.metadataKey: try Architecture(self).text()]
        metadata[Preprocessing.metadataKey] = try preprocessing?.text()
        return metadata
    }

    /// The network of a file that ``Classifier/save(to:)`` wrote.
    ///
    /// ```swift
    /// let network = try Network(contentsOf: URL(fileURLWithPath: "digits.safetensors"))
    /// ```
    ///
    /// - Parameters:
    ///   - url: the file. It is not trusted: nothing in it is executed, and everything is checked.
    ///   - kernels: what does the arithmetic.
    ///   - layerTypes: your own layers that the file may name.
    ///   - strict: whether the file may have no other tensors than those of its layers. Without it,
    ///     they are ignored.
    /// - Throws: ``FileError`` when the file can't be read or is broken, describes no
    ///   network, names an unknown layer, or where settings and tensors don't fit together.
    public init(
        contentsOf url: URL, kernels: any Kernels = NativeKernels(),
        layerTypes: [any DescribedLayer.Type] = [], strict: Bool = true
    ) throws {
        try self.init(
            Safetensors.contents(of: url), file: url.path, kernels: kernels,
            layerTypes: layerTypes, strict: strict)
    }

    /// The network that a file's contents describe.
    package init(
        _ contents: Safetensors.Contents, file: String, kernels: any Kernels = NativeKernels(),
        layerTypes: [any DescribedLayer.Type] = [], strict: Bool = true
    ) throws {
        guard let text = contents.metadata[Architecture.metadataKey] else {
            throw FileError(
                file: file,
                problem: "holds no network, expected \(Architecture.metadataKey) in its metadata")
        }
        let architecture = try Architecture(text: text, file: file)
        let names = try architecture.tensorNames(file: file)
        let allNames = Set(names.flatMap { $0 })
        try Self.requireOneType(contents.tensors.filter { allNames.contains($0.name) }, file: file)
        var reader = LayerReader(
            contents, types: BuiltInLayers.types + BuiltInLayers.typesOfOtherInputs + layerTypes,
            file: file)
        let layers = try zip(architecture.layers, names).map { try reader.read($0, names: $1) }
        if strict { try reader.finish() }
        do {
            if let inputShape = architecture.inputShape {
                try self.init(inputShape: inputShape, layers: layers, kernels: kernels)
            } else {
                try self.init(architecture.graph(of: layers, file: file), kernels: kernels)
            }
        } catch let error as TensorError {
            throw FileError(file: file, problem: "\(error)")
        }
        guard Set((parameters + buffers).map(\.name)) == allNames else {
            throw FileError(
                file: file, problem: "tensors are not named as the layers name theirs")
        }
        preprocessing = try contents.metadata[Preprocessing.metadataKey].map {
            try Preprocessing(text: $0, file: file)
        }
    }

    /// The network that a file's contents describe, and which of its tensors were ignored.
    package static func reading(
        _ contents: Safetensors.Contents, file: String, kernels: any Kernels, strict: Bool
    ) throws -> (Network, ParameterMatch) {
        let network = try Network(contents, file: file, kernels: kernels, strict: strict)
        let names = Set((network.parameters + network.buffers).map(\.name))
        let ignored = contents.entries.map(\.name).filter { !names.contains($0) }
        return (network, ParameterMatch(ignored: ignored, missing: []))
    }

    private static func requireOneType(_ tensors: [NamedTensor], file: String) throws {
        guard let first = tensors.first,
            let other = tensors.first(where: { $0.value.scalarType != first.value.scalarType })
        else { return }
        throw FileError(
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
    private var taken: [String: Tensor] = [:]
    private let unread: [String: String]
    private let types: [String: any DescribedLayer.Type]
    private let file: String

    init(_ contents: Safetensors.Contents, types: [any DescribedLayer.Type], file: String) {
        tensors = Dictionary(uniqueKeysWithValues: contents.tensors.map { ($0.name, $0.value) })
        unread = contents.unreadTypes
        self.types = Dictionary(types.map { ($0.typeName, $0) }) { $1 }
        self.file = file
    }

    mutating func read(_ layer: Architecture.Layer, names: [String]) throws -> NamedLayer {
        guard let type = types[layer.type] else {
            throw fail(
                layer,
                "is of an unknown type, expected one of "
                    + types.keys.sorted().joined(separator: ", "))
        }
        var own: [String: Tensor] = [:]
        for (key, name) in zip(layer.tensors, names) {
            // Taken out: a tensor belongs to one layer, unless others say that they share it.
            let isShared = layer.shared?[key] != nil
            guard let tensor = isShared ? taken[name] : tensors.removeValue(forKey: name) else {
                let type = unread[name].map { " of floating-point numbers, has one of type \($0)" }
                throw fail(layer, "lacks its tensor \(name)\(type ?? "")")
            }
            own[key] = tensor
            taken[name] = tensor
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
        if let extra = (Array(tensors.keys) + unread.keys).min() {
            throw FileError(
                file: file, problem: "\(extra) is unexpected, expected only the layers' tensors")
        }
    }

    private func fail(_ layer: Architecture.Layer, _ problem: String) -> FileError {
        FileError(file: file, problem: "layer \(layer.name) (\(layer.type)): \(problem)")
    }
}
