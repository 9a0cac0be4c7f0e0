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
    public private(set) var updater: Updater
    /// The rule that changes parameters.
    public var optimizer: any Optimizer { updater.optimizer }
    /// Which parameters are trained, by patterns of their names (``Updater/trainable``); nil for
    /// all of them. Checkpoints hold the patterns, and resumed training uses the same ones.
    public var trainable: [String]? {
        get { updater.trainable }
        set { updater.trainable = newValue }
    }
    /// Which layers with running statistics normalize by them and keep them, by patterns of the
    /// layers' names (``Updater/frozenNormalizations``).
    public var frozenNormalizations: [String] {
        get { updater.frozenNormalizations }
        set { updater.frozenNormalizations = newValue }
    }
    /// What is made small.
    public let loss: any Loss
    /// The samples of a step.
    public let batchSize: Int
    /// Whether an epoch leaves out the samples at its end that fill no batch.
    public let dropLast: Bool
    /// How often training goes through the samples.
    public let epochs: Int
    /// When training ends before that; nil for never.
    public let earlyStopping: EarlyStopping?
    /// The moving average of parameters and buffers that is kept, and evaluated after each epoch in
    /// their place; nil for none.
    public let averaging: MovingAverage?
    /// The average, kept from one call to the next; nil before the first step.
    private var average: AveragedTensors?
    /// How many batches a separate thread prepares while training works on others. With 0 there is
    /// no such thread, and each batch is made when its turn comes; the results are the same.
    public let batchesAhead: Int
    /// How batches are cut into shards, and what adds them up; nil where a batch is
    /// computed as one.
    public let sharding: Sharding?

    /// A trainer.
    ///
    /// - Parameters:
    ///   - optimizer: the rule that changes parameters.
    ///   - schedule: what the learning rate is multiplied by in each step; nil for nothing.
    ///   - clipping: how gradients are clipped; nil for not at all.
    ///   - groups: parameters with a learning rate or weight decay of their own.
    ///   - decaying: which parameters the optimizer's weight decay is for.
    ///   - loss: what is minimized.
    ///   - batchSize: the samples of a step.
    ///   - dropLast: whether an epoch leaves out the samples at its end that fill no batch.
    ///   - epochs: how often training goes through the samples.
    ///   - earlyStopping: when training ends before that; nil for never.
    ///   - averaging: the moving average of parameters that is kept; nil for none.
    ///   - batchesAhead: how many batches a separate thread prepares meanwhile.
    ///   - sharding: how batches are cut into shards; nil where a batch is computed as one.
    /// - Throws: ``TensorError`` when there is not at least one epoch and one sample per step, not
    ///   from 0 to 1,024 batches ahead, or a clipping's bound is not above 0.
    public init(
        optimizer: any Optimizer, schedule: LearningRateSchedule? = nil,
        clipping: GradientClipping? = nil, groups: [ParameterGroup] = [],
        decaying: DecayedParameters = .all,
        loss: any Loss = SoftmaxCrossEntropy.standard, batchSize: Int = 100,
        dropLast: Bool = false, epochs: Int, earlyStopping: EarlyStopping? = nil,
        averaging: MovingAverage? = nil, batchesAhead: Int = 2, sharding: Sharding? = nil
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
        updater = try Updater(
            optimizer, schedule: schedule, clipping: clipping, groups: groups,
            decaying: decaying)
        self.loss = loss
        self.batchSize = batchSize
        self.dropLast = dropLast
        self.epochs = epochs
        self.earlyStopping = earlyStopping
        self.averaging = averaging
        self.batchesAhead = batchesAhead
        self.sharding = sharding
    }

    /// Trains a network in place.
    ///
    /// Where it resumes from a checkpoint, the network, the optimizer and the history end up as
    /// they would have without the break, bit for bit (except for the seconds).
    ///
    /// Where other ranks train along (see ``Sharding``), all call this with the same arguments,
    /// except that rank 0 alone reads and writes checkpoints; every rank ends up with the same
    /// network, optimizer and history, and reports the same steps and epochs.
    ///
    /// - Parameters:
    ///   - model: the network.
    ///   - source: the samples; it also decides their order.
    ///   - testing: samples that are held out, evaluated after each epoch.
    ///   - checkpoints: where to write checkpoints, and the one to resume from; nil for none.
    ///   - stop: looked at after each step, or, with ``sharding``, at its end; where it is made, on
    ///     any rank, a checkpoint is written and training ends.
    ///   - onEvent: called after each step, evaluation, epoch and checkpoint; what it throws
    ///     ends the training.
    ///   - onEpoch: called after each epoch's event with the network that was evaluated: the
    ///     average where one is kept. A copy that outlives the call costs a copy of the parameters.
    /// - Returns: the losses of all steps and the figures of all epochs, those before a checkpoint
    ///   too.
    /// - Throws: ``TrainingError`` when a loss is not finite, or a parameter or buffer at the end
    ///   of an epoch or before a checkpoint, which is not written then (the network is left as it
    ///   is; ``lastGoodCheckpoint(of:on:before:)`` says where to resume); ``RankDifference`` when
    ///   another rank is about to do something else, ``TensorError`` when the samples don't suit
    ///   the network, ``FileError`` when a checkpoint can't be written or was made with other
    ///   settings, and what `onEvent` throws.
    @discardableResult
    public mutating func train(
        _ model: inout some Classifier, on source: any BatchSource,
        testing: (any BatchSource)? = nil, checkpoints: Checkpoints? = nil,
        stop: StopRequest? = nil, onEvent: (TrainingEvent) throws -> Void = { _ in },
        onEpoch: (EpochRecord, Network) throws -> Void = { _, _ in }
    ) throws -> TrainingHistory {
        let batches = try batches(of: source)
        try updater.part.check(model.network)
        let settings = self.settings(checkpoints, for: source)
        var progress = try start(
            &model.network, checkpoints, settings: settings, batches, on: source,
            testing: testing)
        try requireTrainable(model.network, on: source, batches)
        try onEvent(.started(at: progress))
        var newerThanResumed = checkpoints?.newerThanResumed ?? 0
        let queue = BatchQueue(
            BatchSequence(
                source, batches, epoch: progress.epochs, step: progress.steps, epochs: epochs,
                sharding: sharding), ahead: batchesAhead)
        defer { queue.stop() }
        var stopwatch = Stopwatch(seconds: progress.seconds)
        while !isFinished(progress), let batch = try queue.next() {
            let isFlagged = try step(&model.network, batch, &progress, stop)
            if let averaging {
                let decay = averaging.decay(ofStep: updater.step)
                try average?.add(model.network, decay: decay)
            }
            try onEvent(.step(record(of: progress, batches)))
            if progress.steps == batches.count {
                try requireFinite(model, progress)
                let judged = try averaged(model)
                let test = try evaluate(judged, testing, progress, onEvent)
                progress.seconds = stopwatch.seconds
                let record = progress.finishEpoch(samples: batches.samples, test: test)
                stopwatch = Stopwatch(seconds: 0)
                try onEvent(.epoch(record))
                try onEpoch(record, judged.network)
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
                    network: model.network, updater: updater, progress: progress,
                    settings: settings, averages: average?.tensors ?? []
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

    /// A network with the averages in the place of its parameters and buffers: what ``averaging``
    /// is for. The network itself where no average is kept, or before the first step.
    ///
    /// ```swift
    /// try trainer.train(&network, on: training)
    /// try trainer.averaged(network).save(to: file)
    /// ```
    ///
    /// - Throws: ``TensorError`` when it is not the network that was trained.
    public func averaged<Model: Classifier>(_ model: Model) throws -> Model {
        var model = model
        try average?.replaceTensors(of: &model.network)
        return model
    }

    /// Whether this is the rank that writes files, or the only one.
    private var writesFiles: Bool { sharding?.averager.rank ?? 0 == 0 }

    /// Puts a checkpoint back, where there is one, and makes sure that all ranks begin at
    /// the same place.
    private mutating func start(
        _ network: inout Network, _ checkpoints: Checkpoints?, settings: [String: String],
        _ batches: EpochBatches, on source: any BatchSource, testing: (any BatchSource)?
    ) throws -> TrainingProgress {
        try sharding?.checkThatRanksAgree(on: facts(network, source, testing))
        var progress = TrainingProgress()
        if averaging != nil, average == nil { average = AveragedTensors(of: network) }
        if let checkpoint = checkpoints?.resuming, writesFiles {
            (progress, average) = try checkpoint.restore(
                &network, &updater, average: average, settings: settings,
                overriding: checkpoints?.overriding ?? [], stepsPerEpoch: batches.count)
        }
        progress.history.stepsPerEpoch = batches.count
        guard let sharding, sharding.averager.rankCount > 1 else { return progress }
        // Ranks have agreed on all settings, so that this one has none.
        let checkpoint = try sharding.broadcast(
            Checkpoint(
                network: network, updater: updater, progress: progress, settings: [:],
                averages: average?.tensors ?? []))
        guard !writesFiles else { return progress }
        (progress, average) = try checkpoint.restore(
            &network, &updater, average: average, settings: [:], stepsPerEpoch: batches.count)
        return progress
    }

    /// Whether no step is left.
    private func isFinished(_ progress: TrainingProgress) -> Bool {
        progress.epochs >= epochs
            || progress.steps == 0
                && earlyStopping?.isDue(after: progress.history.epochs) == true
    }

    /// One step; where the loss is not finite, the network has not changed.
    ///
    /// - Returns: whether a rank that the batch is shared with is asked to stop.
    private mutating func step(
        _ network: inout Network, _ batch: StepBatch, _ progress: inout TrainingProgress,
        _ stop: StopRequest?
    ) throws -> Bool {
        var (loss, isFlagged) = (BatchLoss(mean: 0, correct: 0), false)
        if let sharding {
            (loss, isFlagged) = try network.step(
                on: batch, with: &updater, loss: self.loss, through: sharding.averager,
                flag: stop?.isRequested == true)
        } else if let whole = batch[0] {
            loss = try network.step(on: whole, with: &updater, loss: self.loss)
        }
        guard loss.mean.isFinite else {
            throw TrainingError.lossIsNotFinite(
                epoch: progress.epochs + 1, step: progress.steps + 1,
                loss: NonFiniteNumber.text(of: loss.mean))
        }
        progress.add(loss, samples: batch.layout.samples)
        return isFlagged
    }

    private func record(of progress: TrainingProgress, _ batches: EpochBatches) -> StepRecord {
        // A step's batch may be larger than there are samples.
        let seen =
            progress.steps == batches.count ? batches.samples : progress.steps * batchSize
        return StepRecord(
            epoch: progress.epochs + 1, step: progress.steps,
            stepsPerEpoch: progress.history.stepsPerEpoch,
            loss: progress.history.stepLosses.last ?? 0,
            learningRate: updater.learningRate(atStep: updater.step - 1),
            samplesSeen: progress.epochs * batches.samples + seen)
    }

    private func evaluate(
        _ model: some Classifier, _ testing: (any BatchSource)?, _ progress: TrainingProgress,
        _ onEvent: (TrainingEvent) throws -> Void
    ) throws -> Evaluation? {
        guard let testing else { return nil }
        let stopwatch = Stopwatch(seconds: 0)
        let test =
            try sharding.map {
                try $0.evaluation(of: model, testing, batchSize: batchSize, loss: loss)
            } ?? model.evaluation(testing, batchSize: batchSize, loss: loss)
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

    /// The settings that a checkpoint must match to be resumed; empty without checkpoints or
    /// sharding.
    func settings(
        _ checkpoints: Checkpoints?, for source: any BatchSource
    ) -> [String: String] {
        guard checkpoints != nil || sharding != nil else { return [:] }
        var settings = checkpoints?.settings ?? [:]
        settings.merge(source.identity) { $1 }
        settings.merge(updater.configuration) { $1 }
        settings.merge(loss.configuration) { $1 }
        settings["batchSize"] = "\(batchSize)"
        if dropLast { settings["dropLast"] = "true" }
        if let averaging { settings["averageDecay"] = "\(averaging.decay)" }
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
