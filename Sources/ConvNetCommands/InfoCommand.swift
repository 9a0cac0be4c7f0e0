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
    static let operands = ""
    static let example = "convnet info"
    static let options = [
        .threads,
        Option(
            "network", "NAME",
            "Shows the layers of a network instead: \(Networks.names.joined(separator: ", "))."),
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
        if options.string("network") != nil { return try showNetwork(options, kernels) }
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
            let output_shape: [Int]
            let parameters: Int
            let operations: Int
            let activation_bytes: Int
        }
        let input_shape: [Int]
        let layers: [Layer]
        let parameters: Int
        let operations: Int
        let activation_bytes: Int
    }

    private static func showNetwork(_ options: Options, _ kernels: any Kernels) throws {
        // Only sizes are asked for: no weights need drawing.
        let network = try Networks.make(
            options, seed: 0, initialization: .standardDeviation(0), kernels: kernels)
        let summary = try network.summary(batchSize: options.int("batch-size") ?? 1)
        guard options.has("json") else { return print(summary) }
        try CommandLineTool.printJSON(
            NetworkReport(
                input_shape: summary.inputShape,
                layers: summary.rows.map {
                    NetworkReport.Layer(
                        name: $0.name, type: $0.type, output_shape: $0.outputShape,
                        parameters: $0.parameterCount, operations: $0.operationCount,
                        activation_bytes: $0.activationByteCount)
                },
                parameters: summary.parameterCount, operations: summary.operationCount,
                activation_bytes: summary.activationByteCount))
    }
}
