// SPDX-License-Identifier: MIT
//
// Networks from files: a file that describes its layers needs no name.

import ConvNet
import ConvNetOptions
import Foundation

extension Networks {
    /// `--network` where a file may tell it.
    static let optionBesideFile = Option(
        "network", "NAME", "\(names.joined(separator: ", ")); what the file describes, or simple.")

    /// The options that ``load(_:)`` reads.
    static let fileOptions = [
        Option.parameters, optionBesideFile,
        Option(
            "no-strict",
            "Ignore what the file has too much, keep 0 for what it lacks, and say what."),
    ]

    /// The network of the file that `--parameters` names: the one that `--network` names with the
    /// file's parameters, or without it the one that the file describes; simple if it describes none.
    ///
    /// With `--no-strict`, a line on standard error says what did not suit.
    ///
    /// - Throws: ``UsageError`` when no file is named, or an unknown network; `ParameterFileError`
    ///   when the file can't be read, doesn't suit the network or holds NaN or infinities.
    static func load(_ options: Options) throws -> any Classifier {
        let file = try options.requiredParameters()
        let kernels = try options.nativeKernels()
        // An unknown name is found out before a large file is read.
        _ = try name(options)
        let contents = try Safetensors.contents(of: file)
        let (network, match) = try load(
            contents, options, file: file.path, kernels: kernels,
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
        _ contents: Safetensors.Contents, _ options: Options, file: String,
        kernels: NativeKernels, strict: Bool
    ) throws -> (any Classifier, ParameterMatch) {
        if options.string("network") == nil, contents.describesNetwork {
            return try Network.reading(contents, file: file, kernels: kernels, strict: strict)
        }
        // Weights are about to be replaced: drawing millions would be for nothing.
        var network = try make(
            options, seed: 0, initialization: .standardDeviation(0), kernels: kernels)
        let match = try network.loadParameters(contents, file: file, strict: strict)
        guard match.missing.count < (network.parameters + network.buffers).count else {
            throw ParameterFileError(
                file: file,
                problem: "has none of the network's tensors, expected some of "
                    + network.parameters.map(\.name).joined(separator: ", "))
        }
        return (network, match)
    }
}

/// Numbers in a file that are none.
enum NonFinite {
    /// What is wrong with a file that has one.
    static func error(_ number: NonFiniteNumber, in file: String) -> ParameterFileError {
        ParameterFileError(
            file: file,
            problem: "\(number), expected finite numbers; a training that diverged leaves others")
    }
}
