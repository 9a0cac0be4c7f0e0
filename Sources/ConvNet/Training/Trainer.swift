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
    /// How batches are cut into shards, and who shares them; nil where a batch is computed as one.
    public let sharding: Sharding?

    /// A trainer.
    ///
    /// - Throws: ``TensorError`` when there is not at least one epoch and one sample a step, or not
    ///   from 0 to 1,024 batches ahead.
    public init(
        optimizer: any Optimizer, batchSize: Int = 100, epochs: Int,
        earlyStopping: EarlyStopping? = nil, batchesAhead: Int = 2, sharding: Sharding? = nil
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
        self.sharding = sharding
    }

    /// Trains a network in place.
    ///
    /// Where it goes on from a checkpoint, the network, the optimizer and the history end up as they
    /// would have without the break, bit for bit (but for the seconds).
    ///
    /// Where other ranks train along (see ``Sharding``), all call this with the same arguments, except
    /// that rank 0 alone reads and writes checkpoints; every rank ends up with the same network,
    /// optimizer and history, and is told of the same steps and epochs.
    ///
    /// - Parameters:
    ///   - model: the network.
    ///   - source: the samples; it also decides about their order.
    ///   - testing: samples that are held out, evaluated after each epoch.
    ///   - checkpoints: where to write checkpoints, and the one to go on from; nil for none.
    ///   - stop: looked at after each step, or, with ``sharding``, at its end; where it is made, on any
    ///     rank, a checkpoint is written and training ends.
    ///   - onEvent: called after each step, evaluation, epoch and checkpoint; what it throws ends the
    ///     training.
    /// - Returns: the losses of all steps and the figures of all epochs, those before a checkpoint
    ///   too.
    /// - Throws: ``TrainingError`` when a loss is not finite, or a parameter or buffer at the end of an
    ///   epoch or before a checkpoint, which is not written then (the network is left as it is;
    ///   ``lastGoodCheckpoint(of:on:before:)`` tells where to go on); ``RankDifference`` when another
    ///   rank is about to do something else, ``TensorError`` when the samples don't suit the network,
    ///   ``ParameterFileError`` when a checkpoint can't be written or was made with other settings, and
    ///   what `onEvent` throws.
    @discardableResult
    public mutating func train(
        _ model: inout some Classifier, on source: any BatchSource,
        testing: (any BatchSource)? = nil, checkpoints: Checkpoints? = nil,
        stop: StopRequest? = nil, onEvent: (TrainingEvent) throws -> Void = { _ in }
    ) throws -> TrainingHistory {
        let stepsPerEpoch = source.batchCount(size: batchSize)
        let settings = self.settings(checkpoints, for: source)
        var progress = try start(
            &model.network, checkpoints, settings: settings, on: source, testing: testing)
        try onEvent(.started(at: progress))
        var newerThanResumed = checkpoints?.newerThanResumed ?? 0
        let queue = BatchQueue(
            BatchSequence(
                source, batchSize: batchSize, epoch: progress.epochs, step: progress.steps,
                epochs: epochs, sharding: sharding), ahead: batchesAhead)
        defer { queue.stop() }
        var stopwatch = Stopwatch(seconds: progress.seconds)
        while !isFinished(progress), let batch = try queue.next() {
            let isFlagged = try step(&model.network, batch, &progress, stop)
            try onEvent(.step(record(of: progress, source)))
            if progress.steps == stepsPerEpoch {
                try requireFinite(model, progress)
                let test = try evaluate(model, testing, progress, onEvent)
                progress.seconds = stopwatch.seconds
                let record = progress.finishEpoch(samples: source.sampleCount, test: test)
                stopwatch = Stopwatch(seconds: 0)
                try onEvent(.epoch(record))
            }
            // All ranks know of the same flags.
            let isAsked = sharding == nil ? stop?.isRequested == true : isFlagged
            let stops = !isFinished(progress) && isAsked
            if stops { try requireFinite(model, progress) }
            if let checkpoints, writesFiles,
                checkpoints.isDue(progress) || isFinished(progress) || stops,
                try isWorthKeeping(model, progress)
            {
                progress.seconds = stopwatch.seconds
                try Checkpoint(
                    network: model.network, optimizer: optimizer, progress: progress,
                    settings: settings
                ).write(
                    to: checkpoints.file, keeping: checkpoints.kept, skipping: newerThanResumed)
                newerThanResumed = 0
                try onEvent(.checkpoint(CheckpointRecord(checkpoints.file, progress)))
            }
            if stops {
                try onEvent(.interrupted(epochs: progress.epochs, steps: progress.steps))
                break
            }
        }
        return progress.history
    }

    /// Whether this is the rank that writes files, or the only one.
    private var writesFiles: Bool { sharding?.averager.rank ?? 0 == 0 }

    /// Puts a checkpoint back, where there is one, and sees to it that all ranks begin at the same place.
    private mutating func start(
        _ network: inout Network, _ checkpoints: Checkpoints?, settings: [String: String],
        on source: any BatchSource, testing: (any BatchSource)?
    ) throws -> TrainingProgress {
        let stepsPerEpoch = source.batchCount(size: batchSize)
        try sharding?.checkThatRanksAgree(on: facts(network, source, testing))
        var progress = TrainingProgress()
        if let checkpoint = checkpoints?.resuming, writesFiles {
            progress = try checkpoint.restore(
                &network, &optimizer, settings: settings, overriding: checkpoints?.overriding ?? [],
                stepsPerEpoch: stepsPerEpoch)
        }
        progress.history.stepsPerEpoch = stepsPerEpoch
        guard let sharding, sharding.averager.rankCount > 1 else { return progress }
        // Ranks have agreed on all settings, so that this one has none.
        let checkpoint = try sharding.broadcast(
            Checkpoint(network: network, optimizer: optimizer, progress: progress, settings: [:]))
        guard !writesFiles else { return progress }
        return try checkpoint.restore(
            &network, &optimizer, settings: [:], stepsPerEpoch: stepsPerEpoch)
    }

    /// Whether no step is left.
    private func isFinished(_ progress: TrainingProgress) -> Bool {
        progress.epochs >= epochs
            || progress.steps == 0
                && earlyStopping?.isDue(after: progress.history.epochs) == true
    }

    /// One step; nothing has changed where the loss is not finite.
    ///
    /// - Returns: whether a rank that the batch is shared with is asked to stop.
    private mutating func step(
        _ network: inout Network, _ batch: StepBatch, _ progress: inout TrainingProgress,
        _ stop: StopRequest?
    ) throws -> Bool {
        var (loss, isFlagged) = (BatchLoss(mean: 0, correct: 0), false)
        if let sharding {
            (loss, isFlagged) = try network.trainStep(
                batch, with: &optimizer, through: sharding.averager,
                flag: stop?.isRequested == true)
        } else if let whole = batch[0] {
            loss = try network.trainStep(whole, with: &optimizer)
        }
        guard loss.mean.isFinite else {
            throw TrainingError.lossIsNotFinite(
                epoch: progress.epochs + 1, step: progress.steps + 1,
                loss: NonFiniteNumber.text(of: loss.mean))
        }
        progress.add(loss, samples: batch.layout.samples)
        return isFlagged
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
        let test =
            try sharding.map { try $0.evaluation(of: model, testing, batchSize: batchSize) }
            ?? model.evaluation(testing, batchSize: batchSize)
        guard test.meanLoss.isFinite else {
            throw TrainingError.testLossIsNotFinite(
                epoch: progress.epochs + 1, loss: NonFiniteNumber.text(of: test.meanLoss))
        }
        try onEvent(
            .evaluation(
                EvaluationRecord(
                    epoch: progress.epochs + 1, accuracy: test.accuracy, meanLoss: test.meanLoss,
                    duration: .seconds(stopwatch.seconds))))
        return test
    }

    /// Everything that must be the same where this training is resumed; nothing where nobody asks.
    func settings(
        _ checkpoints: Checkpoints?, for source: any BatchSource
    ) -> [String: String] {
        guard checkpoints != nil || sharding != nil else { return [:] }
        var settings = checkpoints?.settings ?? [:]
        settings.merge(source.identity) { $1 }
        settings.merge(optimizer.configuration) { $1 }
        settings["batchSize"] = "\(batchSize)"
        if let sharding { settings["shards"] = "\(sharding.shards)" }
        return settings
    }

    /// Everything that must be the same on all ranks.
    private func facts(
        _ network: Network, _ source: any BatchSource, _ testing: (any BatchSource)?
    ) -> [String: String] {
        var facts = settings(nil, for: source)
        for (name, value) in testing?.identity ?? [:] { facts["testing.\(name)"] = value }
        var hash = ContentHash()
        for tensor in network.parameters + network.buffers { hash.add(tensor.value) }
        facts["parameters"] = hash.text
        facts["epochs"] = "\(epochs)"
        facts["patience"] = earlyStopping.map { "\($0.patience)" } ?? "none"
        return facts
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

    /// One step on a batch that is shared.
    ///
    /// - Parameter flag: something to tell the other ranks.
    /// - Returns: the loss over all ranks, and whether one of them has the flag.
    fileprivate mutating func trainStep(
        _ batch: StepBatch, with optimizer: inout any Optimizer,
        through averager: any GradientAverager, flag: Bool
    ) throws -> (loss: BatchLoss, isFlagged: Bool) {
        var step = ShardedStep(batch, on: self, through: averager)
        let result = try step.run(on: &self, flag: flag)
        trainingStep += 1
        if result.loss.mean.isFinite {
            averagedGradients = result.gradients
            // Let go of before the next step, which takes their memory.
            defer { averagedGradients = [] }
            try optimizer.update(&self)
        }
        return (result.loss, result.isFlagged)
    }
}
