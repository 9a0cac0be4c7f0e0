// SPDX-License-Identifier: MIT
//
// When a trainer writes checkpoints, and where.

import Foundation

/// Where a trainer writes its checkpoints and how often, and the one that it resumes from.
///
/// One is also written when training is asked to stop, and at its end, so that it can be resumed
/// with more epochs.
public struct Checkpoints: Sendable {
    /// The file; each checkpoint takes the place of the one before, which becomes `FILE.1`, that
    /// one `FILE.2`, and so on.
    public let file: URL
    /// How many steps lie between two; nil for one at the end of each epoch.
    public let everySteps: Int?
    /// How many are kept: the newest, and older ones beside it.
    public let kept: Int
    /// What must be the same where training is resumed, as text by name, beside what the trainer
    /// knows itself: the batch size, the optimizer's settings and what the data is.
    public let settings: [String: String]
    /// The checkpoint to resume from; nil to start from the beginning.
    public let resuming: Checkpoint?
    /// The settings that need not be what they were, by the name that ``Optimizer/configuration``
    /// gives them; such as `learningRate`, where training diverged.
    public let overriding: Set<String>

    /// The settings that ``overriding`` may name: those that don't change what a checkpoint holds.
    public static let overridable: Set<String> = ["learningRate"]

    /// A plan.
    ///
    /// - Parameters:
    ///   - file: where the newest checkpoint is written.
    ///   - everySteps: how many steps lie between two; nil for one at the end of each epoch.
    ///   - kept: how many are kept. With 2, the default, the one before the newest is there
    ///     as well, as `FILE.1`: where training diverges, the newest may hold parameters that
    ///     are already bad.
    ///   - settings: what must be the same where training is resumed, beside what the
    ///     trainer knows.
    ///   - resuming: the checkpoint to resume from. Where it is one of the older ones, newer ones
    ///     are replaced by what is trained from there.
    ///   - overriding: settings that need not be what they were, out of ``overridable``.
    /// - Throws: ``TensorError`` when there is not at least one step between two, not from 1 to
    ///   1,000 are kept, or a setting can't be overridden.
    public init(
        file: URL, everySteps: Int? = nil, kept: Int = 2, settings: [String: String] = [:],
        resuming: Checkpoint? = nil, overriding: Set<String> = []
    ) throws(TensorError) {
        if let everySteps, everySteps < 1 {
            throw TensorError(
                operation: "Checkpoints", argument: "everySteps", value: "\(everySteps)",
                expected: "at least 1")
        }
        guard (1...1000).contains(kept) else {
            throw TensorError(
                operation: "Checkpoints", argument: "kept", value: "\(kept)",
                expected: "from 1 to 1000")
        }
        if let other = overriding.subtracting(Self.overridable).min() {
            throw TensorError(
                operation: "Checkpoints", argument: "overriding", value: other,
                expected: "some of " + Self.overridable.sorted().joined(separator: ", "))
        }
        self.file = file
        self.everySteps = everySteps
        self.kept = kept
        self.settings = settings
        self.resuming = resuming
        self.overriding = overriding
    }

    /// The files that there may be, the newest first.
    var files: [URL] {
        (0..<kept).map { URL(fileURLWithPath: AtomicFile.path(file.path, age: $0)) }
    }

    /// How many files are newer than the one that is resumed; 0 where it is none of them.
    var newerThanResumed: Int {
        files.firstIndex { $0.path == resuming?.file } ?? 0
    }

    /// Whether one is to be written at a place.
    func isDue(_ progress: TrainingProgress) -> Bool {
        guard let everySteps else { return progress.steps == 0 }
        return progress.totalSteps % everySteps == 0
    }
}
