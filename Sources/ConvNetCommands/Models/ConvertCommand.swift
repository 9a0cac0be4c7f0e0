// SPDX-License-Identifier: MIT
//
// convnet convert: a network from one kind of file to another.

import ConvNet
import ConvNetOptions
import Foundation

enum ConvertCommand: Command {
    static let name = "convert"
    static let summary =
        "Turns a network's file into one of another kind: ONNX, safetensors, NumPy."
    static let operands = "IN OUT"
    static let example = "convnet convert model.onnx model.safetensors"
    static let options =
        [
            Networks.optionBesideFile,
            Option(
                "no-strict",
                "Ignore what the file has too much, keep 0 for what it lacks, and say what."),
            Option(
                "names", "pytorch",
                "Write parameters alone, under the names of PyTorch's state_dict."),
        ] + PreprocessingOptions.options

    static func run(_ options: Options) throws {
        guard options.operands.count == 2 else {
            throw UsageError(
                "\(options.operands.count) files, expected two: IN (.onnx, .safetensors, .npz) and "
                    + "OUT (.onnx, .safetensors)")
        }
        let files = options.operands.map { URL(fileURLWithPath: $0) }
        let (input, output) = (files[0], files[1])
        let kind = output.pathExtension.lowercased()
        guard ["onnx", "safetensors"].contains(kind) else {
            throw UsageError("OUT is \(output.path), expected .onnx or .safetensors")
        }
        if let names = options.string("names") {
            guard names == "pytorch" else {
                throw UsageError("--names is \(names), expected pytorch")
            }
            guard kind == "safetensors", input.pathExtension.lowercased() != "npz" else {
                throw UsageError(
                    "--names is pytorch, expected with a network as IN and OUT.safetensors")
            }
            try Networks.load(input, options).network.saveStateDict(to: output)
            return print("wrote \(output.path)")
        }
        guard input.pathExtension.lowercased() != "npz" else {
            guard kind == "safetensors" else {
                throw UsageError("OUT is \(output.path), expected .safetensors for NumPy's arrays")
            }
            if let option = PreprocessingOptions.options.first(where: { options.has($0.name) }) {
                throw UsageError("--\(option.name) is unexpected with NumPy's arrays")
            }
            try ImportCommand.convert(input.path, to: output, options)
            return print("wrote \(output.path)")
        }
        var network = try Networks.load(input, options).network
        if let preprocessing = try PreprocessingOptions.preprocessing(
            options, of: network.preprocessing)
        {
            network.preprocessing = preprocessing
        }
        if kind == "onnx" {
            try network.exportONNX(to: output)
        } else {
            try network.save(to: output)
        }
        print("wrote \(output.path)")
    }
}
