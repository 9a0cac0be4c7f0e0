// SPDX-License-Identifier: MIT
//
// The training loop: epochs of batches, a step each, and what happened on the way.

import Foundation

/// Trains networks: forward, backward, update, batch after batch.
///
/// ```swift
/// var trainer = try Trainer(optimizer: Adam(), epochs: 3)
/// let history = try trainer.train(&network, on: training, testing: test)
/// ```
public struct Trainer: Sendable {
    /// What changes the parameters; it keeps its state from one call to the next.
    public private(set) var optimizer: any Optimizer
    /// The samples of a step.
    public let batchSize: Int
    /// How often training goes through the samples.
    public let epochs: Int
    /// When training ends before that; nil for never.
    public let earlyStopping: EarlyStopping?
    /// How many batches a thread of its own makes ready while training works on others. With 0 there
    /// is no such thread, and each batch is made when its turn comes; the results are the same.
    public let batchesAhead: Int

    /// A trainer.
    ///
    /// - Throws: ``TensorError`` when there is not at least one epoch and one sample a step, or not
    ///   from 0 to 1,024 batches ahead.
    public init(
        optimizer: any Optimizer, batchSize: Int = 100, epochs: Int,
        earlyStopping: EarlyStopping? = nil, batchesAhead: Int = 2
    ) throws(TensorError) {
        for (value, argument) in [(batchSize, "batchSize"), (epochs, "epochs")] where value < 1 {
            throw TensorError(
                operation: "Trainer", argument: argument, value: "\(value)",
                expected: "at least 1")
        }
        guard (0...1024).contains(batchesAhead) else {
            throw TensorError(
                operation: "Trainer", argument: "batchesAhead", value: "\(batchesAhead)",
                expected: "from 0 to 1024")
        }
        self.optimizer = optimizer
        self.batchSize = batchSize
        self.epochs = epochs
        self.earlyStopping = earlyStopping
        self.batchesAhead = batchesAhead
    }

    /// Trains a network in place.
    ///
    /// Where it goes on from a checkpoint, the network, the optimizer and the history end up as they
    /// would have without the break, bit for bit (but for the seconds).
    ///
    /// - Parameters:
    ///   - model: the network.
    ///   - source: the samples; it also decides about their order.
    ///   - testing: samples that are held out, evaluated after each epoch.
    ///   - checkpoints: where to write checkpoints, and the one to go on from; nil for none.
    ///   - stop: looked at after each step; where it is made, a checkpoint is written and training
    ///     ends.
    ///   - onEvent: called after each step, evaluation, epoch and checkpoint; what it throws ends the
    ///     training.
    /// - Returns: the losses of all steps and the figures of all epochs, those before a checkpoint
    ///   too.
    /// - Throws: ``TrainingError`` when the loss is not finite, ``TensorError`` when the samples
    ///   don't suit the network, ``ParameterFileError`` when a checkpoint can't be written or was made
    ///   with other settings, and what `onEvent` throws.
    @discardableResult
    public mutating func train(
        _ model: inout some Classifier, on source: any BatchSource,
        testing: (any BatchSource)? = nil, checkpoints: Checkpoints? = nil,
        stop: StopRequest? = nil, onEvent: (TrainingEvent) throws -> Void = { _ in }
    ) throws -> TrainingHistory {
        let stepsPerEpoch = source.batchCount(size: batchSize)
        var progress = TrainingProgress()
        let settings = checkpoints.map { self.settings($0.settings, for: source) } ?? [:]
        if let checkpoint = checkpoints?.resuming {
            progress = try checkpoint.restore(
                &model.network, &optimizer, settings: settings, stepsPerEpoch: stepsPerEpoch)
        }
        progress.history.stepsPerEpoch = stepsPerEpoch
        let queue = BatchQueue(
            BatchSequence(
                source, batchSize: batchSize, epoch: progress.epochs, step: progress.steps,
                epochs: epochs), ahead: batchesAhead)
        defer { queue.stop() }
        var stopwatch = Stopwatch(seconds: progress.seconds)
        while !isFinished(progress), let batch = try queue.next() {
            try step(&model.network, batch, &progress)
            try onEvent(.step(record(of: progress, source)))
            if progress.steps == stepsPerEpoch {
                let test = try evaluate(model, testing, progress, onEvent)
                progress.seconds = stopwatch.seconds
                let record = progress.finishEpoch(samples: source.sampleCount, test: test)
                stopwatch = Stopwatch(seconds: 0)
                try onEvent(.epoch(record))
            }
            let stops = !isFinished(progress) && stop?.isRequested == true
            if let checkpoints, checkpoints.isDue(progress) || isFinished(progress) || stops {
                progress.seconds = stopwatch.seconds
                try Checkpoint(
                    network: model.network, optimizer: optimizer, progress: progress,
                    settings: settings
                ).write(to: checkpoints.file)
                try onEvent(.checkpoint(CheckpointRecord(checkpoints.file, progress)))
            }
            if stops {
                try onEvent(.interrupted(epochs: progress.epochs, steps: progress.steps))
                break
            }
        }
        return progress.history
    }

