// SPDX-License-Identifier: MIT
//
// Why training can't go on: it has diverged, and where that was seen.

/// Training that can't go on, most often because the learning rate is too large.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The loss became infinite or NaN.
    case lossIsNotFinite(epoch: Int, step: Int, loss: String)
    /// A parameter or buffer became infinite or NaN; the step is the last one that was taken.
    case parameterIsNotFinite(epoch: Int, step: Int, number: NonFiniteNumber)
    /// The loss of the samples that are held out is infinite or NaN.
    case testLossIsNotFinite(epoch: Int, loss: String)

    /// One line that says where.
    public var description: String {
        switch self {
        case .lossIsNotFinite(let epoch, let step, let loss):
            "training: the loss is \(loss) in step \(step) of epoch \(epoch), expected a finite "
                + "number; a smaller learning rate may help"
        case .parameterIsNotFinite(let epoch, let step, let number):
            "training: \(number) after step \(step) of epoch \(epoch), expected finite numbers; "
                + "a smaller learning rate may help"
        case .testLossIsNotFinite(let epoch, let loss):
            "training: the test loss is \(loss) after epoch \(epoch), expected a finite number; "
                + "a smaller learning rate may help"
        }
    }

    /// Whether a checkpoint was written at a place where nothing was wrong yet: a loss that was
    /// finite came after it.
    func comesAfter(_ progress: TrainingProgress) -> Bool {
        let place = (progress.epochs + 1, progress.steps)
        switch self {
        case .lossIsNotFinite(let epoch, let step, _):
            // A checkpoint of just before this step has the parameters that gave this loss.
            return place < (epoch, step - 1)
        case .parameterIsNotFinite(let epoch, let step, _): return place < (epoch, step)
        case .testLossIsNotFinite(let epoch, _): return place < (epoch + 1, 0)
        }
    }
}
