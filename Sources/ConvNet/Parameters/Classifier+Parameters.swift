// SPDX-License-Identifier: MIT
//
// Saving and loading a network's parameters, and the buffers beside them.

import Foundation

extension Classifier {
    /// Writes the parameters and buffers to a safetensors file. It is written beside the target and
    /// renamed, so that the target is always whole; the same numbers give the same bytes.
    ///
    /// - Throws: ``ParameterFileError`` when the file can't be written.
    public func saveParameters(to url: URL) throws {
        try ParameterFile.write(
            Safetensors.encode(parameters + buffers, file: url.path), to: url)
    }

    /// Replaces the parameters and buffers by those of a safetensors file: all of them, or none
    /// where something is wrong.
    ///
    /// - Parameter url: a file with a tensor for each of ``parameters`` and ``buffers``, of the same
    ///   shape. Numbers are converted to the network's type.
    /// - Throws: ``ParameterFileError`` when the file can't be read, is broken, lacks a tensor, has
    ///   one too many, or one of another shape.
    public mutating func loadParameters(from url: URL) throws {
        try loadParameters(Safetensors.contents(of: url).tensors, file: url.path)
    }

    /// Replaces the parameters and buffers by tensors of their names: all of them, or none where
    /// something is wrong.
    package mutating func loadParameters(_ tensors: [NamedTensor], file: String) throws {
        var loaded = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.value) })
        var replacements: [Tensor] = []
        let expected = parameters + buffers
        for (name, value) in expected {
            guard let tensor = loaded.removeValue(forKey: name) else {
                throw ParameterFileError(
                    file: file, problem: "\(name) is missing, expected shape \(value.shape)")
            }
            guard tensor.shape == value.shape else {
                throw ParameterFileError(
                    file: file,
                    problem: "\(name) has shape \(tensor.shape), expected \(value.shape)")
            }
            replacements.append(try tensor.converted(to: value.scalarType))
        }
        if let extra = loaded.keys.min() {
            let names = expected.map(\.name).joined(separator: ", ")
            throw ParameterFileError(
                file: file, problem: "\(extra) is unexpected, expected only \(names)")
        }
        let parameterCount = parameters.count
        try network.replaceParameters(Array(replacements.prefix(parameterCount)))
        try network.replaceBuffers(Array(replacements.dropFirst(parameterCount)))
    }
}
