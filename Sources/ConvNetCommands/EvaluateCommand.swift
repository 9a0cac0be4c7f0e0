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
        Networks.fileOptions + DataSets.options + ImageFolders.options + [
            .threads,
            Option("plot", "FILE", "Draw which classes are taken for which (.png or .svg)."),
            Option("json", "Report as JSON."),
        ]

    private struct Report: Encodable {
        let accuracy: Double
        let correct: Int
        let total: Int
        /// The picture, where one was drawn.
        let plot: String?
        /// A row a label, in it a count a prediction, where they were counted.
        let confusion: [[Int]]?
    }

    static func run(_ options: Options) throws {
        let plot = try options.pictureFile("plot")
        let limit = try options.int("limit")
        try Networks.requireClassifier(options)
        let folders = try ImageFolders(options, holdingOutBy: nil)
        let network = try Networks.load(options, for: folders?.kind(options) ?? .digits)
        let data = try folders?.evaluationData(for: network.network)
        let images = try data?.images ?? DataSets.test(options, limit: limit)
        let confusion = try plot.map { plot in
            let confusion = try Confusion(of: network, on: images)
            try confusion.picture(of: data?.shown ?? images).write(to: plot)
            return confusion
        }
        let accuracy = try confusion?.accuracy ?? network.accuracy(images)
        if options.has("json") {
            try CommandLineTool.printJSON(
                Report(
                    accuracy: accuracy.fraction, correct: accuracy.correct, total: accuracy.total,
                    plot: plot?.path, confusion: confusion?.counts))
        } else {
            print(accuracyText(accuracy))
            if let plot { print("wrote \(plot.path)") }
        }
    }
}
