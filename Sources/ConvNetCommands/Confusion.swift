// SPDX-License-Identifier: MIT
//
// How often each class is taken for which, and the mistakes that a network is surest of.

import ConvNet
import ConvNetPlots

struct Confusion {
    /// How many mistakes are kept.
    static let mostMistakes = 24
    private static let batchSize = 100

    /// A mistake without its image.
    private struct Miss {
        let index, label, prediction: Int
        let probability: Double
    }

    /// A row a label, in it a count a prediction.
    private(set) var counts: [[Int]] = []
    private var misses: [Miss] = []

    /// Sorts all images.
    ///
    /// - Throws: ``TensorError`` when the images don't suit the network.
    init(of network: any Classifier, on images: any BatchSource) throws {
        var pairs: [(label: Int, prediction: Int)] = []
        for begin in stride(from: 0, to: images.sampleCount, by: Self.batchSize) {
            let end = min(begin + Self.batchSize, images.sampleCount)
            let batch = try images.batch(at: Array(begin..<end))
            let logits = try network.predict(batch.images)
            let predictions = try logits.argmaxOfRows()
            let probabilities = try Probabilities.rows(of: logits)
            for (place, (label, prediction)) in zip(batch.labels, predictions).enumerated() {
                pairs.append((label, prediction))
                guard label != prediction else { continue }
                misses.append(
                    Miss(
                        index: begin + place, label: label, prediction: prediction,
                        probability: probabilities[place][prediction]))
            }
        }
        // A network may know more classes than a table has room for: then those that occur.
        let known = network.network.outputShape[0]
        let classes =
            known <= Picture.mostClasses
            ? known : (pairs.flatMap { [$0.label, $0.prediction] }.max() ?? 0) + 1
        counts = Array(repeating: Array(repeating: 0, count: classes), count: classes)
        for (label, prediction) in pairs { counts[label][prediction] += 1 }
    }

    /// How many images were sorted rightly.
    var accuracy: Accuracy {
        Accuracy(
            correct: counts.indices.map { counts[$0][$0] }.reduce(0, +),
            total: counts.joined().reduce(0, +))
    }

    /// The table and the surest mistakes.
    func picture(of images: any BatchSource) throws -> Picture {
        // Among equals the first one, so that the picture is the same each time.
        let surest = misses.sorted { ($1.probability, $0.index) < ($0.probability, $1.index) }
        let mistakes = try surest.prefix(Self.mostMistakes).map { miss in
            Mistake(
                index: miss.index, label: miss.label, prediction: miss.prediction,
                probability: miss.probability,
                image: try images.batch(at: [miss.index]).images)
        }
        return try Picture.confusion(counts, mistakes: mistakes)
    }
}
