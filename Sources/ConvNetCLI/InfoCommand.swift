// SPDX-License-Identifier: MIT
//
// convnet info: what the kernels run on here.

import ConvNet
import ConvNetOptions
import Foundation

enum InfoCommand: Command {
    static let name = "info"
    static let summary = "Shows the CPU, the instruction set, the threads and the kernels in use."
    static let operands = ""
    static let example = "convnet info"
    static let options = [
        .threads,
        Option("json", "Report as JSON."),
    ]

    private struct Report: Encodable {
        let cpu: String
        let instruction_set: String
        let supported_instruction_sets: [String]
        let threads: Int
        let product_kernel: String
        let version: String
    }

    static func run(_ options: Options) throws {
        let kernels = try options.nativeKernels()
        let report = Report(
            cpu: ProcessorName.current, instruction_set: kernels.instructionSet.rawValue,
            supported_instruction_sets: InstructionSet.supported.map(\.rawValue),
            threads: kernels.threads, product_kernel: kernels.instructionSet.productKernelName,
            version: CommandLineTool.version)
        if options.has("json") { return try CommandLineTool.printJSON(report) }
        print(
            """
            cpu              \(report.cpu)
            instruction set  \(report.instruction_set) \
            (of \(report.supported_instruction_sets.joined(separator: ", ")))
            threads          \(report.threads)
            product kernel   \(report.product_kernel)
            version          \(report.version)
            """)
    }
}
