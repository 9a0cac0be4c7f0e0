// SPDX-License-Identifier: MIT
//
// convnet export: a network as an ONNX file, for other runtimes.

import ConvNet
import ConvNetOptions
import Foundation

enum ExportCommand: Command {
    static let name = "export"
    static let summary = "Writes a network as an ONNX file, for ONNX Runtime and others."
    static let operands = ""
    static let example = "convnet export --parameters digits.safetensors --out digits.onnx"
    static let options =
        Networks.fileOptions + [
            Option("out", "FILE", "Where to write the network (ONNX).")
        ]

    static func run(_ options: Options) throws {
        guard let path = options.string("out") else {
            throw UsageError("--out is missing, expected a file")
        }
        let output = URL(fileURLWithPath: path)
        try Networks.load(options).exportONNX(to: output)
        print("wrote \(output.path)")
    }
}
