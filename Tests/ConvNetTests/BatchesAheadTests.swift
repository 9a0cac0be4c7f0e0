// SPDX-License-Identifier: MIT
//
// Batches that are made ahead: the same ones in the same order, not too many, with errors where
// they belong, and a thread that ends.

import ConvNet
import Foundation
import Testing

/// Samples that keep a record of what was asked for, and fail where they are meant to.
private final class WatchedSamples: BatchSource, @unchecked Sendable {
    struct Failure: Error, Equatable { let batch: Int }

    // Sendable although it changes: what changes is touched under the lock.
    private let samples: GivenSamples
    private let failing: Int?
    private let lock = NSLock()
    private var batches: [[Int]] = []

    init(_ samples: GivenSamples, failing: Int? = nil) {
        self.samples = samples
        self.failing = failing
    }

    var made: [[Int]] { lock.withLock { batches } }
    var sampleCount: Int { samples.sampleCount }
    func order(ofEpoch epoch: Int) -> [Int] { (0..<12).map { ($0 * 5 + epoch) % 12 } }

    func batch(at indices: [Int]) throws -> Batch {
        let number = lock.withLock {
            batches.append(indices)
            return batches.count
        }
        if number == failing { throw Failure(batch: number) }
        return try samples.batch(at: indices)
    }
}

struct BatchesAheadTests {
    private static func samples(failing: Int? = nil) throws -> WatchedSamples {
        WatchedSamples(
            GivenSamples(try smallImages(12), (0..<12).map { $0 % 4 }), failing: failing)
    }

    private static func trainer(ahead: Int, epochs: Int = 2) throws -> Trainer {
        try Trainer(optimizer: SGD(), batchSize: 5, epochs: epochs, batchesAhead: ahead)
    }

    @Test(arguments: [0, 1, 2, 7, 1024])
    func trainingIsTheSameHoweverManyAreMadeAhead(_ ahead: Int) throws {
        func train(ahead: Int) throws -> (losses: [Double], made: [[Int]]) {
            var (network, source) = (try smallNetwork(), try Self.samples())
            var trainer = try Self.trainer(ahead: ahead)
            let history = try trainer.train(&network, on: source)
            return (history.stepLosses, source.made)
        }
        let (expected, found) = (try train(ahead: 0), try train(ahead: ahead))
        #expect(found.losses == expected.losses)
        #expect(found.made == expected.made)
        #expect(found.made.map(\.count) == [5, 5, 2, 5, 5, 2])
    }

    /// So many are ready, one is being made, and one is trained with.
    @Test(arguments: [0, 1, 3]) func noMoreAreMadeThanAskedFor(_ ahead: Int) throws {
        var (network, source) = (try smallNetwork(), try Self.samples())
        var trainer = try Self.trainer(ahead: ahead, epochs: 5)
        var steps = 0
        try trainer.train(&network, on: source) { event in
            guard case .step = event else { return }
            steps += 1
            #expect(source.made.count - steps <= ahead + (ahead > 0 ? 1 : 0))
        }
        #expect(steps == 15)
        #expect(source.made.count == 15)
    }

    @Test(arguments: [0, 2]) func anErrorEndsTrainingAtItsBatch(_ ahead: Int) throws {
        var (network, source) = (try smallNetwork(), try Self.samples(failing: 4))
        var trainer = try Self.trainer(ahead: ahead)
        var steps = 0
        #expect(throws: WatchedSamples.Failure(batch: 4)) {
            try trainer.train(&network, on: source) { event in
                if case .step = event { steps += 1 }
            }
        }
        #expect(steps == 3)
        #expect(source.made.count == 4)
    }

    /// After training has ended, for whatever reason, nothing holds the samples any more, as a
    /// running thread would.
    @Test func theThreadEndsWithTraining() throws {
        struct Stop: Error {}
        weak var samples: WatchedSamples?
        func train() throws {
            var (network, source) = (try smallNetwork(), try Self.samples())
            samples = source
            var trainer = try Self.trainer(ahead: 2, epochs: 1_000_000)
            #expect(throws: Stop.self) {
                try trainer.train(&network, on: source) { event in
                    if case .step = event { throw Stop() }
                }
            }
            #expect((1...4).contains(source.made.count))
        }
        try train()
        #expect(samples == nil)
    }

    @Test(arguments: [-1, 1025, Int.min, Int.max]) func impossibleNumbersAreRefused(_ ahead: Int) {
        #expect(
            throws: TensorError(
                operation: "Trainer", argument: "batchesAhead", value: "\(ahead)",
                expected: "from 0 to 1024")
        ) { try Trainer(optimizer: SGD(), epochs: 1, batchesAhead: ahead) }
    }
}
