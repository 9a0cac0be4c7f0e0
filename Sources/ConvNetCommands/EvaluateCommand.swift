// SPDX-License-Identifier: MIT
//
// convnet evaluate: how many test images a network with given parameters classifies correctly.

import ConvNet
import ConvNetOptions
import Foundation

enum EvaluateCommand: Command {
    static let name = "evaluate"
    static let summary =
        "Counts the test images that a network with given parameters classifies correctly."
    static let operands = ""
    static let example = "convnet evaluate --parameters digits.safetensors --data mnist"
    static let options =
        Networks.fileOptions + DataSets.options + ImageFolders.options + [
            .threads,
            Option(
                "top", "K",
                "Count the images whose class is among the K most probable too; 5, where there are "
                    + "more than 10 classes."),
            Option("classes", "Show each class's figures, and what is confused most often."),
            Option("plot", "FILE", "Draw which classes are taken for which (.png or .svg)."),
            Option("json", "Report as JSON."),
        ]

    private struct Report: Encodable {
        struct Class: Encodable {
            let `class`: Int
            let label: String?
            let images: Int
            let correct: Int
            let recall: Double?
            let precision: Double?
            let f1: Double?
        }
        let accuracy: Double
        let correct: Int
        let total: Int
        let top: Int?
        let top_accuracy: Double?
        /// The picture, where one was drawn.
        let plot: String?
        /// One row per label with one count per prediction, where they were counted.
        let confusion: [[Int]]?
        let classes: [Class]?
    }

    /// How many pairs of classes are listed.
    private static let mostPairs = 10
    /// The classes beyond which the five most probable are counted.
    private static let fewClasses = 10

    static func run(_ options: Options) throws {
        let plot = try options.pictureFile("plot")
        let limit = try options.int("limit")
        let wanted = try options.int("top")
        try Networks.requireClassifier(options)
        let folders = try ImageFolders(options, holdingOutBy: nil)
        let network = try Networks.load(options, for: folders?.kind(options) ?? .digits)
        let data = try folders?.evaluationData(for: network.network)
        let images = try data?.images ?? DataSets.test(options, limit: limit)
        let classes = network.network.outputShape[0]
        let top = wanted ?? (classes > fewClasses ? 5 : nil)
        let names = network.network.preprocessing?.classNames ?? []
        guard plot != nil || top != nil || options.has("classes") else {
            return try report(options, network.accuracy(images), nil, names, top: nil, plot: nil)
        }
        let confusion = try Confusion(of: network, on: images, top: top ?? 1)
        if let plot {
            try confusion.picture(of: data?.shown ?? images, names: names).write(to: plot)
        }
        try report(options, confusion.accuracy, confusion, names, top: top, plot: plot)
    }

    private static func report(
        _ options: Options, _ accuracy: Accuracy, _ confusion: Confusion?, _ names: [String],
        top: Int?, plot: URL?
    ) throws {
        let topAccuracy = top == nil ? nil : confusion?.report.topAccuracy
        let classes = options.has("classes") ? confusion?.report.classes : nil
        func name(_ label: Int) -> String? { names.indices.contains(label) ? names[label] : nil }
        guard !options.has("json") else {
            return try CommandLineTool.printJSON(
                Report(
                    accuracy: accuracy.fraction, correct: accuracy.correct, total: accuracy.total,
                    top: top, top_accuracy: topAccuracy?.fraction,
                    plot: plot?.path, confusion: plot == nil ? nil : confusion?.counts,
                    classes: classes?.map {
                        Report.Class(
                            class: $0.label, label: name($0.label), images: $0.samples,
                            correct: $0.correct, recall: $0.recall, precision: $0.precision,
                            f1: $0.f1)
                    }))
        }
        print(accuracyText(accuracy))
        if let top, let topAccuracy { print("top-\(top) \(accuracyText(topAccuracy))") }
        if let confusion, let classes {
            let text = { (label: Int) in name(label).map(CommandLineTool.line) ?? "\(label)" }
            print(table(of: classes, text))
            let pairs = confusion.report.worstPairs(mostPairs).map {
                "\(text($0.label)) as \(text($0.prediction)) \($0.count)"
            }
            if !pairs.isEmpty { print("confused most: " + pairs.joined(separator: ", ")) }
        }
        if let plot { print("wrote \(plot.path)") }
    }

    /// One line per class, under a line of headings.
    static func table(
        of classes: [ClassificationReport.ClassFigures], _ name: (Int) -> String
    ) -> String {
        let names = classes.map { name($0.label) }
        let width = max(names.map(\.count).max() ?? 0, 5)
        func column(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(width - text.count, 0)) + text
        }
        func share(_ value: Double?) -> String {
            column(value.map { format("%.4f", $0) } ?? "–", 11)
        }
        let head =
            "class".padding(toLength: width, withPad: " ", startingAt: 0)
            + column("images", 8) + column("recall", 11) + column("precision", 11)
            + column("f1", 11)
        let lines = zip(classes, names).map { figures, name in
            name + String(repeating: " ", count: width - name.count)
                + column("\(figures.samples)", 8) + share(figures.recall)
                + share(figures.precision) + share(figures.f1)
        }
        return ([head] + lines).joined(separator: "\n")
    }
}
