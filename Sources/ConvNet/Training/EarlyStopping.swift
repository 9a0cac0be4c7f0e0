// SPDX-License-Identifier: MIT
//
// When training has gone on long enough: a function of the epochs so far, so that training can stop
// anywhere and be resumed.

/// Training that ends where it no longer helps.
public struct EarlyStopping: Sendable, Hashable {
    /// After how many epochs in a row without a new best one training ends.
    public let patience: Int

    /// Training that ends after a number of epochs without a new best one.
    ///
    /// - Throws: ``TensorError`` when the patience is below 1.
    public init(patience: Int) throws(TensorError) {
        guard patience >= 1 else {
            throw TensorError(
                operation: "EarlyStopping", argument: "patience", value: "\(patience)",
                expected: "at least 1")
        }
        self.patience = patience
    }

    /// Whether training should end after these epochs. The best one is the first with the
    /// most held-out samples classified correctly, or, where none are held out, with the
    /// smallest mean loss.
    public func isDue(after history: [EpochRecord]) -> Bool {
        guard var best = history.first else { return false }
        for record in history.dropFirst() where record.isBetter(than: best) { best = record }
        return history.count - 1 - (history.firstIndex { $0.epoch == best.epoch } ?? 0) >= patience
    }
}

extension EpochRecord {
    fileprivate func isBetter(than other: EpochRecord) -> Bool {
        guard let mine = testAccuracy, let theirs = other.testAccuracy else {
            return meanLoss < other.meanLoss
        }
        return mine.fraction > theirs.fraction
    }
}
