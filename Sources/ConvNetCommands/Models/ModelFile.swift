// SPDX-License-Identifier: MIT
//
// Files of models that other programs wrote.

import ConvNet
import ConvNetOptions
import Foundation

enum ModelFile {
    /// The file that a command's operand or `--parameters` names.
    ///
    /// - Throws: ``UsageError`` when there is none, more than one, or both ways are used.
    static func file(_ options: Options) throws(UsageError) -> URL {
        guard let file = try optionalFile(options) else {
            throw UsageError("no model, expected a file; --help tells more")
        }
        return file
    }

    /// The same, nil where there is none.
    static func optionalFile(_ options: Options) throws(UsageError) -> URL? {
        if options.operands.count > 1 {
            throw UsageError("\(options.operands[1]) is unexpected after \(options.operands[0])")
        }
        let named = options.string("parameters")
        if let named, let operand = options.operands.first {
            throw UsageError("\(operand) is unexpected beside --parameters \(named)")
        }
        return (options.operands.first ?? named).map { URL(fileURLWithPath: $0) }
    }

    /// Whether a file's name says that it is an ONNX model.
    static func isONNX(_ file: URL) -> Bool { file.pathExtension.lowercased() == "onnx" }

    /// The network of an ONNX file.
    ///
    /// - Throws: ``Outcome`` with status 3 where something in it can't be run, its reasons on
    ///   standard error, and ``FileError`` where it can't be read.
    static func network(
        onnx file: URL, inputShapes: [String: [Int]] = [:], example: [String: Tensor] = [:],
        kernels: any Kernels
    ) throws -> Network {
        try Outcome.modelSupported {
            try Network(
                onnx: file, inputShapes: inputShapes, example: example, kernels: kernels)
        }
    }
}
