// SPDX-License-Identifier: MIT
//
// convnet check: whether an ONNX model's outputs are those that another program computed.

import ConvNet
import ConvNetData
import ConvNetOptions
import Foundation

enum CheckCommand: Command {
    static let name = "check"
    static let summary = "Compares an ONNX model's outputs with those in files."
    static let operands = "MODEL.onnx"
    static let example = "convnet check model.onnx --inputs x.npy --outputs y.npy"
    static let options = [
        Option("parameters", "FILE", "The model, as the operand."),
        Option("inputs", "A.npy,…", "The inputs' arrays, in the model's order; may be empty."),
        Option(
            "outputs", "Y.npy,…",
            "The outputs' arrays, in the model's order; with --each a folder of NODE.npy."),
        Option(
            "each", "Compare what each node gives, and name the first that differs (/ is _ there)."),
        Option("rtol", "R", "What a number may be off in relation to the expected one; 1e-3."),
        Option("atol", "A", "What it may be off besides; 1e-5."),
        .threads,
    ]

    static func run(_ options: Options) throws {
        let file = try ModelFile.file(options)
        let tolerance = try Tolerance(options)
        let kernels = try options.nativeKernels()
        do {
            try check(file, options, tolerance, kernels)
        } catch let error as FileError {
            throw Outcome(description: "\(error)", status: 2)
        } catch let error as TensorError {
            throw Outcome(description: "\(file.path): \(error)", status: 2)
        }
    }

    private static func check(
        _ file: URL, _ options: Options, _ tolerance: Tolerance, _ kernels: NativeKernels
    ) throws {
        let model = try ONNXModelFile(contentsOf: file)
        let interface = model.interface
        let arrays = try files(options, "inputs").map { try NumPyFile($0) }
        try requireCount("inputs", arrays.count, interface.inputs)
        var inputs: [String: Tensor] = [:]
        for (value, array) in zip(interface.inputs, arrays) {
            try requireShape(array.shape, of: value)
            if let tensor = array.tensor {
                inputs[value.name] = try tensor.converted(to: .float32)
            } else if array.shape != [0] {
                throw Outcome(
                    description:
                        "input \(value.name) has shape \(array.shape), expected no empty axis",
                    status: 3)
            }
            // A list of no axes is the same as none.
        }
        let network = try Outcome.modelSupported {
            try Network(onnx: model, example: inputs, kernels: kernels)
        }
        let expected: [(name: String, type: String, file: URL)]
        if options.has("each") {
            expected = try nodeFiles(options, network)
        } else {
            let files = try files(options, "outputs")
            try requireCount("outputs", files.count, interface.outputs)
            expected = zip(interface.outputs, files).map { ($0.name, $0.type, $1) }
        }
        let found = try Outcome.modelSupported {
            try network.predict(
                inputs, outputs: options.has("each") ? expected.map(\.name) : nil)
        }
        try report(expected, found, tolerance, stopsAtFirst: options.has("each"))
    }

    /// Prints how far each output is off.
    ///
    /// - Throws: ``Outcome`` with status 1 where one differs.
    private static func report(
        _ expected: [(name: String, type: String, file: URL)], _ found: [String: Tensor],
        _ tolerance: Tolerance, stopsAtFirst: Bool
    ) throws {
        var wrong: [String] = []
        for (name, type, file) in expected {
            guard let tensor = found[name] else { continue }
            let array = try NumPyFile(file)
            let difference = tolerance.difference(tensor, type: type, from: array)
            print(CommandLineTool.line("\(name): \(difference.description)"))
            if difference.isAllowed { continue }
            wrong.append(name)
            if stopsAtFirst { break }
        }
        guard wrong.isEmpty else {
            let subject = stopsAtFirst ? "the first node that differs is" : "differs in"
            throw Outcome(
                description: "\(subject) \(wrong.joined(separator: ", "))", status: 1)
        }
    }

    /// The files that an option lists.
    private static func files(_ options: Options, _ name: String) throws(UsageError) -> [URL] {
        guard let text = options.string(name) else {
            throw UsageError("--\(name) is missing, expected .npy files")
        }
        return text.isEmpty
            ? [] : text.split(separator: ",").map { URL(fileURLWithPath: String($0)) }
    }

    private static func requireCount(
        _ option: String, _ count: Int, _ values: [ONNXInterface.Value]
    ) throws(UsageError) {
        guard count == values.count else {
            throw UsageError(
                "--\(option) has \(count) files, expected \(values.count): "
                    + values.map(\.name).joined(separator: ", "))
        }
    }

    /// Fails where an array has another extent than one that the model fixes.
    private static func requireShape(
        _ shape: [Int], of value: ONNXInterface.Value
    ) throws(UsageError) {
        guard let wanted = value.shape else { return }
        let fits =
            wanted.count == shape.count
            && zip(wanted, shape).allSatisfy { extent, given in
                Int(extent).map { $0 == given } ?? true
            }
        guard fits else {
            throw UsageError(
                "--inputs has \(value.name) of shape \(shape), expected "
                    + "[\(wanted.joined(separator: ", "))]")
        }
    }

    /// The files of a folder that are named like nodes, in the nodes' order.
    private static func nodeFiles(
        _ options: Options, _ network: Network
    ) throws -> [(name: String, type: String, file: URL)] {
        guard let path = options.string("outputs") else {
            throw UsageError("--outputs is missing, expected a folder with --each")
        }
        let folder = URL(fileURLWithPath: path)
        let found = network.graph.nodes.compactMap { node -> (String, String, URL)? in
            let file = folder.appendingPathComponent(
                node.name.replacingOccurrences(of: "/", with: "_") + ".npy")
            return FileManager.default.fileExists(atPath: file.path) ? (node.name, "", file) : nil
        }
        guard !found.isEmpty else {
            throw UsageError(
                "--outputs is \(path), which has no file of a node, expected such as "
                    + "\(network.graph.nodes.first?.name ?? "node").npy")
        }
        return found
    }
}
