// SPDX-License-Identifier: MIT
//
// Where training has diverged. The loss of each step is looked at anyway; but it is the loss before
// the step, so that no loss would show what the last update did. All parameters are checked where
// they would be relied on: at the end of each epoch and before each checkpoint.

import Foundation

extension Trainer {
    /// Fails where a parameter or buffer is NaN or infinite.
    func requireFinite(_ model: some Classifier, _ progress: TrainingProgress) throws {
        guard let number = model.firstNonFiniteNumber else { return }
        throw TrainingError.parameterIsNotFinite(
            epoch: progress.epochs + 1, step: progress.steps, number: number)
    }

    /// Whether a checkpoint of the network is to be written.
    ///
    /// Where ranks train together, one alone writes; the others don't know of it and would wait for
    /// one that ends. It writes nothing: all ranks find out together, by the next loss or at the
    /// end of the epoch.
    ///
    /// - Throws: ``TrainingError`` where it is not, and this is the only rank.
    func isWorthKeeping(_ model: some Classifier, _ progress: TrainingProgress) throws -> Bool {
        // At the end of an epoch all ranks have looked already.
        guard progress.steps > 0 else { return true }
        guard let sharding, sharding.averager.rankCount > 1 else {
            try requireFinite(model, progress)
            return true
        }
        return model.firstNonFiniteNumber == nil
    }

    /// The newest checkpoint that training can resume from after it has diverged: it was written at
    /// a place after which a loss was finite, with this trainer's settings.
    ///
    /// ```swift
    /// } catch let error as TrainingError {
    ///     let file = trainer.lastGoodCheckpoint(of: plan, on: training, before: error)
    /// ```
    ///
    /// - Parameters:
    ///   - checkpoints: the plan of the training that failed.
    ///   - source: its samples.
    ///   - error: what it threw.
    /// - Returns: the checkpoint's file; nil where there is none.
    public func lastGoodCheckpoint(
        of checkpoints: Checkpoints, on source: any BatchSource, before error: TrainingError
    ) -> URL? {
        let settings = settings(checkpoints, for: source)
        return checkpoints.files.first { file in
            guard let checkpoint = try? Checkpoint(contentsOf: file) else { return false }
            return error.comesAfter(checkpoint.progress)
                && checkpoint.isGood(
                    for: settings, overriding: Checkpoints.overridable,
                    stepsPerEpoch: (try? batches(of: source).count) ?? 0)
        }
    }
}
