// SPDX-License-Identifier: MIT
//
// How often each class is predicted as which, and the most confident mistakes of a network.

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

    /// How often each class is predicted as which.
    private(set) var report: ClassificationReport
    private var misses: [Miss] = []

    /// Sorts all images.
    ///
    /// - Parameter top: how many of the largest logits may be right.
    /// - Throws: ``TensorError`` when the images don't suit the network.
    init(of network: any Classifier, on images: any BatchSource, top: Int = 5) throws {
        report = try ClassificationReport(classCount: network.network.outputShape[0], top: top)
        for begin in stride(from: 0, to: images.sampleCount, by: Self.batchSize) {
            let end = min(begin + Self.batchSize, images.sampleCount)
            let batch = try images.batch(at: Array(begin..<end))
            let logits = try network.predict(batch.images)
            try report.add(logits, labels: batch.labels)
            let predictions = try logits.argmaxOfRows()
            let probabilities = try Probabilities.rows(of: logits)
            for (place, (label, prediction)) in zip(batch.labels, predictions).enumerated()
            where label != prediction {
                misses.append(
                    Miss(
                        index: begin + place, label: label, prediction: prediction,
                        probability: probabilities[place][prediction]))
            }
        }
    }

    /// How many images were classified correctly.
    var accuracy: Accuracy { report.accuracy }

    /// One row per label with one count per prediction; for a network with more classes than a
    /// table has room for, those up to the last that occurs.
    var counts: [[Int]] {
        let known = report.classCount
        let last = report.classes.last { $0.samples + $0.predicted > 0 }?.label ?? 0
        let classes = known <= Picture.mostClasses ? known : last + 1
        return (0..<classes).map { label in (0..<classes).map { report[label, $0] } }
    }

    /// The table and the surest mistakes.
    ///
    /// - Parameters:
    ///   - images: the same images, from 0 to 1.
    ///   - names: what the classes are called; none where numbers say it.
    func picture(of images: any BatchSource, names: [String] = []) throws -> Picture {
        // Among equals the first one, so that the picture is the same each time.
        let surest = misses.sorted { ($1.probability, $0.index) < ($0.probability, $1.index) }
        let mistakes = try surest.prefix(Self.mostMistakes).map { miss in
            Mistake(
                index: miss.index, label: miss.label, prediction: miss.prediction,
                probability: miss.probability,
                image: try images.batch(at: [miss.index]).images)
        }
        let counts = counts
        return try Picture.confusion(
            counts, mistakes: mistakes, names: names.count == counts.count ? names : [])
    }
}
