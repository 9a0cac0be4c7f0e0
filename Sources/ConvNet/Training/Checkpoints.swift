// SPDX-License-Identifier: MIT
//
// When a trainer writes checkpoints, and where.

import Foundation

/// Where a trainer writes its checkpoints and how often, and the one that it goes on from.
///
/// One is also written when training is asked to stop, and at its end, so that it can go on with more
/// epochs.
public struct Checkpoints: Sendable {
    /// The file; each checkpoint takes the place of the one before.
    public let file: URL
    /// How many steps lie between two; nil for one at the end of each epoch.
    public let everySteps: Int?
    /// What must be the same where training is resumed, as text by name, beside what the trainer knows
    /// itself: the batch size, the optimizer's settings and what the data is.
    public let settings: [String: String]
    /// The checkpoint to go on from; nil to begin at the beginning.
    public let resuming: Checkpoint?

    /// A plan.
    ///
    /// - Throws: ``TensorError`` when there is not at least one step between two.
    public init(
        file: URL, everySteps: Int? = nil, settings: [String: String] = [:],
        resuming: Checkpoint? = nil
    ) throws(TensorError) {
        if let everySteps, everySteps < 1 {
            throw TensorError(
                operation: "Checkpoints", argument: "everySteps", value: "\(everySteps)",
                expected: "at least 1")
        }
        self.file = file
        self.everySteps = everySteps
        self.settings = settings
        self.resuming = resuming
    }

    /// Whether one is to be written at a place.
    func isDue(_ progress: TrainingProgress) -> Bool {
        guard let everySteps else { return progress.steps == 0 }
        return progress.totalSteps % everySteps == 0
    }
}
