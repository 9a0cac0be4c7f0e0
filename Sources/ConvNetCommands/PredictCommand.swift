// SPDX-License-Identifier: MIT
//
// convnet predict: which classes a network sees in images, and how sure it is.

import ConvNet
import ConvNetOptions
import Foundation

enum PredictCommand: Command {
    static let name = "predict"
    static let summary = "Tells which class a network sees in each image (- is standard input)."
    static let operands = "IMAGE…"
    static let example = "convnet predict seven.png --parameters digits.safetensors --invert"
    static let options =
        Networks.fileOptions + [
            .invert
        ] + PreprocessingOptions.options + [
            Option("top", "N", "Show the N most probable classes; 10."),
            .threads,
            Option("json", "Report as JSON."),
        ]

    private struct Report: Encodable {
        struct Prediction: Encodable {
            let image: String
            let `class`: Int
            /// The class's name, where it has one.
            let label: String?
            let probability: Double
            let probabilities: [Double]
        }
        let predictions: [Prediction]
    }

    static func run(_ options: Options) throws {
        guard !options.operands.isEmpty else {
            throw UsageError("no image, expected at least one image file")
        }
        _ = try options.requiredParameters()
        let top = try options.int("top") ?? 10
        try Networks.requireClassifier(options)
        let network = try Networks.load(options)
        let preprocessing = try PreprocessingOptions.preprocessing(
            options, of: network.network.preprocessing)
        let names = preprocessing?.classNames ?? []
        guard names.isEmpty || [names.count] == network.network.outputShape else {
            throw UsageError(
                "\(names.count) class names, expected as many as the network has classes, "
                    + "\(network.network.outputShape)")
        }
        var predictions: [Report.Prediction] = []
        for path in options.operands {
            let image = try InputImage.read(
                URL(fileURLWithPath: path), for: network.network, inverted: options.has("invert"))
            let x = try preprocessing?.applied(to: image) ?? image
            let logits = try network.predict(x)
            let best = try logits.argmaxOfRows()[0]
            let probabilities = try Probabilities.rows(of: logits)[0]
            if options.has("json") {
                predictions.append(
                    Report.Prediction(
                        image: path, class: best, label: names.isEmpty ? nil : names[best],
                        probability: probabilities[best],
                        probabilities: probabilities))
            } else {
                let label = names.isEmpty ? "\(best)" : CommandLineTool.line(names[best])
                print("\(path): \(label)\n\(chart(of: probabilities, names, top: top))")
            }
        }
        if options.has("json") {
            try CommandLineTool.printJSON(Report(predictions: predictions))
        }
    }

    /// A line per class, the most probable first: the class, its probability, a bar.
    static func chart(
        of probabilities: [Double], _ names: [String] = [], top: Int
    ) -> String {
        let order = probabilities.indices.sorted {
            (probabilities[$1], $0) < (probabilities[$0], $1)
        }
        let shown = order.prefix(top).map { index in
            names.isEmpty ? "\(index)" : CommandLineTool.line(names[index])
        }
        let width = max(
            names.isEmpty ? "\(probabilities.count - 1)".count : 0, shown.map(\.count).max() ?? 0)
        return zip(order, shown).map { index, label in
            let share = format("%5.1f", probabilities[index] * 100)
            let fill = String(repeating: " ", count: width - label.count)
            let line =
                "  \(names.isEmpty ? fill + label : label + fill)  \(share) %  \(bar(probabilities[index]))"
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    /// A bar of up to 30 characters, exact to an eighth of one.
    private static func bar(_ share: Double) -> String {
        let eighths = Int((share * 30 * 8).rounded())
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return String(repeating: "█", count: eighths / 8) + partial[eighths % 8]
    }
}
