// SPDX-License-Identifier: MIT
//
// Networks from files: a file that describes its layers needs no name.

import ConvNet
import ConvNetOptions
import Foundation

extension Networks {
    /// `--network` where a file may describe it.
    static let optionBesideFile = Option(
        "network", "NAME", "\(names.joined(separator: ", ")); what the file describes, or simple.",
        choices: names)

    /// The options that ``load(_:)`` reads.
    static let fileOptions = [
        Option.parameters, optionBesideFile,
        Option(
            "no-strict",
            "Ignore what the file has too much, keep 0 for what it lacks, and say what."),
    ]

    /// The network of the file that `--parameters` names: the one that `--network` names with
    /// the file's parameters, or without it the one that the file describes; simple if it
    /// describes none.
    ///
    /// With `--no-strict`, a line on standard error says what did not suit.
    ///
    /// - Parameter images: what a network that fits any images is made for where the file does not
    ///   describe one; what it was published for when nil.
    /// - Throws: ``UsageError`` when no file is named, or an unknown network; `FileError`
    ///   when the file can't be read, doesn't suit the network or holds NaN or infinities.
    static func load(
        _ options: Options, for images: ImageKind? = nil
    ) throws -> any Classifier {
        try load(options.requiredParameters(), options, for: images)
    }

    /// The network of a file, as ``load(_:for:)``; an ONNX file's where its name ends in `.onnx`.
    ///
    /// - Throws: ``Outcome`` with status 3 where an ONNX file has something that can't be run,
    ///   besides what ``load(_:for:)`` throws.
    static func load(
        _ file: URL, _ options: Options, for images: ImageKind? = nil
    ) throws -> any Classifier {
        let kernels = try options.nativeKernels()
        // An unknown name is found out before a large file is read.
        let named = try name(options)
        if ModelFile.isONNX(file) {
            guard options.string("network") == nil else {
                throw UsageError("--network is \(named), expected none with an ONNX file")
            }
            return try ModelFile.network(onnx: file, kernels: kernels)
        }
        let contents = try Safetensors.contents(of: file)
        let (network, match) = try load(
            contents, options, for: images, file: file.path, kernels: kernels,
            strict: !options.has("no-strict"))
        if !match.isExact {
            FileHandle.standardError.write(
                Data("\(CommandLineTool.line("\(file.path): \(match)"))\n".utf8))
        }
        if let number = network.firstNonFiniteNumber {
            throw NonFinite.error(number, in: file.path)
        }
        return network
    }

    private static func load(
        _ contents: Safetensors.Contents, _ options: Options, for images: ImageKind?,
        file: String, kernels: NativeKernels, strict: Bool
    ) throws -> (any Classifier, ParameterMatch) {
        if options.string("network") == nil, contents.describesNetwork {
            return try Network.reading(contents, file: file, kernels: kernels, strict: strict)
        }
        // Weights are about to be replaced: drawing millions would be for nothing.
        var network = try make(
            options, seed: 0, initialization: .standardDeviation(0),
            for: Self.images(of: contents, options, file: file) ?? images, kernels: kernels)
        let match = try network.loadParameters(contents, file: file, strict: strict)
        guard match.missing.count < (network.parameters + network.buffers).count else {
            throw FileError(
                file: file,
                problem: "has none of the network's tensors, expected some of "
                    + network.parameters.map(\.name).joined(separator: ", "))
        }
        return (network, match)
    }

    /// The images that a file's network is for, where the one that `--network` names fits any; nil
    /// where the file describes none.
    private static func images(
        of contents: Safetensors.Contents, _ options: Options, file: String
    ) -> ImageKind? {
        guard NamedGraph.all.contains(where: { $0.name == options.string("network") }),
            contents.describesNetwork,
            let (network, _) = try? Network.reading(
                contents, file: file, kernels: NativeKernels(), strict: false),
            let classes = network.outputShape.first
        else { return nil }
        return ImageKind(shape: network.inputShape, classes: classes)
    }
}

/// Numbers in a file that are none.
enum NonFinite {
    /// What is wrong with a file that has one.
    static func error(_ number: NonFiniteNumber, in file: String) -> FileError {
        FileError(
            file: file,
            problem: "\(number), expected finite numbers; a training that diverged leaves others")
    }
}
