// SPDX-License-Identifier: MIT
//
// convnet evaluate: how many test images a network with given parameters sorts rightly.

import ConvNet
import ConvNetOptions
import Foundation

enum EvaluateCommand: Command {
    static let name = "evaluate"
    static let summary =
        "Counts the test images that a network with given parameters sorts rightly."
    static let operands = ""
    static let example = "convnet evaluate --parameters digits.safetensors --data mnist"
    static let options =
        [
            Option("parameters", "FILE", "The network, or its parameters (safetensors)."),
            Networks.optionBesideFile,
        ] + DataSets.options + [
            .threads,
            Option("json", "Report as JSON."),
        ]

    private struct Report: Encodable {
        let accuracy: Double
        let correct: Int
        let total: Int
    }

    static func run(_ options: Options) throws {
        let limit = try options.int("limit")
        let network = try Networks.load(options)
        let accuracy = try network.accuracy(DataSets.test(options, limit: limit))
        if options.has("json") {
            try CommandLineTool.printJSON(
                Report(
                    accuracy: accuracy.fraction, correct: accuracy.correct, total: accuracy.total))
        } else {
            print(accuracyText(accuracy))
        }
    }
}