    /// Whether no step is left.
    private func isFinished(_ progress: TrainingProgress) -> Bool {
        progress.epochs >= epochs
            || progress.steps == 0
                && earlyStopping?.isDue(after: progress.history.epochs) == true
    }

    /// One step; nothing has changed where the loss is not finite.
    private mutating func step(
        _ network: inout Network, _ batch: Batch, _ progress: inout TrainingProgress
    ) throws {
        let loss = try network.trainStep(batch, with: &optimizer)
        guard loss.mean.isFinite else {
            throw TrainingError.lossIsNotFinite(
                epoch: progress.epochs + 1, step: progress.steps + 1,
                loss: loss.mean.isNaN ? "NaN" : "\(loss.mean)")
        }
        progress.add(loss, samples: batch.labels.count)
    }

    private func record(of progress: TrainingProgress, _ source: any BatchSource) -> StepRecord {
        // A step's batch may be larger than there are samples.
        let seen =
            progress.steps == progress.history.stepsPerEpoch
            ? source.sampleCount : progress.steps * batchSize
        return StepRecord(
            epoch: progress.epochs + 1, step: progress.steps,
            stepsPerEpoch: progress.history.stepsPerEpoch,
            loss: progress.history.stepLosses.last ?? 0,
            samplesSeen: progress.epochs * source.sampleCount + seen)
    }

    private func evaluate(
        _ model: some Classifier, _ testing: (any BatchSource)?, _ progress: TrainingProgress,
        _ onEvent: (TrainingEvent) throws -> Void
    ) throws -> Evaluation? {
        guard let testing else { return nil }
        let stopwatch = Stopwatch(seconds: 0)
        let test = try model.evaluation(testing, batchSize: batchSize)
        try onEvent(
            .evaluation(
                EvaluationRecord(
                    epoch: progress.epochs + 1, accuracy: test.accuracy, meanLoss: test.meanLoss,
                    duration: .seconds(stopwatch.seconds))))
        return test
    }

    /// Everything that must be the same where this training is resumed.
    private func settings(
        _ given: [String: String], for source: any BatchSource
    ) -> [String: String] {
        given.merging(source.identity) { $1 }.merging(optimizer.configuration) { $1 }
            .merging(["batchSize": "\(batchSize)"]) { $1 }
    }
}

/// Seconds that go by, on top of some that have.
private struct Stopwatch {
    private let start = ContinuousClock.now
    private let before: Double

    init(seconds: Double) { before = seconds }

    var seconds: Double { before + (ContinuousClock.now - start) / .seconds(1) }
}

extension Network {
    /// One step: forward, backward, update.
    ///
    /// - Returns: the batch's loss before the step; where it is not finite, nothing was updated.
    package mutating func trainStep(
        _ batch: Batch, with optimizer: inout any Optimizer
    ) throws -> BatchLoss {
        let loss = try computeGradients(batch.images, labels: batch.labels)
        trainingStep += 1
        if loss.mean.isFinite { try optimizer.update(&self) }
        return loss
    }
}
