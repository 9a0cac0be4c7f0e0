// SPDX-License-Identifier: MIT
//
// A record's trainings: one network a seed, timed as a whole, and what several come to.

import ConvNet
import ConvNetData
import Foundation

/// A record on its images, ready to be repeated with any seed.
struct RecordRun {
    private let record: Record
    private let (training, test): (LabeledImages, LabeledImages)
    private let kernels: NativeKernels

    /// Prepares the images once for all seeds.
    init(
        _ record: Record, training: LabeledImages, test: LabeledImages, _ kernels: NativeKernels
    ) throws {
        self.record = record
        self.kernels = kernels
        (self.training, self.test) = (try record.prepared(training), try record.prepared(test))
    }

    /// Trains a network from the seed's weights, on the images in the seed's order.
    func trial(seed: UInt64) throws -> RecordTrial {
        let start = ContinuousClock.now
        var network = try record.network(seed, kernels)
        var trainer = try record.trainer(training.sampleCount)
        let history = try trainer.train(
            &network, on: training.shuffled(seed: seed), testing: test)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let accuracy = history.epochs.last?.testAccuracy ?? Accuracy(correct: 0, total: 0)
        return RecordTrial(accuracy: accuracy, seconds: seconds)
    }
}

/// What came of one seed.
struct RecordTrial: Sendable, CustomStringConvertible {
    /// The test images that the trained network knows.
    let accuracy: Accuracy
    /// How long training and testing took.
    let seconds: Double

    /// As the peers print it.
    var description: String {
        String(
            format: "accuracy %.4f (%d/%d), %.2f s", accuracy.fraction, accuracy.correct,
            accuracy.total, seconds)
    }

    /// The mean accuracy and its standard deviation over the seeds, the shortest and the middle
    /// time.
    static func summary(of trials: [RecordTrial]) -> String {
        let count = Double(trials.count)
        let mean = trials.map(\.accuracy.fraction).reduce(0, +) / count
        let squares = trials.map { ($0.accuracy.fraction - mean) * ($0.accuracy.fraction - mean) }
        let seconds = trials.map(\.seconds).sorted()
        return String(
            format: "mean accuracy %.4f ± %.4f, best of %d %.2f s, median %.2f s", mean,
            (squares.reduce(0, +) / count).squareRoot(), trials.count, seconds[0],
            seconds[seconds.count / 2])
    }
}
