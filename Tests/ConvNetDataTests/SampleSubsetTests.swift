// SPDX-License-Identifier: MIT
//
// Samples that are held out: each is in one part, and both go on as their source has them.

import ConvNetTensor
import Testing

@testable import ConvNetData

struct SampleSubsetTests {
    private static func digits(_ count: Int = 40) throws -> LabeledImages {
        try SyntheticDigits.make(count: count, seed: 1).shuffled(seed: 2)
    }

    @Test(arguments: [(0.25, 10), (0.001, 1), (0.999, 39), (0.5, 20)])
    func eachSampleIsInOnePart(_ share: Double, _ count: Int) throws {
        let digits = try Self.digits()
        let (training, heldOut) = try digits.split(holdingOut: share, seed: 3)
        #expect(heldOut.sampleCount == count)
        #expect((training.places + heldOut.places).sorted() == Array(0..<40))
        #expect(training.places == training.places.sorted())
        for epoch in [0, 1] {
            let order = digits.order(ofEpoch: epoch)
            let trained = training.order(ofEpoch: epoch).map { training.places[$0] }
            #expect(trained == order.filter { !heldOut.places.contains($0) })
        }
        let places = [0, training.sampleCount - 1]
        let batch = try training.batch(at: places)
        let expected = try digits.batch(at: places.map { training.places[$0] })
        #expect(batch.images == expected.images && batch.labels == expected.labels)
    }

    @Test func theSeedDecides() throws {
        let digits = try Self.digits()
        let parts = try [1, 1, 2].map { try digits.split(holdingOut: 0.3, seed: $0) }
        #expect(parts[0].heldOut.places == parts[1].heldOut.places)
        #expect(parts[0].heldOut.places != parts[2].heldOut.places)
        #expect(parts[0].training.identity == parts[1].training.identity)
        #expect(parts[0].training.identity != parts[2].training.identity)
        #expect(parts[0].training.identity != parts[0].heldOut.identity)
    }

    /// Changes at random are those of the source's samples.
    @Test func changesAreTheSources() throws {
        let pipeline = try ImagePipeline(
            Self.digits(), augmentation: Augmentation(shift: 2), seed: 5)
        let (training, _) = try pipeline.split(holdingOut: 0.5, seed: 3)
        let part = try training.batch(at: [2, 7], epoch: 1)
        let whole = try pipeline.batch(at: [training.places[2], training.places[7]], epoch: 1)
        #expect(part.images == whole.images)
    }

    @Test func whatCannotBePartedIsRefused() throws {
        let digits = try Self.digits()
        for share in [0, 1, -1, .nan] {
            #expect(throws: TensorError.self) { _ = try digits.split(holdingOut: share, seed: 1) }
        }
        #expect(throws: TensorError.self) {
            _ = try digits.prefix(1).split(holdingOut: 0.5, seed: 1)
        }
        let (training, _) = try digits.split(holdingOut: 0.5, seed: 1)
        for places in [[], [20], [-1]] {
            #expect(throws: TensorError.self) { _ = try training.batch(at: places) }
        }
    }
}
