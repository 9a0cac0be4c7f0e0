// SPDX-License-Identifier: MIT
//
// What a trainer reports while it works, and why it can't go on.

import Foundation

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
    /// The optimizer's learning rate in the step, the schedule's factor included.
    public let learningRate: Double
    /// The samples that training has gone through so far, over all epochs.
    public let samplesSeen: Int
}

/// The network's answers to the samples that are held out.
public struct EvaluationRecord: Sendable {
    /// The epoch that has just gone by, from 1.
    public let epoch: Int
    /// How many were classified correctly.
    public let accuracy: Accuracy
    /// Their mean loss, in nats.
    public let meanLoss: Double
    /// How long it took.
    public let duration: Duration
}

/// A checkpoint that lies in its file.
public struct CheckpointRecord: Sendable {
    /// The file's path.
    public let path: String
    /// How many epochs are finished.
    public let epochs: Int
    /// How many steps of the next one are taken.
    public let steps: Int

    init(_ file: URL, _ progress: TrainingProgress) {
        path = file.path
        epochs = progress.epochs
        steps = progress.steps
    }
}

/// What a trainer reports while it works.
public enum TrainingEvent: Sendable {
    /// Training begins, or resumes at this place of a checkpoint: it was read, it suits, and
    /// all ranks agree.
    case started(at: TrainingProgress)
    /// A step was taken.
    case step(StepRecord)
    /// The held-out samples were evaluated.
    case evaluation(EvaluationRecord)
    /// An epoch ended.
    case epoch(EpochRecord)
    /// A checkpoint was written.
    case checkpoint(CheckpointRecord)
    /// Training was asked to stop and stopped after this step; the checkpoint, if there is to be
    /// one, is written.
    case interrupted(epochs: Int, steps: Int)
}
