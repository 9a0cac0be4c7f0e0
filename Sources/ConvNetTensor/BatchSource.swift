// SPDX-License-Identifier: MIT
//
// How training asks for data: an order for each epoch, and the samples at some places of it.

/// What a network's output should have been.
public enum Targets: Sendable, Equatable {
    /// The class of each sample, or of each pixel of each sample, row by row.
    case labels([Int])
    /// Numbers of the output's shape, such as probabilities.
    case values(Tensor)

    /// The labels; empty where the targets are values.
    public var labels: [Int] {
        if case .labels(let labels) = self { labels } else { [] }
    }
}

/// Some samples and what they are.
public struct Batch: Sendable {
    /// The samples, `[N, …]`.
    public let images: Tensor
    /// What the network should make of them.
    public let targets: Targets
    /// The class of each sample, N of them; empty where the targets are values.
    public var labels: [Int] { targets.labels }

    /// Puts samples and labels together.
    ///
    /// - Throws: ``TensorError`` when there is not one label per sample.
    public init(images: Tensor, labels: [Int]) throws(TensorError) {
        guard let samples = images.shape.first, samples == labels.count else {
            throw TensorError(
                operation: "Batch", argument: "labels.count", value: "\(labels.count)",
                expected: "one for each sample of \(images.shape)")
        }
        self.images = images
        targets = .labels(labels)
    }

    /// Puts samples and targets together: labels, as many for each sample, or values, the
    /// samples first.
    ///
    /// - Throws: ``TensorError`` when their numbers differ.
    public init(images: Tensor, targets: Targets) throws(TensorError) {
        let samples = images.shape.first ?? 0
        switch targets {
        case .labels(let labels):
            guard samples > 0, !labels.isEmpty, labels.count % samples == 0 else {
                throw TensorError(
                    operation: "Batch", argument: "targets.count", value: "\(labels.count)",
                    expected: "the same number for each sample of \(images.shape)")
            }
        case .values(let values):
            guard samples > 0, values.shape.first == samples else {
                throw TensorError(
                    operation: "Batch", argument: "targets", value: "\(values.shape)",
                    expected: "\(samples) samples, as in \(images.shape)")
            }
        }
        self.images = images
        self.targets = targets
    }
}

/// Samples that can be asked for in any order. Everything it gives is a function of its own state
/// and the arguments, so that training can stop at any step and go on later.
public protocol BatchSource: Sendable {
    /// How many samples there are, at least 1.
    var sampleCount: Int { get }

    /// The order in which an epoch goes through the samples: each place once.
    ///
    /// - Parameter epoch: the epoch's number, from 0.
    func order(ofEpoch epoch: Int) -> [Int]

    /// The samples at the given places, as they are.
    ///
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    func batch(at indices: [Int]) throws -> Batch

    /// The samples at the given places as an epoch of training sees them, at random changed in ways
    /// that leave their classes alone, for instance. By default as they are.
    ///
    /// - Parameters:
    ///   - indices: the places, each from 0 to ``sampleCount`` − 1.
    ///   - epoch: the epoch's number, from 0.
    /// - Throws: ``TensorError`` when there are no places or one is outside.
    func batch(at indices: [Int], epoch: Int) throws -> Batch

    /// What identifies the samples and their order, as text by name, such as their number and the
    /// seed of the shuffle. Resuming requires equal identities. By default the number of samples.
    var identity: [String: String] { get }
}

extension BatchSource {
    /// The samples as they are, in any epoch.
    public func batch(at indices: [Int], epoch: Int) throws -> Batch { try batch(at: indices) }

    /// The number of samples.
    public var identity: [String: String] { ["samples": "\(sampleCount)"] }

    /// How many batches of the given size an epoch has, the last partial one too.
    public func batchCount(size: Int) -> Int {
        sampleCount < 1 ? 0 : (sampleCount - 1) / max(size, 1) + 1
    }
}
