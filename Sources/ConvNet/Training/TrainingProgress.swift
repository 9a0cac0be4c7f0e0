// SPDX-License-Identifier: MIT
//
// How far training has come: the place in the data, and what has been added up on the way there.

/// The place in the data, and the figures up to it.
public struct TrainingProgress: Sendable, Equatable {
    /// How many epochs are finished.
    public var epochs = 0
    /// How many steps of the next one are taken.
    public var steps = 0
    /// The sum of its samples' losses so far, each before its step, in nats.
    public var lossSum = 0.0
    /// How many of its samples so far were classified correctly, each just before its step.
    public var correct = 0
    /// How long it has taken so far, in seconds.
    public var seconds = 0.0
    /// Everything before.
    public var history = TrainingHistory()

    /// The beginning.
    public init() {}

    /// How many steps were taken, over all epochs.
    var totalSteps: Int { history.stepLosses.count }

    /// Takes a step into account.
    mutating func add(_ loss: BatchLoss, samples: Int) {
        steps += 1
        lossSum += loss.mean * Double(samples)
        correct += loss.correct
        history.stepLosses.append(loss.mean)
    }

    /// Ends the epoch.
    mutating func finishEpoch(samples: Int, test: Evaluation?) -> EpochRecord {
        let record = EpochRecord(
            epoch: epochs + 1, meanLoss: lossSum / Double(samples),
            trainAccuracy: Accuracy(correct: correct, total: samples),
            testAccuracy: test?.accuracy, testLoss: test?.meanLoss, duration: .seconds(seconds))
        history.epochs.append(record)
        epochs += 1
        (steps, lossSum, correct, seconds) = (0, 0, 0, 0)
        return record
    }
}

/// What a batch's loss was.
package struct BatchLoss: Sendable {
    /// The mean over the batch, in nats.
    package let mean: Double
    /// How many samples had their largest logit at their label.
    package let correct: Int
}
