// SPDX-License-Identifier: MIT
//
// Saving and loading a network's parameters, and the buffers beside them.

import Foundation

extension Classifier {
    /// Writes the parameters and buffers to a safetensors file. It is written beside the target and
    /// renamed, so that the target is always whole; the same numbers give the same bytes. NaN and
    /// infinities are written too, for looking into a training that diverged.
    ///
    /// - Throws: ``FileError`` when the file can't be written.
    public func saveParameters(to url: URL) throws {
        try ParameterFile.write(
            Safetensors.encode(parameters + buffers, file: url.path), to: url)
    }

    /// Writes the parameters and buffers under the names that PyTorch's `state_dict` has for such
    /// layers, and as they lie there: `fc.weight` `[out, in]` for `fc.W` `[in, out]`. A model of
    /// the same layers loads them with `load_state_dict(load_file(…), strict=False)`, for the
    /// counts of batches are not there; ``loadParameters(from:strict:)`` reads them too.
    ///
    /// - Throws: ``FileError`` when the file can't be written.
    public func saveStateDict(to url: URL) throws {
        try ParameterFile.write(
            Safetensors.encode(StateDict.tensors(of: network), file: url.path), to: url)
    }

    /// Replaces the parameters and buffers by those of a safetensors file: all of them, or none
    /// where something is wrong.
    ///
    /// ```swift
    /// let match = try network.loadParameters(from: file, strict: false)
    /// if !match.isExact { print(match) }          // ignored num_batches_tracked2
    /// ```
    ///
    /// - Parameters:
    ///   - url: a file with a tensor for each of ``parameters`` and ``buffers``, of the same shape,
    ///     or with PyTorch's `state_dict`, whose names are those of the network's nodes:
    ///     `fc.weight` and `bn1.running_mean`. Numbers are converted to the network's type.
    ///   - strict: whether the file has to have the network's names and no others, as in PyTorch.
    ///     Without it, what the network does not name is ignored, whatever its type, and what the
    ///     file lacks stays as it is. A wrong shape is an error nevertheless.
    /// - Returns: what was ignored and what is missing: nothing where it is strict.
    /// - Throws: ``FileError`` when the file can't be read, is broken, has a tensor of another
    ///   shape or of whole numbers where the network has one, or, where it is strict, lacks tensors
    ///   or has some too many, all of which it names.
    @discardableResult
    public mutating func loadParameters(
        from url: URL, strict: Bool = true
    ) throws -> ParameterMatch {
        try loadParameters(Safetensors.contents(of: url), file: url.path, strict: strict)
    }

    /// Replaces parameters and buffers by tensors of their names: all of them, or none where
    /// something is wrong.
    ///
    /// ```swift
    /// try network.setParameters(["W1": weights], strict: false)     // the others stay
    /// ```
    ///
    /// - Parameters:
    ///   - tensors: tensors by name, of the shapes of ``parameters`` and ``buffers``. Numbers are
    ///     converted to the network's type.
    ///   - strict: whether there has to be one for each name and no other.
    /// - Returns: what was ignored and what is missing: nothing where it is strict.
    /// - Throws: ``FileError`` that names what is missing, unexpected or of another shape.
    @discardableResult
    public mutating func setParameters(
        _ tensors: [String: Tensor], strict: Bool = true
    ) throws -> ParameterMatch {
        try loadParameters(
            tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, file: "setParameters",
            strict: strict)
    }

    /// Replaces the parameters and buffers by those of a file's contents.
    package mutating func loadParameters(
        _ contents: Safetensors.Contents, file: String, strict: Bool
    ) throws -> ParameterMatch {
        try loadParameters(
            contents.tensors, unread: contents.unreadTypes, file: file, strict: strict)
    }

    /// Replaces the parameters and buffers by tensors of their names: all of them, or none where
    /// something is wrong.
    ///
    /// - Parameter unread: tensors that the file has as well, of other types, by name.
    @discardableResult
    package mutating func loadParameters(
        _ tensors: [NamedTensor], unread: [String: String] = [:], file: String, strict: Bool = true
    ) throws -> ParameterMatch {
        func fail(_ problem: String) -> FileError {
            FileError(file: file, problem: problem)
        }
        var loaded: [String: Tensor] = [:]
        for (name, value) in try StateDict.renamed(tensors, for: network) {
            // Under the names of several layers that share it.
            if let other = loaded.updateValue(value, forKey: name),
                !other.isIdentical(to: value)
            {
                throw fail("has two tensors that differ for \(name), which several layers share")
            }
        }
        let expected = parameters + buffers
        var (replacements, missing) = ([Tensor](), [NamedTensor]())
        for (name, value) in expected {
            if let type = unread[name] {
                let types = Safetensors.FloatType.names.joined(separator: ", ")
                throw fail("\(name) has type \(type), expected one of \(types)")
            }
            guard let tensor = loaded.removeValue(forKey: name) else {
                missing.append((name, value))
                replacements.append(value)
                continue
            }
            guard tensor.shape == value.shape else {
                throw fail("\(name) has shape \(tensor.shape), expected \(value.shape)")
            }
            replacements.append(try tensor.converted(to: value.scalarType))
        }
        let match = ParameterMatch(
            ignored: (Array(loaded.keys) + unread.keys)
                .filter { !StateDict.isIgnored($0, by: network) }.sorted(),
            missing: missing.map(\.name))
        if strict, !match.isExact {
            throw fail(Self.difference(match, missing: missing, expected: expected))
        }
        let parameterCount = parameters.count
        try network.replaceParameters(Array(replacements.prefix(parameterCount)))
        try network.replaceBuffers(Array(replacements.dropFirst(parameterCount)))
        return match
    }

    /// What is wrong with the names of a file.
    private static func difference(
        _ match: ParameterMatch, missing: [NamedTensor], expected: [NamedTensor]
    ) -> String {
        func isOrAre(_ names: [String]) -> String {
            "\(ParameterMatch.list(names)) \(names.count == 1 ? "is" : "are")"
        }
        var parts: [String] = []
        if !missing.isEmpty {
            let shapes = ParameterMatch.list(missing.map { "\($0.value.shape)" })
            parts.append(
                "\(isOrAre(match.missing)) missing, expected "
                    + "shape\(missing.count == 1 ? "" : "s") \(shapes)")
        }
        if !match.ignored.isEmpty {
            let names = expected.map(\.name).joined(separator: ", ")
            parts.append("\(isOrAre(match.ignored)) unexpected, expected only \(names)")
        }
        return parts.joined(separator: "; ")
    }
}

extension Tensor {
    /// Whether another tensor has the same shape and numbers, NaN being the same as itself.
    fileprivate func isIdentical(to other: Tensor) -> Bool {
        func hash(_ tensor: Tensor) -> String {
            var hash = ContentHash()
            hash.add(tensor)
            return hash.text
        }
        return hash(self) == hash(other)
    }
}
