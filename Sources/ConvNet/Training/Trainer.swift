// SPDX-License-Identifier: MIT
//
// The training loop: epochs of batches, a step each, and what happened on the way.

/// One step of training.
public struct StepRecord: Sendable {
    /// The epoch, from 1.
    public let epoch: Int
    /// The step in the epoch, from 1.
    public let step: Int
    /// How many steps an epoch has.
    public let stepsPerEpoch: Int
    /// The batch's mean loss before the step, in nats.
    public let loss: Double
    /// The samples that training has gone through so far, over all epochs.
    public let samplesSeen: Int
}

/// One epoch of training.
public struct EpochRecord: Sendable {
    /// The epoch, from 1.
    public let epoch: Int
    /// The mean of the samples' losses, each before its step, in nats.
    public let meanLoss: Double
    /// How many held-out samples the network sorted rightly after the epoch; nil without any.
    public let testAccuracy: Accuracy?
    /// How long the epoch took, the evaluation included.
    public let duration: Duration
}

/// What a trainer tells while it works.
public enum TrainingEvent: Sendable {
    /// A step was taken.
    case step(StepRecord)
    /// An epoch ended.
    case epoch(EpochRecord)
}

/// Training that can't go on.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The loss became infinite or NaN: most often the learning rate is too large.
    case lossIsNotFinite(epoch: Int, step: Int, loss: String)

    /// One line that says where.
    public var description: String {
        switch self {
        case .lossIsNotFinite(let epoch, let step, let loss):
            "training: the loss is \(loss) in step \(step) of epoch \(epoch), expected a finite "
                + "number; a smaller learning rate may help"
        }
    }
}

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

    /// A trainer.
    ///
    /// - Throws: ``TensorError`` when there is not at least one epoch and one sample a step.
    public init(
        optimizer: any Optimizer, batchSize: Int = 100, epochs: Int,
        earlyStopping: EarlyStopping? = nil
    ) throws(TensorError) {
        for (value, argument) in [(batchSize, "batchSize"), (epochs, "epochs")] where value < 1 {
            throw TensorError(
                operation: "Trainer", argument: argument, value: "\(value)",
                expected: "at least 1")
        }
        self.optimizer = optimizer
        self.batchSize = batchSize
        self.epochs = epochs
        self.earlyStopping = earlyStopping
    }

    /// Trains a network in place.
    ///
    /// - Parameters:
    ///   - model: the network.
    ///   - source: the samples; it also decides about their order.
    ///   - testing: samples that are held out, evaluated after each epoch.
    ///   - onEvent: called after each step and each epoch; what it throws ends the training.
    /// - Returns: a record for each epoch.
    /// - Throws: ``TrainingError`` when the loss is not finite, ``TensorError`` when the samples
    ///   don't suit the network, and what `onEvent` throws.
    @discardableResult
    public mutating func train(
        _ model: inout some Classifier, on source: any BatchSource,
        testing: (any BatchSource)? = nil, onEvent: (TrainingEvent) throws -> Void = { _ in }
    ) throws -> [EpochRecord] {
        var history: [EpochRecord] = []
        for epoch in 1...epochs {
            let clock = ContinuousClock()
            let start = clock.now
            let meanLoss = try trainEpoch(epoch, &model, on: source, onEvent: onEvent)
            let record = EpochRecord(
                epoch: epoch, meanLoss: meanLoss,
                testAccuracy: try testing.map { try model.accuracy($0, batchSize: batchSize) },
                duration: clock.now - start)
            history.append(record)
            try onEvent(.epoch(record))
            if let earlyStopping, earlyStopping.isDue(after: history) { break }
        }
        return history
    }

    private mutating func trainEpoch(
        _ epoch: Int, _ model: inout some Classifier, on source: any BatchSource,
        onEvent: (TrainingEvent) throws -> Void
    ) throws -> Double {
        let order = source.order(ofEpoch: epoch - 1)
        guard !order.isEmpty, order.count == source.sampleCount else {
            throw TensorError(
                operation: "Trainer", argument: "source",
                value: "an order of \(order.count) places for \(source.sampleCount) samples",
                expected: "each place once, and at least one")
        }
        let steps = source.batchCount(size: batchSize)
        var totalLoss = 0.0
        for step in 1...steps {
            let places = order[(step - 1) * batchSize..<min(step * batchSize, order.count)]
            let batch = try source.batch(at: Array(places))
            let loss = try model.network.trainStep(batch, with: &optimizer)
            guard loss.isFinite else {
                throw TrainingError.lossIsNotFinite(
                    epoch: epoch, step: step, loss: loss.isNaN ? "NaN" : "\(loss)")
            }
            totalLoss += loss * Double(places.count)
            try onEvent(
                .step(
                    StepRecord(
                        epoch: epoch, step: step, stepsPerEpoch: steps, loss: loss,
                        samplesSeen: (epoch - 1) * order.count + places.endIndex)))
        }
        return totalLoss / Double(order.count)
    }
}

extension Network {
    /// One step: forward, backward, update.
    ///
    /// - Returns: the batch's mean loss before the step; where it is not finite, nothing was updated.
    package mutating func trainStep(
        _ batch: Batch, with optimizer: inout any Optimizer
    ) throws -> Double {
        let loss = try computeGradients(batch.images, labels: batch.labels)
        trainingStep += 1
        if loss.isFinite { try optimizer.update(&self) }
        return loss
    }
}
