// SPDX-License-Identifier: MIT
//
// convnet predict: which classes a network sees in PNG images, and how sure it is.

import ConvNet
import ConvNetOptions
import Foundation

enum PredictCommand: Command {
    static let name = "predict"
    static let summary = "Tells which class a network sees in each PNG image, and how surely."
    static let operands = "IMAGE.png…"
    static let example = "convnet predict seven.png --parameters digits.safetensors --invert"
    static let options =
        Networks.fileOptions + [
            .invert,
            Option("top", "N", "Show the N most probable classes; 10."),
            .threads,
            Option("json", "Report as JSON."),
        ]

    private struct Report: Encodable {
        struct Prediction: Encodable {
            let image: String
            let `class`: Int
            let probability: Double
            let probabilities: [Double]
        }
        let predictions: [Prediction]
    }

    static func run(_ options: Options) throws {
        guard !options.operands.isEmpty else {
            throw UsageError("no image, expected at least one PNG file")
        }
        _ = try options.requiredParameters()
        let top = try options.int("top") ?? 10
        let network = try Networks.load(options)
        var predictions: [Report.Prediction] = []
        for path in options.operands {
            let x = try InputImage.read(
                URL(fileURLWithPath: path), for: network.network, inverted: options.has("invert"))
            let logits = try network.predict(x)
            let best = try logits.argmaxOfRows()[0]
            let probabilities = try Probabilities.rows(of: logits)[0]
            if options.has("json") {
                predictions.append(
                    Report.Prediction(
                        image: path, class: best, probability: probabilities[best],
                        probabilities: probabilities))
            } else {
                print("\(path): \(best)\n\(chart(of: probabilities, top: top))")
            }
        }
        if options.has("json") {
            try CommandLineTool.printJSON(Report(predictions: predictions))
        }
    }

    /// A line a class, the most probable first: the class, its probability, a bar.
    static func chart(of probabilities: [Double], top: Int) -> String {
        let order = probabilities.indices.sorted {
            (probabilities[$1], $0) < (probabilities[$0], $1)
        }
        let width = "\(probabilities.count - 1)".count
        return order.prefix(top).map { index in
            let share = format("%5.1f", probabilities[index] * 100)
            let line = "  \(format("%\(width)d", index))  \(share) %  \(bar(probabilities[index]))"
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
