// SPDX-License-Identifier: MIT
//
// Orders, batches, and what makes images and labels fit together.

import ConvNetData
import ConvNetTensor
import Testing

@Suite struct LabeledImagesTests {
    /// Image i holds the number i in both places and has the label i modulo 10.
    static func make(_ count: Int, shuffleSeed: UInt64? = nil) throws -> LabeledImages {
        try LabeledImages(
            images: Tensor(
                shape: [count, 1, 1, 2], scalars: (0..<count).flatMap { [Float($0), Float($0)] }),
            labels: (0..<count).map { $0 % 10 }, classes: 10, shuffleSeed: shuffleSeed)
    }

    @Test(arguments: [1, 2, 3, 7, 100, 1009]) func orderIsAPermutation(count: Int) throws {
        let images = try Self.make(count, shuffleSeed: 3)
        for epoch in [0, 1, 2, Int.max, -1] {
            #expect(images.order(ofEpoch: epoch).sorted() == Array(0..<count))
        }
    }

    @Test func orderIsAFunctionOfSeedAndEpoch() throws {
        let images = try Self.make(100, shuffleSeed: 1)
        let other = try Self.make(100).shuffled(seed: 1)
        for epoch in 0..<5 {
            #expect(images.order(ofEpoch: epoch) == other.order(ofEpoch: epoch))
            #expect(images.order(ofEpoch: epoch) != images.order(ofEpoch: epoch + 1))
            #expect(
                images.order(ofEpoch: epoch) != images.shuffled(seed: 2).order(ofEpoch: epoch))
        }
    }

    /// A saved training run goes on with the same orders, so that they may never change.
    @Test func orderIsPinned() throws {
        let images = try Self.make(10, shuffleSeed: 1)
        #expect(images.order(ofEpoch: 0) == [8, 7, 5, 9, 3, 2, 6, 1, 0, 4])
        #expect(images.order(ofEpoch: 1) == [4, 9, 7, 1, 6, 0, 8, 3, 2, 5])
    }

    /// Each place is equally likely to come first: 1,000 of 10,000 draws, give or take 5 standard
    /// deviations of √(10,000 · 0.1 · 0.9) = 30.
    @Test func orderIsFair() throws {
        let images = try Self.make(10, shuffleSeed: 7)
        var firstCount = Array(repeating: 0, count: 10)
        for epoch in 0..<10_000 { firstCount[images.order(ofEpoch: epoch)[0]] += 1 }
        #expect(firstCount.allSatisfy { abs($0 - 1000) <= 150 }, "\(firstCount)")
    }

    @Test func withoutASeedTheOrderIsKept() throws {
        let images = try Self.make(12)
        #expect(images.order(ofEpoch: 5) == Array(0..<12))
        #expect(
            try Self.make(12, shuffleSeed: 1).shuffled(seed: nil).order(ofEpoch: 5) == Array(0..<12)
        )
    }

    @Test func batchHasImagesAndLabelsInTheOrderAskedFor() throws {
        let batch = try Self.make(25).batch(at: [13, 0, 24, 13])
        #expect(batch.images.shape == [4, 1, 1, 2])
        #expect(batch.images.scalars == [13, 13, 0, 0, 24, 24, 13, 13])
        #expect(batch.labels == [3, 0, 4, 3])
    }

    @Test func lastBatchMayBePartial() throws {
        let images = try Self.make(25, shuffleSeed: 1)
        #expect(images.batchCount(size: 10) == 3)
        #expect(images.batchCount(size: 25) == 1)
        #expect(images.batchCount(size: 26) == 1)
        let order = images.order(ofEpoch: 0)
        let sizes = try (0..<3).map { step in
            try images.batch(at: Array(order[step * 10..<min(step * 10 + 10, 25)])).labels.count
        }
        #expect(sizes == [10, 10, 5])
    }

    @Test(arguments: [[], [-1], [25], [0, 25]]) func placesOutsideAreRefused(places: [Int]) throws {
        let images = try Self.make(25)
        #expect(throws: TensorError.self) { try images.batch(at: places) }
    }

    @Test func prefixKeepsTheRest() throws {
        let images = try Self.make(25, shuffleSeed: 4).prefix(3)
        #expect(images.sampleCount == 3)
        #expect(images.images.shape == [3, 1, 1, 2])
        #expect(images.images.scalars == [0, 0, 1, 1, 2, 2])
        #expect(images.labels == [0, 1, 2])
        #expect(images.classes == 10)
        #expect(images.shuffleSeed == 4)
    }

    @Test(arguments: [-1, 0, 26]) func prefixOutsideIsRefused(count: Int) throws {
        let images = try Self.make(25)
        #expect(
            description(of: { try images.prefix(count) })
                == "prefix: count is \(count), expected 1 to 25")
    }

    @Test func wrongArgumentsAreNamed() throws {
        let images = try Tensor(zeros: [2, 1, 1, 1])
        #expect(
            description(of: {
                try LabeledImages(images: Tensor(zeros: [2, 1]), labels: [0, 1], classes: 2)
            }) == "LabeledImages: images is [2, 1], expected [N, C, H, W]")
        #expect(
            description(of: { try LabeledImages(images: images, labels: [0], classes: 2) })
                == "LabeledImages: labels.count is 1, expected one for each image of [2, 1, 1, 1]")
        #expect(
            description(of: { try LabeledImages(images: images, labels: [0, 0], classes: 0) })
                == "LabeledImages: classes is 0, expected at least 1")
        #expect(
            description(of: { try LabeledImages(images: images, labels: [1, 2], classes: 2) })
                == "LabeledImages: labels[1] is 2, expected 0 to 1")
        #expect(
            description(of: { try LabeledImages(images: images, labels: [-1, 0], classes: 2) })
                == "LabeledImages: labels[0] is -1, expected 0 to 1")
    }
}
