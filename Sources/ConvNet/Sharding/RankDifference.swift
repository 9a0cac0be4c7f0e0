// SPDX-License-Identifier: MIT
//
// Ranks that are about to train with something else than rank 0: found out at the start, by hashes,
// as their gradients would add up without complaint.

import Foundation

/// A rank that would train with other parameters, data, settings or another version than rank 0.
public struct RankDifference: Error, Sendable, Equatable, CustomStringConvertible {
    /// The rank.
    public let rank: Int
    /// What differs, by name, each with the rank's value and rank 0's; nil where one has none.
    public let differences: [String: Values]

    /// Two values that should be one.
    public struct Values: Sendable, Equatable {
        /// The rank's.
        public let value: String?
        /// Rank 0's.
        public let expected: String?
    }

    /// One line that names the rank and each difference.
    public var description: String {
        let texts = differences.sorted { $0.key < $1.key }.map { name, values in
            "\(name) is \(values.value ?? "not set"), expected \(values.expected ?? "not set")"
        }
        return "rank \(rank) differs from rank 0: \(texts.joined(separator: "; "))"
    }
}

extension Sharding {
    /// Fails, on every rank, unless all ranks have the same facts.
    ///
    /// - Parameter facts: text by name, beside ``identity``.
    /// - Throws: ``RankDifference`` about the first rank that differs.
    func checkThatRanksAgree(on facts: [String: String]) throws {
        let facts = facts.merging(identity) { $1 }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes = Array(try encoder.encode(facts))
        // A hash is enough where all is well, as it most often is.
        var hash = ContentHash()
        bytes.withUnsafeBytes { hash.add($0) }
        let hashes = try averager.gather(Array(hash.text.utf8))
        guard let rank = hashes.firstIndex(where: { $0 != hashes[0] }) else { return }
        let all = try averager.gather(bytes).map {
            (try? JSONDecoder().decode([String: String].self, from: Data($0))) ?? [:]
        }
        var differences: [String: RankDifference.Values] = [:]
        for name in Set(all[0].keys).union(all[rank].keys) where all[0][name] != all[rank][name] {
            differences[name] = .init(value: all[rank][name], expected: all[0][name])
        }
        throw RankDifference(rank: rank, differences: differences)
    }

    /// Rank 0's checkpoint on every rank.
    ///
    /// - Throws: ``FileError`` when what comes is none.
    func broadcast(_ checkpoint: Checkpoint) throws -> Checkpoint {
        let name = "what rank 0 begins with"
        let isFirst = averager.rank == 0
        let bytes = try averager.broadcast(isFirst ? Array(checkpoint.bytes(file: name)) : [])
        return isFirst ? checkpoint : try Checkpoint(bytes: Data(bytes), file: name)
    }

    /// How a model sorts samples that are held out, each rank predicting some of the batches; the
    /// same figures as without sharing.
    ///
    /// - Throws: ``TensorError`` when the samples don't suit the network.
    func evaluation(
        of model: some Classifier, _ source: any BatchSource, batchSize: Int, loss: any Loss
    ) throws -> Evaluation {
        let (rank, ranks) = (averager.rank, averager.rankCount)
        let batches = source.batchCount(size: batchSize)
        var told: [Double] = []
        try model.forEachPrediction(
            of: source, batchSize: batchSize,
            batches: batches * rank / ranks..<batches * (rank + 1) / ranks,
            operation: "evaluation"
        ) { output, batch in
            let mean = try loss.evaluate(output, batch.targets, on: model.kernels).loss
            told += [
                Double(try output.count(ofTargetsWithLargest: batch.targets)),
                mean * Double(batch.images.shape[0]),
            ]
        }
        let numbers = try averager.gather(told).flatMap { $0 }
        var (correct, lossSum) = (0.0, 0.0)
        for place in stride(from: 0, to: numbers.count - 1, by: 2) {
            correct += numbers[place]
            lossSum += numbers[place + 1]
        }
        let total = source.sampleCount
        return Evaluation(
            accuracy: Accuracy(correct: Int(correct), total: total),
            meanLoss: lossSum / Double(max(total, 1)))
    }
}
