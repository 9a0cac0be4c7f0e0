// SPDX-License-Identifier: MIT
//
// What a network is given of photographs: numbers that can be counted by hand where nothing is
// random, and where something is, the same on every call and within its bounds.

import ConvNetTensor
import Testing

@testable import ConvNetImages

struct ImageBatchesTests {
    /// Images of 4×4 whose samples differ from place to place, from channel to channel, and from
    /// image to image.
    private static func set(_ count: Int = 6, side: Int = 4, channels: Int = 3) throws -> ImageSet {
        let images = try (0..<count).map { image in
            try Image(
                width: side, height: side, channels: channels,
                bytes: (0..<side * side * channels).map { UInt8((image * 40 + $0 * 3 + 7) % 256) })
        }
        return try ImageSet(images: images, labels: (0..<count).map { $0 % 3 }, classes: 3)
    }

    private static let small = ImageSize(width: 4, height: 4)

    @Test func samplesAreNormalizedByChannel() throws {
        let set = try Self.set()
        let (mean, deviation) = ([0.25, 0.5, 0.125], [0.5, 2, 4])
        for reversed in [false, true] {
            let batches = try ImageBatches(
                set,
                ImagePreparation(
                    size: Self.small, scale: 2, mean: mean, deviation: deviation,
                    reversesChannels: reversed))
            let batch = try batches.batch(at: [4, 1])
            #expect(batch.images.shape == [2, 3, 4, 4])
            #expect(batch.labels == [1, 1])
            let numbers = batch.images.scalars
            for (place, index) in [4, 1].enumerated() {
                for channel in 0..<3 {
                    for pixel in 0..<16 {
                        let source = reversed ? 2 - channel : channel
                        let sample = Float(set.images[index].bytes[3 * pixel + source]) / 255
                        let expected = (2 * Double(sample) - mean[channel]) / deviation[channel]
                        #expect(
                            numbers[(place * 3 + channel) * 16 + pixel] == Float(expected))
                    }
                }
            }
        }
    }

    /// Where an image went: the image whose pixels were moved, or nil where it is not that.
    @Test func shiftsMoveWholePixelsAndFillWithBlack() throws {
        let set = try Self.set(40)
        let preparation = try ImagePreparation(size: Self.small, mean: [0.5])
        let batches = try ImageBatches(
            set, preparation, augmentation: ImageAugmentation(shift: 2, flip: true), seed: 3)
        var (found, mirrored) = (Set<[Int]>(), 0)
        let numbers = try batches.batch(at: Array(0..<40), epoch: 0).images.scalars
        for index in 0..<40 {
            let sample = Array(numbers[index * 48..<(index + 1) * 48])
            var matches: [[Int]] = []
            for (dx, dy, flip) in Self.moves
            where Self.moved(set.images[index], dx, dy, flip) == sample {
                matches.append([dx, dy])
                mirrored += flip ? 1 : 0
            }
            #expect(matches.count == 1, "image \(index)")
            found.formUnion(matches)
        }
        // 40 draws of 25 moves, and of two sides.
        #expect(found.count > 10)
        #expect((8...32).contains(mirrored))
    }

    private static let moves = (-2...2).flatMap { dx in
        (-2...2).flatMap { dy in [(dx, dy, false), (dx, dy, true)] }
    }

    private static func moved(_ image: Image, _ dx: Int, _ dy: Int, _ flip: Bool) -> [Float] {
        (0..<3).flatMap { channel in
            (0..<4).flatMap { y in
                (0..<4).map { x in
                    let (row, column) = (y - dy, flip ? 3 - (x - dx) : x - dx)
                    guard (0..<4).contains(row), (0..<4).contains(column) else { return -0.5 }
                    let sample = Float(image.bytes[(row * 4 + column) * 3 + channel]) / 255
                    return Float(Double(sample) - 0.5)
                }
            }
        }
    }

    /// A batch is the samples of which it is made, in any order and on any thread; an epoch and a
    /// seed are not another's.
    @Test func samplesAreAFunctionOfSeedEpochAndPlace() throws {
        let set = try Self.set(12, side: 9)
        let augmentation = try ImageAugmentation(
            resizedCrop: 0.3, shift: 1, flip: true, jitter: 0.5, erasing: 0.5, mixup: 0.4)
        let preparation = try ImagePreparation(size: ImageSize(width: 5, height: 6))
        func batches(_ seed: UInt64) throws -> ImageBatches {
            try ImageBatches(set, preparation, augmentation: augmentation, seed: seed)
        }
        let whole = try batches(1).batch(at: Array(0..<12), epoch: 2)
        for index in 0..<12 {
            let alone = try batches(1).batch(at: [index], epoch: 2)
            #expect(alone.images.scalars == (try whole.images.samples(index..<index + 1).scalars))
        }
        #expect(whole.images.shape == [12, 3, 6, 5])
        #expect(try batches(1).batch(at: [3], epoch: 3).images != whole.images.samples(3..<4))
        #expect(try batches(2).batch(at: [3], epoch: 2).images != whole.images.samples(3..<4))
        #expect(whole.images.scalars.allSatisfy { (0...1).contains($0) })
        guard case .values(let targets) = whole.targets else {
            Issue.record("no rows of probabilities")
            return
        }
        #expect(targets.shape == [12, 3])
        for row in 0..<12 {
            let sum = targets.scalars[row * 3..<row * 3 + 3].reduce(0, +)
            #expect(abs(sum - 1) <= 1e-6)
        }
        // Evaluation changes nothing.
        #expect(try batches(1).batch(at: [0, 5]).labels == [0, 2])
        #expect(try batches(1).batch(at: [0]).images == batches(2).batch(at: [0]).images)
    }

    /// A change more leaves the others as they were.
    @Test func changesDrawFromStreamsOfTheirOwn() throws {
        let preparation = try ImagePreparation(size: Self.small)
        func numbers(_ augmentation: ImageAugmentation) throws -> [Float] {
            try ImageBatches(Self.set(), preparation, augmentation: augmentation, seed: 1)
                .batch(at: [0, 1, 2, 3, 4, 5], epoch: 0).images.scalars
        }
        let shifted = try numbers(ImageAugmentation(shift: 1))
        let erased = try numbers(ImageAugmentation(shift: 1, erasing: 1))
        let pairs = zip(shifted, erased).filter { $0 != $1 }
        #expect(!pairs.isEmpty)
        #expect(pairs.allSatisfy { $1 == 0 })
    }

    @Test func jitterStaysInItsBounds() throws {
        let gray = try Image(width: 1, height: 1, channels: 1, bytes: [100])
        let set = try ImageSet(
            images: Array(repeating: gray, count: 200), labels: Array(repeating: 0, count: 200),
            classes: 1)
        let batches = try ImageBatches(
            set, ImagePreparation(size: ImageSize(width: 1, height: 1)),
            augmentation: ImageAugmentation(jitter: 0.3), seed: 1)
        // One pixel is its own mean: brightness alone changes it.
        let numbers = try batches.batch(at: Array(0..<200), epoch: 0).images.scalars
        let whole = Float(100) / 255
        #expect(numbers.allSatisfy { $0 >= whole * 0.69999 && $0 <= whole * 1.30001 })
        #expect(numbers.contains { $0 < whole * 0.8 } && numbers.contains { $0 > whole * 1.2 })
    }

    @Test func imagesAreFramed() throws {
        let wide = try Image(
            width: 8, height: 4, channels: 1, bytes: (0..<32).map { UInt8($0 % 8 * 30) })
        let middle = try ImagePreparation(size: Self.small, shorterSide: 4).framed(wide)
        #expect(Array(middle.bytes.prefix(4)) == [60, 90, 120, 150])
        let stretched = try ImagePreparation(size: Self.small).framed(wide)
        #expect(stretched == (try wide.resized(width: 4, height: 4)))
        // A side that the shorter one would leave too short is covered.
        let tall = try ImagePreparation(size: ImageSize(width: 4, height: 9), shorterSide: 4)
        #expect(try tall.framed(wide).height == 9)
        let flat = try ImagePreparation(size: ImageSize(width: 17, height: 3), shorterSide: 1)
        #expect(try flat.framed(wide).width == 17)
        #expect(try flat.framed(wide.resized(width: 3, height: 8)).height == 3)
    }

    @Test func statisticsAreCounted() throws {
        let set = try ImageSet(
            images: [
                Image(width: 2, height: 1, channels: 1, bytes: [0, 255]),
                Image(width: 1, height: 2, channels: 1, bytes: [51, 102]),
            ], labels: [0, 0], classes: 1)
        let (means, deviations) = set.statistics
        #expect(means == [0.4])
        // (0.16 + 0.36 + 0.04 + 0) / 4 = 0.14.
        #expect(abs(deviations[0] - 0.14.squareRoot()) <= 1e-15)
        let flat = try ImageSet(
            images: [Image(width: 2, height: 1, channels: 1, bytes: [9, 9])], labels: [0],
            classes: 1)
        #expect(flat.statistics.deviations == [1])
    }

    @Test func ordersAreAFunctionOfTheSeedAndTheEpoch() throws {
        let batches = try ImageBatches(
            Self.set(50), ImagePreparation(size: Self.small), shuffleSeed: 4)
        #expect(batches.order(ofEpoch: 0).sorted() == Array(0..<50))
        #expect(batches.order(ofEpoch: 0) == batches.order(ofEpoch: 0))
        #expect(batches.order(ofEpoch: 0) != batches.order(ofEpoch: 1))
        let fixed = try ImageBatches(Self.set(5), ImagePreparation(size: Self.small))
        #expect(fixed.order(ofEpoch: 3) == [0, 1, 2, 3, 4])
        let identity = batches.identity
        #expect(identity["samples"] == "50")
        let other = try ImageBatches(
            Self.set(50), ImagePreparation(size: Self.small, scale: 2), shuffleSeed: 4)
        #expect(other.identity["data"] == identity["data"])
        #expect(other.identity != identity)
    }

    @Test func augmentationsHaveNames() throws {
        for name in ["shift:4,flip", "resized-crop:0.08,jitter:0.4,erase:0.25,mixup:0.2", "none"] {
            #expect(try ImageAugmentation(name: name).name == name)
        }
        #expect(try ImageAugmentation(name: "mixup,shift").name == "shift:4,mixup:0.2")
        for name in [
            "", "shift,shift", "flip:1", "shift:1.5", "shift:x", "rotate", "shift:-1", "jitter:2",
            "resized-crop:0", "mixup:3", "erase:nan", "shift:1001", "none,flip",
        ] {
            #expect(throws: TensorError.self, "\(name)") { try ImageAugmentation(name: name) }
        }
    }

    @Test func impossibleCallsAreRefused() throws {
        let set = try Self.set()
        let batches = try ImageBatches(set, ImagePreparation(size: Self.small))
        for places in [[], [-1], [6], [0, 99]] {
            #expect(throws: TensorError.self) { try batches.batch(at: places) }
            #expect(throws: TensorError.self) { try batches.batch(at: places, epoch: 1) }
        }
        #expect(throws: TensorError.self) {
            try ImageBatches(set, ImagePreparation(size: Self.small, mean: [1, 2]))
        }
        #expect(throws: TensorError.self) {
            try ImageBatches(
                Self.set(channels: 1), ImagePreparation(size: Self.small, reversesChannels: true))
        }
        for (size, scale, deviation) in [
            (ImageSize(width: 0, height: 1), 1.0, [1.0]), (Self.small, 0, [1]),
            (Self.small, .infinity, [1]), (Self.small, 1, []), (Self.small, 1, [0]),
        ] {
            #expect(throws: TensorError.self) {
                try ImagePreparation(size: size, scale: scale, deviation: deviation)
            }
        }
        #expect(throws: TensorError.self) { try ImageSet(images: [], labels: [], classes: 1) }
        #expect(throws: TensorError.self) {
            try ImageSet(images: set.images, labels: set.labels, classes: 2)
        }
        #expect(throws: TensorError.self) { try set.prefix(0) }
    }
}
