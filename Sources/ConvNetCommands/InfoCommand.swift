// SPDX-License-Identifier: MIT
//
// convnet info: what the kernels run on here, or what a network is made of.

import ConvNet
import ConvNetOptions
import Foundation

enum InfoCommand: Command {
    static let name = "info"
    static let summary =
        "Shows the CPU, the instruction set, the threads and the kernels in use, or a network's layers."
    static let operands = "[FILE]"
    static let example = "convnet info model.onnx"
    static let options = [
        Option("parameters", "FILE", "Shows a file's network instead (safetensors, or ONNX)."),
        .threads,
        Option(
            "network", "NAME",
            "Shows the layers of a network instead: \(Networks.names.joined(separator: ", ")).",
            choices: Networks.names),
        Option("batch-size", "N", "Images that its figures are for; 1."),
        Option("json", "Report as JSON."),
    ]

    private struct Report: Encodable {
        let cpu: String
        let instruction_set: String
        let supported_instruction_sets: [String]
        let threads: Int
        let openmp: Bool
        let product_kernel: String
        let version: String
    }

    static func run(_ options: Options) throws {
        let kernels = try options.nativeKernels()
        if let file = try ModelFile.optionalFile(options) { return try show(file, options) }
        if options.string("network") != nil {
            // Only sizes are asked for: no weights need drawing.
            let network = try Networks.make(
                options, seed: 0, initialization: .standardDeviation(0), kernels: kernels)
            return try show(network.network, options)
        }
        let report = Report(
            cpu: ProcessorName.current, instruction_set: kernels.instructionSet.rawValue,
            supported_instruction_sets: InstructionSet.supported.map(\.rawValue),
            threads: kernels.threads, openmp: NativeKernels.usesOpenMP,
            product_kernel: kernels.instructionSet.productKernelName,
            version: CommandLineTool.version)
        if options.has("json") { return try CommandLineTool.printJSON(report) }
        print(
            """
            cpu              \(report.cpu)
            instruction set  \(report.instruction_set) \
            (of \(report.supported_instruction_sets.joined(separator: ", ")))
            threads          \(report.threads)\(SerialNote.text)
            product kernel   \(report.product_kernel)
            version          \(report.version)
            """)
    }

    private struct NetworkReport: Encodable {
        struct Layer: Encodable {
            let name: String
            let type: String
            /// Where they are not the layer before.
            let inputs: [String]?
            let output_shape: [Int]
            let parameters: Int
            let operations: Int
            let activation_bytes: Int
        }
        /// What an ONNX file takes and gives.
        let inputs: [String]?
        let outputs: [String]?
        let input_shape: [Int]
        let layers: [Layer]
        let parameters: Int
        let operations: Int
        let activation_bytes: Int
    }

    /// The layers of a file's network; what an ONNX file takes and gives before them.
    ///
    /// - Throws: ``Outcome`` with status 3 where an ONNX file has something that can't be run,
    ///   besides what reading throws.
    private static func show(_ file: URL, _ options: Options) throws {
        let interface = ModelFile.isONNX(file) ? try ONNXInterface(contentsOf: file) : nil
        if let interface, !options.has("json") {
            for (kind, values) in [("input ", interface.inputs), ("output", interface.outputs)] {
                for value in values { print(CommandLineTool.line("\(kind)  \(value)")) }
            }
            let producer = interface.producer.isEmpty ? "" : " by \(interface.producer)"
            print(
                CommandLineTool.line("ONNX\(producer), operators \(interface.operatorVersion)"))
        }
        let network = try Networks.load(file, options).network
        if interface != nil, !options.has("json") { print(normalizations(of: network)) }
        try show(network, options, interface)
    }

    /// Whether batch normalizations can be trained: exporters fold them into filters by default.
    private static func normalizations(of network: Network) -> String {
        let count = network.graph.nodes.count { $0.layer is BatchNormalization }
        return count > 0
            ? "\(count) batch \(count == 1 ? "normalization" : "normalizations") kept as layers"
            : "no batch normalization: folded into filters by the exporter, or never there"
    }

    private static func show(
        _ network: Network, _ options: Options, _ interface: ONNXInterface? = nil
    ) throws {
        let summary = try network.summary(batchSize: options.int("batch-size") ?? 1)
        guard options.has("json") else { return print(summary) }
        try CommandLineTool.printJSON(
            NetworkReport(
                inputs: interface?.inputs.map(\.description),
                outputs: interface?.outputs.map(\.description),
                input_shape: summary.inputShape,
                layers: summary.rows.map {
                    NetworkReport.Layer(
                        name: $0.name, type: $0.type, inputs: $0.takesRowAbove ? nil : $0.inputs,
                        output_shape: $0.outputShape,
                        parameters: $0.parameterCount, operations: $0.operationCount,
                        activation_bytes: $0.activationByteCount)
                },
                parameters: summary.parameterCount, operations: summary.operationCount,
                activation_bytes: summary.activationByteCount))
    }
}
