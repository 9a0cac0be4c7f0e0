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

    /// The network of the file that `--parameters` names: the one that `--network` names with the
    /// file's parameters, or without it the one that the file describes; simple if it describes none.
    ///
    /// - Throws: ``UsageError`` when no file is named, or an unknown network; `ParameterFileError`
    ///   when the file can't be read or doesn't suit the network.
    static func load(_ options: Options) throws -> any Classifier {
        guard let path = options.string("parameters") else {
            throw UsageError("--parameters is missing, expected a file")
        }
        let kernels = try options.nativeKernels()
        // An unknown name is found out before a large file is read.
        _ = try name(options)
        let contents = try Safetensors.contents(of: URL(fileURLWithPath: path))
        if options.string("network") == nil, contents.describesNetwork {
            return try Network(contents, file: path, kernels: kernels)
        }
        // Weights are about to be replaced: drawing millions would be for nothing.
        var network = try make(
            options, seed: 0, initialization: .standardDeviation(0), kernels: kernels)
        try network.loadParameters(contents.tensors, file: path)
        return network
    }
}
